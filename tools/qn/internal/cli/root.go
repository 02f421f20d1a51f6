package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

const rootExamples = `  qn load                                    16 nodes, 1,000 writes/s, 10 s, then compare all replicas
  qn load --nodes 64 --rate 5k -o json       a larger run for a script
  qn load --loss 20% --duration 30s          a bad network`

// Main runs qn with the arguments after its name and returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(root.ExecuteContext(ctx), stderr)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "qn",
		Short:         "Load, watch and explain a Quidnunc cluster",
		Example:       rootExamples,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownVerb(cmd, args[0])
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	})
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(usageTemplate)
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(newNode(), newLoad(), newSim(), newKeys(), newVersion(), exitCodesTopic())
	return root
}

func unknownVerb(cmd *cobra.Command, verb string) error {
	near := cmd.SuggestionsFor(verb)
	if len(near) == 0 {
		return usagef("unknown command %q; see %s --help", verb, cmd.CommandPath())
	}
	return usagef("unknown command %q; did you mean %q?", verb, strings.Join(near, `" or "`))
}

// helpTemplate puts examples that can be copied before anything else.
const helpTemplate = `{{.Short}}
{{if .Example}}
{{.Example}}
{{end}}{{if .Long}}
{{.Long}}
{{end}}{{if or .Runnable .HasSubCommands}}
{{.UsageString}}{{end}}`

const usageTemplate = `Usage: {{.UseLine}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}

Topics:{{range .Commands}}{{if .IsAdditionalHelpTopicCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes of qn mean",
		Long: fmt.Sprintf(`  %-5d done
  %-5d failed while running
  %-5d wrong usage: the message names the flag, the value and the fix
  %-5d ran, but the replicas did not become equal
  %-5d interrupted`, ExitOK, ExitFailed, ExitUsage, ExitUnconverged, ExitInterrupted),
	}
}
