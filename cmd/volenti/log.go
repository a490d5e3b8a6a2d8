package main

import "github.com/spf13/cobra"

func logCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "The transparency log"}
	cmd.AddCommand(logAuditCommand(), logCheckpointCommand(), logConsistencyCommand(), logProofCommand(), logVerifyCommand(), logAcceptCommand())
	return cmd
}
