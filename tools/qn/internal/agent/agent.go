package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/dns"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/query"
	"github.com/quidnunc/quidnunc/tools/qn/internal/resp"
	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
	"github.com/quidnunc/quidnunc/tools/qn/internal/web"
)

// stageBytes is how much the fronts may write before the loop takes it: a pipeline of every
// connection.
const stageBytes = 4 << 20

// Agent is a running member with its fronts. Close ends it.
type Agent struct {
	opt    Options
	log    *slog.Logger
	eng    *engine.Engine
	space  *space.Space
	web    *web.Server
	resp   *resp.Server
	dns    *dns.Server
	fronts []api.Front
	end    context.CancelFunc
	asked  chan struct{} // to leave
}

// Start makes an agent. After an error nothing is left running.
func Start(ctx context.Context, o Options, version string, stderr io.Writer) (a *Agent, err error) {
	a = &Agent{opt: o, asked: make(chan struct{}, 1)}
	if a.log, err = logger(&o, stderr); err != nil {
		return nil, err
	}
	if err := o.exposed(); err != nil {
		return nil, err
	}
	cfg, err := o.engineConfig()
	if err != nil {
		return nil, err
	}
	cfg.StageBytes = stageBytes
	cfg.Logger, cfg.Streams = a.log, stream.New(stream.Options{Logger: a.log})
	if a.eng, err = engine.Start(ctx, cfg); err != nil {
		if errors.Is(err, engine.ErrConfig) {
			return nil, badFlag(err)
		}
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	a.end = end
	a.space = space.New(life, a.eng)
	if err := a.open(life, version); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// open starts the fronts.
func (a *Agent) open(life context.Context, version string) error {
	token, err := secret("http-token-file", a.opt.TokenFile)
	if err != nil {
		return err
	}
	asks := query.Start(life, a.eng, web.Handlers(a.space))
	a.web = web.New(web.Options{
		Space: a.space, Query: asks, Token: token, Hosts: a.opt.Hosts, Version: version, Cluster: a.opt.Cluster,
		Sealed: len(a.opt.KeyFiles) > 0, Ready: a.ready, Fronts: func() []api.Front { return a.fronts }, Leave: a.askToLeave,
		Metrics: a.frontMetrics, Data: a.opt.Data, Logger: a.log,
	})
	for _, at := range []struct{ kind, addr string }{{"http", a.opt.HTTP}, {"socket", prefixed("unix:", a.opt.Socket)}} {
		if at.addr == "" {
			continue
		}
		addr, err := a.web.Listen(at.addr)
		if err != nil {
			return exit.Usagef("%w", err)
		}
		a.fronts = append(a.fronts, api.Front{Kind: at.kind, Addr: addr.String()})
	}
	if err := a.openRESP(version); err != nil {
		return err
	}
	return a.openDNS()
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func (a *Agent) openRESP(version string) (err error) {
	if a.opt.RESP == "" {
		return nil
	}
	password, err := secret("resp-password-file", a.opt.PasswordFile)
	if err != nil {
		return err
	}
	if a.resp, err = resp.Start(a.space, resp.Options{Addr: a.opt.RESP, Password: password, Version: version, Logger: a.log}); err != nil {
		return exit.Usagef("--resp: %w", err)
	}
	a.fronts = append(a.fronts, api.Front{Kind: "resp", Addr: a.resp.Addr().String()})
	return nil
}

func (a *Agent) openDNS() (err error) {
	if a.opt.DNS == "" {
		return nil
	}
	if a.dns, err = dns.Start(a.eng, dns.Options{Addr: a.opt.DNS, Zone: a.opt.DNSZone, Logger: a.log}); err != nil {
		return exit.Usagef("--dns: %w", err)
	}
	a.fronts = append(a.fronts, api.Front{Kind: "dns", Addr: a.dns.Addr().String()})
	return nil
}

// exposed refuses fronts that anybody on the network could use.
func (o *Options) exposed() error {
	for _, at := range []struct{ flag, addr, example string }{{"http", o.HTTP, "127.0.0.1:7947"}, {"resp", o.RESP, "127.0.0.1:7979"}, {"dns", o.DNS, "127.0.0.1:7953"}} {
		if _, _, err := net.SplitHostPort(at.addr); err != nil && at.addr != "" {
			return exit.Usagef("--%s %s: not an address and a port; fix: for example --%s %s, or empty for none", at.flag, at.addr, at.flag, at.example)
		}
	}
	switch {
	case o.HTTP != "" && o.TokenFile == "" && !loopback(o.HTTP):
		return exit.Usagef("--http %s: beyond loopback a token is required; fix: --http-token-file FILE, or --http 127.0.0.1:7947", o.HTTP)
	case o.RESP != "" && o.PasswordFile == "" && !loopback(o.RESP):
		return exit.Usagef("--resp %s: beyond loopback a password is required; fix: --resp-password-file FILE, or --resp 127.0.0.1:7979", o.RESP)
	}
	return nil
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Asked gets a value when somebody told the agent to leave.
func (a *Agent) Asked() <-chan struct{} { return a.asked }

func (a *Agent) askToLeave() {
	select {
	case a.asked <- struct{}{}:
	default:
	}
}

func (a *Agent) ready() error {
	if n := a.eng.Sample().ByState[engine.StateAlive]; n < a.opt.ReadyMembers {
		return fmt.Errorf("%d of %d members are alive", n, a.opt.ReadyMembers)
	}
	return nil
}

// Close leaves the cluster, within Options.LeaveTimeout, and ends the fronts.
func (a *Agent) Close() error {
	if a.resp != nil {
		_ = a.resp.Close()
	}
	if a.dns != nil {
		_ = a.dns.Close()
	}
	if a.web != nil {
		_ = a.web.Close() // a request that did not end in time
	}
	err := a.eng.Close()
	a.end()
	<-a.space.Done()
	return err
}

// frontMetrics adds what the other fronts count.
func (a *Agent) frontMetrics(w http.ResponseWriter) {
	counter := func(name, help string, value uint64) {
		fmt.Fprintf(w, "# HELP quidnunc_%s_total %s\n# TYPE quidnunc_%s_total counter\nquidnunc_%s_total %d\n", name, help, name, name, value)
	}
	if a.resp != nil {
		c := a.resp.Counts()
		counter("resp_connections", "Connections that were accepted.", c.Conns.Load())
		counter("resp_connections_refused", "Connections beyond the limit.", c.Refused.Load())
		counter("resp_commands", "Commands.", c.Commands.Load())
		counter("resp_errors", "Answers that were errors.", c.Errors.Load())
		counter("resp_slow_closed", "Connections that were closed because nobody read.", c.Slow.Load())
		counter("resp_greedy_closed", "Connections that were closed because they sent too much at once.", c.Greedy.Load())
		counter("resp_nonsense_closed", "Connections that were closed because they could not be understood.", c.Protocol.Load())
		counter("resp_messages_lost", "Messages that slow subscribers missed.", c.MessagesLost.Load())
	}
	if a.dns != nil {
		c := a.dns.Counts()
		counter("dns_questions", "Questions.", c.Questions.Load())
		counter("dns_unreadable", "Questions that could not be read.", c.Unreadable.Load())
		counter("dns_limited", "Questions beyond the rate of one source.", c.Limited.Load())
		counter("dns_connections_refused", "TCP connections beyond the limit.", c.Refused.Load())
	}
}

func logger(o *Options, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := exit.OneOf("--log-level", o.LogLevel, []string{"debug", "info", "warn", "error"}); err != nil {
		return nil, err
	}
	if err := exit.OneOf("--log-format", o.LogFormat, []string{"text", "json"}); err != nil {
		return nil, err
	}
	if err := level.UnmarshalText([]byte(o.LogLevel)); err != nil {
		return nil, err
	}
	opt := &slog.HandlerOptions{Level: level}
	if o.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opt)), nil
	}
	return slog.New(slog.NewTextHandler(w, opt)), nil
}

// Banner is what an operator looks at first.
func (a *Agent) Banner(w io.Writer) {
	st := a.eng.Stats()
	sealed := "NO: everybody who reaches the port can speak"
	if len(a.opt.KeyFiles) > 0 {
		sealed = "yes"
	}
	advertise := a.opt.Advertise
	if advertise == "" {
		advertise = "(what others see)"
		if addr := a.eng.Addr(); !addr.Addr().IsUnspecified() {
			advertise = addr.String() + " (the bound one)"
		}
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("member", "%s of cluster %s, profile %s", a.eng.Name(), a.opt.Cluster, a.opt.Profile)
	line("udp", "%s, advertised as %s", a.eng.Addr(), advertise)
	line("sealed", "%s", sealed)
	line("buffer", "%d bytes of receive buffer", st.Socket.ReceiveBufferBytes)
	line("cpu", "GOMAXPROCS %d on %d processors", runtime.GOMAXPROCS(0), runtime.NumCPU())
	if len(a.opt.Join) > 0 {
		line("join", "%s", strings.Join(a.opt.Join, ", "))
	}
	for _, f := range a.fronts {
		line(f.Kind, "%s", f.Addr)
	}
}

// loopProcs is how many goroutines more than there are processors run at a time: the system gives
// the engine's loop its turn at once, where the runtime would let it wait for up to 10 ms behind
// each of the fronts'.
const loopProcs = 2

// makeRoom applies loopProcs, unless somebody has said how many there are to be.
var makeRoom = sync.OnceFunc(func() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + loopProcs)
	}
})

// Run is the life of an agent as a process: until ctx ends or it is told to leave.
func Run(ctx context.Context, o Options, reload func() (Options, error), version string, stderr io.Writer) error {
	makeRoom()
	a, err := Start(ctx, o, version, stderr)
	if err != nil {
		return err
	}
	a.Banner(stderr)
	life, end := context.WithCancel(ctx)
	defer end()
	hangups := make(chan os.Signal, 1)
	hangup(hangups)
	go feed(life, watchdogSpan(), a.lives)
	notify("READY=1")
	for {
		select {
		case <-hangups:
			a.reload(reload)
			continue
		case <-a.asked:
		case <-ctx.Done():
		}
		break
	}
	notify("STOPPING=1")
	a.log.Info("leaving", "member", a.eng.Name())
	return a.Close()
}

// lives asks the loop for a turn.
func (a *Agent) lives() bool {
	turned := make(chan struct{})
	go func() { a.eng.ID(); close(turned) }()
	select {
	case <-turned:
		return true
	case <-time.After(time.Second):
		return false
	}
}
