package cli

import "github.com/spf13/cobra"

func addOutput(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", "table", "form of the result: table or json")
}

func checkOutput(output string) error {
	if output != "table" && output != "json" {
		return usagef("--output %s: no such form; fix: -o table or -o json", output)
	}
	return nil
}

// noArgs is cobra.NoArgs as a usage error that says what was too much.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument, got %q; fix: options start with two dashes, see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}
