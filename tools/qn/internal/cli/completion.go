package cli

import (
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

// shells write the script that lets a shell complete qn's commands, flags, members and keys.
var shells = map[string]func(root *cobra.Command, w io.Writer) error{
	"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"zsh":        func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
	"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	"powershell": func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) },
}

func newCompletion() *cobra.Command {
	names := slices.Sorted(maps.Keys(shells))
	known := strings.Join(names, ", ")
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that lets a shell complete commands, flags, members and keys",
		Example: `  qn completion bash > /etc/bash_completion.d/qn               needs the package bash-completion
  qn completion zsh > "${fpath[1]}/_qn"                        then begin a new zsh
  qn completion fish > ~/.config/fish/completions/qn.fish      for the next fish`,
		Long:      "SHELL is one of " + known + ". Members and keys are those of the agent that QN_AGENT names, else of the one on this machine.",
		ValidArgs: names,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return exit.Usagef("qn completion: SHELL is missing; fix: one of %s", known)
			case len(args) > 1:
				return exit.Usagef("qn completion: %q is too much; see qn completion --help", args[1])
			case shells[args[0]] == nil:
				if near := exit.Nearest(args[0], names); near != "" {
					return exit.Usagef("unknown shell %q; did you mean %q?", args[0], near)
				}
				return exit.Usagef("unknown shell %q; fix: one of %s", args[0], known)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return shells[args[0]](cmd.Root(), cmd.OutOrStdout()) },
	}
}
