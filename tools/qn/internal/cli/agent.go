package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quidnunc/quidnunc/tools/qn/internal/agent"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

const agentExamples = `  qn agent --name web-1                                    one member on this machine, with all fronts
  qn agent --name web-2 --bind 127.0.0.1:0 --http 127.0.0.1:0 --resp "" --dns "" --join 127.0.0.1:7946
  qn agent --config /etc/qn/agent.toml                     settings from a file; a flag goes before it
  qn agent --name web-1 --data /var/lib/qn                 its keys outlive the process
  QN_KEY_FILE=cluster.key qn agent --bind :7946 --join dns+srv://_gossip._udp.web`

const agentLong = `One member of a cluster as a process. Fronts: HTTP (what the other commands of qn use; keys for curl; metrics), RESP (redis-cli
-p 7979), DNS (dig @127.0.0.1 -p 7953 web.service.qn SRV). Each binds to loopback unless told otherwise; beyond it HTTP needs a
token and RESP a password.

With --data the member has its keys again after a restart, killed or not, and joins those that it knew. Two agents can't share a
directory. On a full disk writes go on in memory and the log says so; with --sync each they fail until there is space.

Settings come from flags, then variables (--http-token-file is QN_HTTP_TOKEN_FILE), then the TOML file (http_token_file).
SIGTERM leaves the cluster and ends, a second one ends at once. SIGHUP reads tags and new keys again.`

func newAgent() *cobra.Command {
	var o agent.Options
	var leashed bool
	cmd := &cobra.Command{
		Use:     "agent",
		Short:   "Run one member as a process, with fronts for HTTP, Redis clients and DNS",
		Example: agentExamples,
		Long:    agentLong,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := agent.Load(cmd.Flags(), os.LookupEnv); err != nil {
				return err
			}
			ctx, end := context.WithCancel(cmd.Context())
			defer end()
			if leashed {
				go func() { _, _ = io.Copy(io.Discard, cmd.InOrStdin()); end() }()
			}
			return agent.Run(ctx, o, reloader(cmd), buildVersion().Version, cmd.ErrOrStderr())
		},
	}
	o.Flags(cmd.Flags())
	cmd.Flags().BoolVar(&leashed, "end-with-input", false, "end when the input does: for tools that start agents")
	_ = cmd.Flags().MarkHidden("end-with-input") // fails only for an unknown flag
	return cmd
}

// reloader reads the settings anew: the same flags, and what the environment and the file say now.
func reloader(cmd *cobra.Command) func() (agent.Options, error) {
	given := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	lists := map[string][]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if s, ok := f.Value.(pflag.SliceValue); ok {
			lists[f.Name] = s.GetSlice()
		}
	})
	return func() (o agent.Options, err error) {
		fs := pflag.NewFlagSet("agent", pflag.ContinueOnError)
		o.Flags(fs)
		for name, text := range given {
			f := fs.Lookup(name)
			if f == nil {
				continue
			}
			if s, ok := f.Value.(pflag.SliceValue); ok {
				err = s.Replace(lists[name])
			} else {
				err = f.Value.Set(bare(text))
			}
			if err != nil {
				return o, exit.Usagef("--%s %s: %w", name, text, err)
			}
			f.Changed = true
		}
		return o, agent.Load(fs, os.LookupEnv)
	}
}

// bare takes the brackets from a map of pflag.
func bare(text string) string {
	if len(text) >= 2 && text[0] == '[' && text[len(text)-1] == ']' {
		return text[1 : len(text)-1]
	}
	return text
}
