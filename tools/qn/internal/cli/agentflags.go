package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

// agentFlags is what every command that asks an agent has.
type agentFlags struct {
	agent     string
	tokenFile string
	output    form.Form
}

// add gives cmd the flags.
func (a *agentFlags) add(cmd *cobra.Command) {
	agent := api.AgentDefault
	if v := os.Getenv("QN_AGENT"); v != "" {
		agent = v
	}
	fs := cmd.Flags()
	fs.StringVar(&a.agent, "agent", agent, "the agent to ask: host:port or unix:/path (variable QN_AGENT)")
	fs.StringVar(&a.tokenFile, "token-file", os.Getenv("QN_TOKEN_FILE"), "file with the agent's token (variable QN_TOKEN_FILE)")
	form.Add(cmd, &a.output)
}

func (a *agentFlags) client() (*api.Client, error) {
	token := ""
	if a.tokenFile != "" {
		b, err := os.ReadFile(a.tokenFile)
		if err != nil {
			return nil, exit.Usagef("--token-file %s: %w; fix: name the file that the agent got as --http-token-file", a.tokenFile, err)
		}
		token = strings.TrimSpace(string(b))
	}
	return api.NewClient(a.agent, token)
}

// get asks for a path within api.Wait.
func get[T any](ctx context.Context, a *agentFlags, path string) (v T, err error) {
	return ask[T](ctx, a, "GET", path, nil)
}

func ask[T any](ctx context.Context, a *agentFlags, method, path string, body []byte) (v T, err error) {
	c, err := a.client()
	if err != nil {
		return v, err
	}
	ctx, cancel := context.WithTimeout(ctx, api.Wait)
	defer cancel()
	err = c.Do(ctx, method, path, body, &v)
	return v, err
}

// command makes a command that asks an agent. It takes the arguments that args names, "NAME" each;
// one in brackets may be left out.
func (a *agentFlags) command(use, short, example string, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	names := strings.Fields(use)[1:]
	least := 0
	for _, n := range names {
		if !strings.HasPrefix(n, "[") {
			least++
		}
	}
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) < least:
				return exit.Usagef("%s: %s is missing; see %s --help", cmd.CommandPath(), names[len(args)], cmd.CommandPath())
			case len(args) > len(names):
				return exit.Usagef("%s: %q is too much; see %s --help", cmd.CommandPath(), args[len(names)], cmd.CommandPath())
			}
			for i, name := range names[:len(args)] {
				if args[i] == "" && (name == "NAME" || name == "MEMBER") {
					return exit.Usagef("%s: %s is empty; see %s --help", cmd.CommandPath(), name, cmd.CommandPath())
				}
			}
			return nil
		},
		RunE: run,
	}
	a.add(cmd)
	return cmd
}

// table aligns columns.
func table(w io.Writer, head string, rows func(row func(format string, args ...any))) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, strings.ReplaceAll(head, " ", "\t"))
	rows(func(format string, args ...any) { fmt.Fprintf(t, strings.ReplaceAll(format, "|", "\t")+"\n", args...) })
	return t.Flush()
}

// ago is how long something is past, short.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case t.IsZero():
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", max(0, d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%.0fm", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0fh", d.Hours())
	}
	return fmt.Sprintf("%.0fd", d.Hours()/24)
}

func millis(seconds float64) string {
	if seconds == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3gms", seconds*1e3)
}

const completionWait = 200 * time.Millisecond

// completeMembers offers the names of members, if an agent says them soon.
func (a *agentFlags) completeMembers(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionWait)
	defer cancel()
	if len(args) == 0 {
		list, err := get[[]api.Member](ctx, a, "/v1/members")
		if err == nil {
			for _, m := range list {
				names = append(names, cobra.CompletionWithDesc(m.Name, m.State))
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeKeys offers the names of keys, as people write them, if an agent says them soon.
func (a *agentFlags) completeKeys(cmd *cobra.Command, args []string, begun string) (names []string, _ cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionWait)
	defer cancel()
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	q := url.Values{"prefix": {begun}}
	if member, key, found := strings.Cut(begun, "/"); found {
		q = url.Values{"prefix": {key}, "member": {member}}
	}
	list, err := get[[]api.Entry](ctx, a, "/v1/kv?"+q.Encode())
	if err == nil {
		for _, e := range list {
			if name := named(e.Member, e.Key); strings.HasPrefix(name, begun) {
				names = append(names, name)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
