package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/spf13/cobra"
)

const rootExamples = `  qn demo                                    24 members on this machine, and a page that shows them
  qn agent --name web-1                      a member as a process, with fronts for HTTP, redis-cli and dig
  qn members                                 who is there
  qn load --loss 20% --duration 30s          16 members on this machine, a bad network, figures`

// Main runs qn with the arguments after its name and returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	defer stop()
	root := newRoot()
	root.SetArgs(append([]string{}, args...)) // of nil it would take those of the process
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exit.Report(stderr, root.ExecuteContext(ctx))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "qn COMMAND",
		Short:         "Run a Quidnunc cluster, ask it, load it, and simulate it",
		Example:       rootExamples,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE:          parentOnly,
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpCommand(newHelp())
	root.AddCommand(
		newDemo(), newAgent(),
		newMembers(), newStatus(), newKV(), newTrace(), newWhy(), newLag(), newDigest(), newTop(), newPing(), newForget(), newLeave(), newKeys(), newDoctor(),
		newLoad(), newSim(), newNode(), newVersion(), newCompletion(), exitCodesTopic(),
	)
	cobra.EnableCommandSorting = false
	tidyDefaults(root)
	return root
}

// parentOnly helps when a verb is missing or unknown.
func parentOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return unknownVerb(cmd, args[0])
}

func unknownVerb(cmd *cobra.Command, verb string) error {
	var known []string
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			known = append(known, sub.Name())
		}
	}
	if near := exit.Nearest(verb, known); near != "" {
		return exit.Usagef("unknown command %q; did you mean %q?", verb, near)
	}
	return exit.Usagef("unknown command %q; see %s --help", verb, cmd.CommandPath())
}

// newHelp is cobra's help command with an error for what there is no help for.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command or topic]",
		Short: "Help for a command or a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownVerb(of, rest[0])
			}
			return of.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []string, d cobra.ShellCompDirective) {
			of, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			for _, sub := range of.Commands() {
				if !sub.Hidden {
					names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
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
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasHelpSubCommands}}

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
  %-5d it ran, and the answer is no: replicas that differ, a figure outside its band, no such key or member, not healthy
  %-5d unreachable: no agent answers
  %-5d interrupted`, exit.OK, exit.Failed, exit.Usage, exit.No, exit.Unreachable, exit.Interrupted),
	}
}
