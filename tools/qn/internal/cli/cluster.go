package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

var states = []string{"alive", "suspect", "dead", "left", "unknown"}

func newMembers() *cobra.Command {
	var a agentFlags
	var state string
	cmd := a.command("members", "List the members of the cluster", `  qn members                                 who is there, how far each is behind
  qn members --state dead                    those that died
  qn members -o ndjson | jq .name            for a script`, func(cmd *cobra.Command, _ []string) error {
		if state != "" {
			if err := exit.OneOf("--state", state, states); err != nil {
				return err
			}
		}
		list, err := get[[]api.Member](cmd.Context(), &a, "/v1/members")
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(m api.Member) bool { return state != "" && m.State != state })
		return a.output.Print(cmd.OutOrStdout(), list, func(w io.Writer) error { return printMembers(w, list) })
	})
	cmd.Flags().StringVar(&state, "state", "", "only those that are alive, suspect, dead, left or unknown")
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(states, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func printMembers(w io.Writer, list []api.Member) error {
	return table(w, "MEMBER ADDR STATE FOR RTT BEHIND ENTRIES ZONE TAGS", func(row func(string, ...any)) {
		for _, m := range list {
			name := m.Name
			if m.Self {
				name += " (this)"
			}
			row("%s|%s|%s|%s|%s|%d|%d|%s|%s", name, dash(m.Addr), m.State, ago(m.Since), millis(m.RTTSeconds), m.Behind, m.Entries, dash(m.Zone), dash(tagText(m.Tags)))
		}
	})
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func tagText(tags map[string]string) string {
	var list []string
	for k, v := range tags {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

func newStatus() *cobra.Command {
	var a agentFlags
	return a.command("status", "Say whether the agent and its cluster are well, and what to do if not", `  qn status                                  a line for each check; exit code 3 if one fails
  qn status -o json | jq .checks             for a script
  qn status --agent 10.0.0.7:7947 --token-file token`, func(cmd *cobra.Command, _ []string) error {
		st, err := get[api.Status](cmd.Context(), &a, "/v1/status")
		if err != nil {
			return err
		}
		if err := a.output.Print(cmd.OutOrStdout(), st, func(w io.Writer) error { return printStatus(w, &st) }); err != nil {
			return err
		}
		if !st.Healthy {
			return exit.Told("a check failed")
		}
		return nil
	})
}

func printStatus(w io.Writer, st *api.Status) error {
	fmt.Fprintf(w, "%s of cluster %s, up %.0fs, %d keys, state %s\n", st.Member, st.Cluster, st.UpSeconds, st.Keys, st.Fingerprint)
	return printChecks(w, st.Checks)
}

func newLag() *cobra.Command {
	var a agentFlags
	return a.command("lag", "Show how far each member's state has come here, and ours there", `  qn lag                                     versions that each member has not confirmed
  qn lag -o json                             for a script
  qn lag --agent 127.0.0.1:7948              as another agent sees it`, func(cmd *cobra.Command, _ []string) error {
		list, err := get[[]api.Lag](cmd.Context(), &a, "/v1/lag")
		if err != nil {
			return err
		}
		return a.output.Print(cmd.OutOrStdout(), list, func(w io.Writer) error {
			return table(w, "MEMBER STATE KNOWN-HERE ENTRIES BYTES CONFIRMED-THERE BEHIND", func(row func(string, ...any)) {
				for _, l := range list {
					row("%s|%s|%s|%d|%d|%d of %d|%d", l.Member, l.State, l.Known, l.Entries, l.Bytes, l.Acked, l.Newest, l.Behind)
				}
			})
		})
	})
}

func newDigest() *cobra.Command {
	var a agentFlags
	return a.command("digest", "Group the members by the state that they hold; exit code 3 if it differs", `  qn digest                                  is everybody equal?
  qn digest -o json                          each member's fingerprint
  qn digest && echo converged                in a script`, func(cmd *cobra.Command, _ []string) error {
		list, err := get[[]api.Digest](cmd.Context(), &a, "/v1/digest")
		if err != nil {
			return err
		}
		groups := map[string][]string{}
		for _, d := range list {
			print := d.Fingerprint
			if d.Error != "" {
				print = "(" + d.Error + ")"
			}
			groups[print] = append(groups[print], d.Member)
		}
		err = a.output.Print(cmd.OutOrStdout(), list, func(w io.Writer) error { return printDigest(w, groups) })
		if err == nil && len(groups) > 1 {
			return exit.Told("states differ")
		}
		return err
	})
}

func printDigest(w io.Writer, groups map[string][]string) error {
	var prints []string
	for p := range groups {
		prints = append(prints, p)
	}
	slices.SortFunc(prints, func(x, y string) int { return len(groups[y]) - len(groups[x]) })
	return table(w, "STATE MEMBERS WHO", func(row func(string, ...any)) {
		for _, p := range prints {
			row("%s|%d|%s", p, len(groups[p]), strings.Join(groups[p], ", "))
		}
	})
}

func newWhy() *cobra.Command {
	var a agentFlags
	cmd := a.command("why MEMBER", "Explain a member's state: who voted, who told, when it was heard", `  qn why web-2                               why is it suspect?
  qn why web-2 -o json                       for a script
  qn why web-2 --agent 127.0.0.1:7948        as another agent sees it`, func(cmd *cobra.Command, args []string) error {
		y, err := get[api.Why](cmd.Context(), &a, api.Path("v1", "why", args[0]))
		if err != nil {
			return nearMember(cmd, &a, args[0], err)
		}
		return a.output.Print(cmd.OutOrStdout(), y, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, y.Text)
			return err
		})
	})
	cmd.ValidArgsFunction = a.completeMembers
	return cmd
}

// nearMember adds the member that was probably meant to the answer that there is none.
func nearMember(cmd *cobra.Command, a *agentFlags, name string, err error) error {
	if exit.Code(err) != exit.No {
		return err
	}
	list, failed := get[[]api.Member](cmd.Context(), a, "/v1/members")
	if failed != nil {
		return err
	}
	var known []string
	for _, m := range list {
		known = append(known, m.Name)
	}
	if near := exit.Nearest(name, known); near != "" && near != name {
		return exit.Nof("there is no member %q; did you mean %q?", name, near)
	}
	return err
}

func newPing() *cobra.Command {
	var a agentFlags
	cmd := a.command("ping MEMBER", "Probe a member and print the round trip", `  qn ping web-2                              from loop to loop
  qn ping web-2 -o json                      for a script
  qn ping web-2 --agent 127.0.0.1:7948       from another agent`, func(cmd *cobra.Command, args []string) error {
		p, err := ask[api.Pong](cmd.Context(), &a, "POST", api.Path("v1", "ping", args[0]), nil)
		if err != nil {
			return nearMember(cmd, &a, args[0], err)
		}
		return a.output.Print(cmd.OutOrStdout(), p, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s answered in %.3gms\n", p.Member, p.RTTSeconds*1e3)
			return err
		})
	})
	cmd.ValidArgsFunction = a.completeMembers
	return cmd
}

func newForget() *cobra.Command {
	var a agentFlags
	cmd := a.command("forget MEMBER", "Let the cluster forget a member that is dead or left", `  qn forget web-2                            its keys are gone everywhere within seconds
  qn forget web-2 -o json                    for a script
  qn forget web-2 --agent 127.0.0.1:7948     by another agent`, func(cmd *cobra.Command, args []string) error {
		v, err := ask[api.Forgotten](cmd.Context(), &a, "POST", api.Path("v1", "forget", args[0]), nil)
		if err != nil {
			return nearMember(cmd, &a, args[0], err)
		}
		return a.output.Print(cmd.OutOrStdout(), v, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s is forgotten\n", v.Member)
			return err
		})
	})
	cmd.ValidArgsFunction = a.completeMembers
	return cmd
}

func newLeave() *cobra.Command {
	var a agentFlags
	return a.command("leave", "Let the agent leave its cluster and end", `  qn leave                                   the agent on this machine
  qn leave --agent unix:/run/qn/agent.sock   by its socket
  qn leave --agent 127.0.0.1:7948            another one`, func(cmd *cobra.Command, _ []string) error {
		type left struct {
			Leaving bool `json:"leaving"`
		}
		v, err := ask[left](cmd.Context(), &a, "POST", "/v1/leave", nil)
		if err != nil {
			return err
		}
		return a.output.Print(cmd.OutOrStdout(), v, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, "leaving")
			return err
		})
	})
}
