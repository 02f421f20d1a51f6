package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

const kvLong = `A name without a slash is a key that all agents share: any of them writes it, and all read the same. member/key is one of that
member: it is read everywhere and written by its own agent alone. ./a/b is the agent's own key a/b, /a/b the shared key a/b.`

func newKV() *cobra.Command {
	kv := &cobra.Command{
		Use:   "kv COMMAND",
		Short: "Read, write and watch keys",
		Example: `  qn kv set color green                      a key that all share
  qn kv get web-2/color                      a key of another member, from the local replica
  qn kv watch                                every change from now on`,
		Long: kvLong,
		Args: cobra.ArbitraryArgs,
		RunE: parentOnly,
	}
	kv.AddCommand(newGet(), newSet(), newDel(), newList(), newWatch())
	return kv
}

func newGet() *cobra.Command {
	var a agentFlags
	cmd := a.command("get NAME", "Print the value of a key", `  qn kv get color                            a key that all share
  qn kv get web-2/color                      a key of another member
  qn kv get color -o json                    with version and lifetime`, func(cmd *cobra.Command, args []string) error {
		e, err := get[api.Entry](cmd.Context(), &a, api.Path("v1", "kv", args[0]))
		if err != nil {
			return err
		}
		return a.output.Print(cmd.OutOrStdout(), e, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s\n", e.Bytes())
			return err
		})
	})
	cmd.Long, cmd.ValidArgsFunction = kvLong, a.completeKeys
	return cmd
}

func newSet() *cobra.Command {
	var a agentFlags
	var ttl time.Duration
	var absent bool
	cmd := a.command("set NAME VALUE", "Write a key that all share, or one of this agent; the value - is read from the input", `  qn kv set color green                      for ever
  qn kv set lease mine --ttl 30s --absent    if nobody has it, for half a minute
  qn kv set now - < file                     from the input`, func(cmd *cobra.Command, args []string) error {
		value := []byte(args[1])
		if args[1] == "-" {
			var err error
			if value, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), api.BodyBytesMax+1)); err != nil {
				return err
			}
			if len(value) > api.BodyBytesMax {
				return exit.Usagef("the input is too long: an agent takes at most %d bytes", api.BodyBytesMax)
			}
		}
		if ttl < 0 {
			return exit.Usagef("--ttl %v: no lifetime; fix: --ttl 30s, or leave it out for ever", ttl)
		}
		q := url.Values{}
		if ttl > 0 {
			q.Set("ttl", ttl.String())
		}
		if absent {
			q.Set("absent", "")
		}
		return written(cmd, &a, "PUT", api.Path("v1", "kv", args[0])+"?"+q.Encode(), value)
	})
	cmd.Flags().DurationVar(&ttl, "ttl", 0, "lifetime (default: for ever)")
	cmd.Flags().BoolVar(&absent, "absent", false, "only if there is no such key")
	cmd.Long, cmd.ValidArgsFunction = kvLong, a.completeKeys
	return cmd
}

func written(cmd *cobra.Command, a *agentFlags, method, path string, value []byte) error {
	v, err := ask[api.Written](cmd.Context(), a, method, path, value)
	if err != nil {
		return err
	}
	return a.output.Print(cmd.OutOrStdout(), v, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, v.Version)
		return err
	})
}

func newDel() *cobra.Command {
	var a agentFlags
	cmd := a.command("del NAME", "Delete a key; exit code 3 if there is none", `  qn kv del color
  qn kv del ./a/b                            an own key with a slash
  qn kv del color -o json                    with its version`, func(cmd *cobra.Command, args []string) error {
		return written(cmd, &a, "DELETE", api.Path("v1", "kv", args[0]), nil)
	})
	cmd.ValidArgsFunction = a.completeKeys
	return cmd
}

func newList() *cobra.Command {
	var a agentFlags
	var member string
	cmd := a.command("ls [PREFIX]", "List keys", `  qn kv ls                                   all keys of all members
  qn kv ls --member web-2                    those of one member
  qn kv ls co -o ndjson                      those that begin with co, for a script`, func(cmd *cobra.Command, args []string) error {
		q := url.Values{"member": {member}}
		if len(args) > 0 {
			q.Set("prefix", args[0])
		}
		list, err := get[[]api.Entry](cmd.Context(), &a, "/v1/kv?"+q.Encode())
		if err != nil {
			return err
		}
		return a.output.Print(cmd.OutOrStdout(), list, func(w io.Writer) error {
			return table(w, "MEMBER KEY VERSION LEFT VALUE", func(row func(string, ...any)) {
				for _, e := range list {
					left := "-"
					if e.TTLSeconds > 0 {
						left = fmt.Sprintf("%.0fs", e.LeftSeconds)
					}
					row("%s|%s|%s|%s|%s", dash(e.Member), printed(e.Key), short(e.Version), left, shown(e.Bytes()))
				}
			})
		})
	})
	cmd.Flags().StringVar(&member, "member", "", "only the keys of this member")
	return cmd
}

// short is a version without its generation, which is the same for all keys of a life.
func short(version string) string { return version[strings.LastIndexByte(version, '/')+1:] }

// named is the name of a key, as people write it.
func named(member, key string) string {
	if key = printed(key); member == "" && !strings.Contains(key, "/") {
		return key
	}
	return member + "/" + key
}

// printed is a key, in quotes where it would do something to a terminal or a table: members call
// their keys as they like.
func printed(key string) string {
	if q := strconv.Quote(key); len(q) != len(key)+2+strings.Count(key, `\`)+strings.Count(key, `"`) {
		return q
	}
	return key
}

// shown is a value on one line.
func shown(v []byte) string {
	s := fmt.Sprintf("%q", v)
	if s = s[1 : len(s)-1]; len(s) > 60 {
		s = s[:57] + "..."
	}
	return s
}

func newWatch() *cobra.Command {
	var a agentFlags
	var member string
	var snapshot bool
	cmd := a.command("watch [PREFIX]", "Print every change of a key as it comes, until interrupted", `  qn kv watch                                all keys of all members
  qn kv watch co --member web-2              those of one member that begin with co
  qn kv watch --snapshot -o ndjson           what there is, then every change, for a script`, func(cmd *cobra.Command, args []string) error {
		q := url.Values{"member": {member}}
		if len(args) > 0 {
			q.Set("prefix", args[0])
		}
		if snapshot {
			q.Set("snapshot", "")
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		return c.Stream(cmd.Context(), "/v1/watch?"+q.Encode(), func(line json.RawMessage) error {
			if a.output != form.Table {
				_, err := fmt.Fprintf(w, "%s\n", line)
				return err
			}
			return printChange(w, line)
		})
	})
	cmd.Flags().StringVar(&member, "member", "", "only the keys of this member")
	cmd.Flags().BoolVar(&snapshot, "snapshot", false, "what there is first")
	return cmd
}

func printChange(w io.Writer, line json.RawMessage) error {
	var e api.Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	var err error
	switch {
	case e.Member == "" && e.Key == "":
		_, err = fmt.Fprintln(w, "(changes were missed: what there is follows)")
	case e.Key == "":
		_, err = fmt.Fprintf(w, "%s/*  gone\n", e.Member)
	case e.Deleted:
		_, err = fmt.Fprintf(w, "%s  %s  deleted\n", named(e.Member, e.Key), short(e.Version))
	default:
		_, err = fmt.Fprintf(w, "%s  %s  %s\n", named(e.Member, e.Key), short(e.Version), shown(e.Bytes()))
	}
	return err
}

func newTrace() *cobra.Command {
	var a agentFlags
	cmd := a.command("trace NAME", "Show when, and from whom, each member learned the newest version of a key", `  qn trace color                             a key that all share
  qn trace web-2/color                       a key of another member
  qn trace color -o json                     for a script`, func(cmd *cobra.Command, args []string) error {
		t, err := get[api.Trace](cmd.Context(), &a, api.Path("v1", "trace", args[0]))
		if err != nil {
			return err
		}
		return a.output.Print(cmd.OutOrStdout(), t, func(w io.Writer) error { return printTrace(w, &t) })
	})
	cmd.ValidArgsFunction = a.completeKeys
	return cmd
}

func printTrace(w io.Writer, t *api.Trace) error {
	name := named(t.Member, t.Key)
	by := "written by " + t.Writer
	if t.Writer == "" {
		by = "which many have added to, or whose writer is gone"
	}
	if t.WrittenAt != nil {
		by += " at " + t.WrittenAt.Format(clockFormat)
	}
	fmt.Fprintf(w, "%s version %s, %s; times by the clock of each member, UTC\n", name, dash(short(t.Version)), by)
	err := table(w, "MEMBER VERSION LEARNED AFTER FROM", func(row func(string, ...any)) {
		for _, l := range t.Learned {
			switch {
			case l.Version == "":
				row("%s|-|-|does not have it|-", l.Member)
			case l.Version != t.Version && t.Version != "":
				row("%s|%s|%s|is behind|%s", l.Member, short(l.Version), l.At.Format(clockFormat), dash(l.From))
			case l.Member == t.Writer:
				row("%s|%s|%s|wrote it|-", l.Member, short(l.Version), l.At.Format(clockFormat))
			default:
				row("%s|%s|%s|%.2fms|%s", l.Member, short(l.Version), l.At.Format(clockFormat), l.AfterSeconds*1e3, dash(l.From))
			}
		}
	})
	if err == nil && len(t.Missing) > 0 {
		_, err = fmt.Fprintf(w, "no answer from %s\n", strings.Join(t.Missing, ", "))
	}
	return err
}

const clockFormat = "15:04:05.000000"
