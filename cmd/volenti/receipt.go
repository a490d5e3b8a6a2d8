package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/consent/forms"
)

func receiptCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "receipt", Short: "Receipts of decisions"}
	cmd.AddCommand(receiptExportCommand(), receiptVerifyCommand())
	return cmd
}

func receiptVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a receipt offline, with nothing but the public keys",
		Long: `Check a receipt offline. --keys is the document a server publishes at
/.well-known/jwks.json, or a PEM file. Nothing is asked of any server. Any form of
a receipt can be checked that is signed or carries one (volenti receipt export).`,
		Example: `  volenti receipt verify volenti-receipt.json --keys jwks.json`,
		Args:    cobra.ExactArgs(1),
	}
	keyFile := cmd.Flags().String("keys", "", "file with the public keys (JWKS or PEM)")
	_ = cmd.MarkFlagRequired("keys")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		receipt, err := os.ReadFile(args[0])
		if err != nil {
			return usage(err)
		}
		text, err := os.ReadFile(*keyFile)
		if err != nil {
			return usage(err)
		}
		keys, err := consent.ParsePublicKeys(text)
		if err != nil {
			return usage(fmt.Errorf("%s: %w", *keyFile, err))
		}
		found, err := forms.Verify(receipt, keys)
		_, printed := found.WriteTo(cmd.OutOrStdout())
		if err != nil {
			return invalid(fmt.Errorf("%s does not verify: %w", args[0], err))
		}
		return errors.Join(printed)
	}
	return cmd
}
