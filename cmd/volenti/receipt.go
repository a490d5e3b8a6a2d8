package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/consent/forms"
)

func receiptCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "receipt", Short: "Receipts of decisions"}
	cmd.AddCommand(receiptBundleCommand(), receiptExportCommand(), receiptVerifyCommand())
	return cmd
}

func receiptVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a receipt, or a bundle of all it stands on, offline",
		Long: `Check a receipt or an evidence bundle offline. --keys is the document a server
publishes at /.well-known/jwks.json, or a PEM file. Nothing is asked of any server.
Any form of a receipt can be checked that is signed or carries one (volenti receipt
export). A bundle (volenti receipt bundle) holds keys of its own; whoever can make up
a server can make up its keys, so give those you got elsewhere, and a checkpoint of
the log that somebody kept.`,
		Example: `  volenti receipt verify volenti-receipt.json --keys jwks.json
  volenti receipt verify evidence.zip --keys jwks.json --log-key vkey --checkpoint checkpoint`,
		Args: cobra.ExactArgs(1),
	}
	keyFile := cmd.Flags().String("keys", "", "file with the public keys (JWKS or PEM); of a bundle, its own if not given")
	logKeyFile := cmd.Flags().String("log-key", "", "file with the public key of the log (vkey), for a bundle")
	checkpointFile := cmd.Flags().String("checkpoint", "", "file with a checkpoint of the log that somebody kept, for a bundle")
	consistencyFile := cmd.Flags().String("consistency", "", "file with the proof that leads from that checkpoint to the bundle's (volenti log consistency --json), where it is of another size")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		receipt, err := readBounded(args[0])
		if err != nil {
			return err
		}
		var keys consent.PublicKeys
		if *keyFile != "" {
			if keys, err = readKeys(*keyFile); err != nil {
				return err
			}
		}
		if bytes.HasPrefix(receipt, []byte("PK")) {
			return verifyBundle(cmd.OutOrStdout(), args[0], receipt, keys, *logKeyFile, *checkpointFile, *consistencyFile)
		}
		if keys == nil {
			return usage(errors.New("a receipt is checked with public keys from elsewhere: give them with --keys"))
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

func readKeys(name string) (consent.PublicKeys, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, usage(err)
	}
	keys, err := consent.ParsePublicKeys(text)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", name, err))
	}
	return keys, nil
}
