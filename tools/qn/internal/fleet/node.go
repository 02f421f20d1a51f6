package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/lossy"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// NodeOptions say which node to be.
type NodeOptions struct {
	Name    string
	Cluster string
	Bind    string
	Profile string      // lan, wan, local
	Loss    units.Share // share of datagrams dropped at this receiver
	Seed    uint64      // of the losses
}

// Line is what a node writes: Addr once at its start, then events, then answers
// to commands.
type Line struct {
	At     int64  `json:"at"` // wall clock, ns
	Addr   string `json:"addr,omitempty"`
	Event  string `json:"event,omitempty"`
	Member string `json:"member,omitempty"`
	Answer string `json:"answer,omitempty"` // the command that this answers
	Alive  int    `json:"alive,omitempty"`
	Error  string `json:"error,omitempty"`
}

// teller writes lines, whole, from any goroutine.
type teller struct {
	mu sync.Mutex
	e  *json.Encoder
}

func (t *teller) tell(l Line) {
	if l.At == 0 {
		l.At = time.Now().UnixNano()
	}
	t.mu.Lock()
	t.e.Encode(l) // who started us is gone if this fails: the input ends too then
	t.mu.Unlock()
}

// Profile is the named set of defaults.
func Profile(name string) (engine.Config, error) {
	switch name {
	case "lan":
		return engine.LAN(), nil
	case "wan":
		return engine.WAN(), nil
	case "local":
		return engine.Local(), nil
	}
	return engine.Config{}, fmt.Errorf("profile %q: use lan, wan or local", name)
}

// Node runs one node until in ends or ctx does.
func Node(ctx context.Context, o NodeOptions, in io.Reader, out io.Writer) error {
	cfg, err := Profile(o.Profile)
	if err != nil {
		return err
	}
	t := &teller{e: json.NewEncoder(out)}
	cfg.Name, cfg.Cluster, cfg.Bind = o.Name, o.Cluster, o.Bind
	cfg.LeaveTimeout = -1 // it is never told to leave
	cfg.OnEvent = func(ev engine.Event) {
		t.tell(Line{At: time.Now().UnixNano(), Event: ev.Kind.String(), Member: ev.Member.Name})
	}
	if o.Loss > 0 {
		sockets, lock := engine.Sockets(batch.Idle{})
		defer sockets.Close()
		r := engine.NewReactor(engine.ReactorOptions{Transport: lossy.New(sockets, float64(o.Loss), o.Seed), LockThread: lock})
		defer r.Close()
		cfg.Reactor = r
	}
	e, err := engine.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer e.Close()
	t.tell(Line{Addr: e.Addr().String()})
	return obey(ctx, e, in, t)
}

// obey runs the commands "join ADDR ..." and "alive".
func obey(ctx context.Context, e *engine.Engine, in io.Reader, t *teller) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() && ctx.Err() == nil {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		answer := Line{Answer: words[0]}
		switch words[0] {
		case "join":
			if _, err := e.Join(ctx, words[1:]...); err != nil {
				answer.Error = err.Error()
			}
		case "alive":
			answer.Alive = e.Stats().Alive
		default:
			answer.Error = "unknown command"
		}
		t.tell(answer)
	}
	return lines.Err()
}
