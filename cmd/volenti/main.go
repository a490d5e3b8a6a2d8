// Command volenti is a cookie-consent banner server and tag gate.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	runtime.MemProfileRate = 0 // nobody can ask for what it keeps, more than a megabyte
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	if err == nil {
		return
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintln(os.Stderr, "volenti:", err)
	}
	os.Exit(exitCode(err))
}

// errReported marks a failure whose text the user has seen already.
var errReported = errors.New("reported")

// Exit codes are part of the interface: scripts and CI depend on them.
const (
	exitFailure = 1 // something went wrong
	exitUsage   = 2 // the call or the configuration is wrong; nothing was done
	exitInvalid = 3 // the file was read and found wanting: lint, verify
)

type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

func usage(err error) error   { return exitError{exitUsage, err} }
func invalid(err error) error { return exitError{exitInvalid, err} }

func exitCode(err error) int {
	if coded, ok := errors.AsType[exitError](err); ok {
		return coded.code
	}
	return exitFailure
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "volenti",
		Short: "Cookie-consent banner server and tag gate",
		Long: `Volenti serves a consent banner that knows the visitor's region, loads analytics
and remarketing tags only once their category is consented, and keeps signed
receipts of every choice, linked to the exact text the visitor was shown.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	cmd.AddCommand(serveCommand(), gateCommand(), cspCommand(), siteCommand(), embedCommand(), noticeCommand(), policyCommand(), markupCommand(), receiptCommand(), requestCommand(), keyCommand(), storeCommand(), logCommand(), operatorCommand(), trialsCommand(), erasureCommand(), retentionCommand(), backupCommand(), restoreCommand(), doctorCommand(), piiCommand(), versionCommand(), manCommand())
	complete(cmd)
	return cmd
}
