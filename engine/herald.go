package engine

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/batch"
)

const (
	heraldQueue = 1024
	logEvery    = 10 * time.Second // of one message
)

// herald runs the embedder's code, its logger and OnEvent, on a goroutine of
// its own. The loop hands over without waiting: what does not fit is counted.
type herald struct {
	e         *Engine
	queue     chan notice
	lost      atomic.Uint64 // events that did not fit since the last that did
	lostTotal atomic.Uint64
	quiet     map[string]*quiet
}

// notice is an event, or a line for the log.
type notice struct {
	event Event
	text  string
	level slog.Level
	args  []any
	rare  bool // limited where it was made
}

// quiet is when a message may be logged again, and how often it was not.
type quiet struct {
	until   time.Time
	skipped int
}

func newHerald(e *Engine) *herald {
	h := &herald{e: e, queue: make(chan notice, heraldQueue), quiet: map[string]*quiet{}}
	go h.run()
	return h
}

func (h *herald) run() {
	for {
		select {
		case n := <-h.queue:
			h.deliver(&n)
		case <-h.e.life.Done():
			for {
				select {
				case n := <-h.queue:
					h.deliver(&n)
				default:
					return
				}
			}
		}
	}
}

func (h *herald) deliver(n *notice) {
	if n.text != "" {
		h.log(n)
		return
	}
	m := &n.event.Member
	args := []any{"member", m.Name, "addr", m.Addr, "generation", m.Generation}
	if m.By != "" && m.State != Alive {
		args = append(args, "by", m.By)
	}
	h.log(&notice{text: n.event.Kind.String(), level: slog.LevelInfo, args: args})
	if f := h.e.cfg.OnEvent; f != nil {
		if h.lost.Swap(0) > 0 {
			f(Event{Kind: Overflow})
		}
		f(n.event)
	}
}

// log writes a message at most once in logEvery and says what it left out.
// Events at Info and below are not limited: they are rare by nature.
func (h *herald) log(n *notice) {
	logger := h.e.cfg.Logger
	if !logger.Enabled(context.Background(), n.level) {
		return
	}
	args := n.args
	if n.level >= slog.LevelWarn && !n.rare {
		now := time.Now()
		q := h.quiet[n.text]
		if q == nil {
			q = new(quiet)
			h.quiet[n.text] = q
		}
		if now.Before(q.until) {
			q.skipped++
			return
		}
		if q.skipped > 0 {
			args = append(args, "skipped", q.skipped)
		}
		q.until, q.skipped = now.Add(logEvery), 0
	}
	logger.Log(context.Background(), n.level, "quidnunc: "+n.text, args...)
}

func (h *herald) put(n notice) {
	select {
	case h.queue <- n:
	default:
		if n.text == "" {
			h.lost.Add(1)
			h.lostTotal.Add(1)
		}
	}
}

func (h *herald) tell(ev Event) { h.put(notice{event: ev}) }

func (h *herald) info(text string, args ...any) {
	h.put(notice{text: text, level: slog.LevelInfo, args: args})
}

func (h *herald) warn(text string, args ...any) {
	h.put(notice{text: text, level: slog.LevelWarn, args: args})
}

// warnRare is warn for what is limited where it was made.
func (h *herald) warnRare(text string, args ...any) {
	h.put(notice{text: text, level: slog.LevelWarn, args: args, rare: true})
}

// logNotices says once what the sockets had to do without, and what is risky.
func (e *Engine) logNotices() {
	if e.cfg.mayMerge(e.addr.Addr()) {
		e.herald.warn("the cluster has no name of its own: it merges with any other that has none; set Config.Cluster", "member", e.cfg.Name)
	}
	for _, from := range []any{e.reactor.poller, e.conn} {
		for _, line := range batch.Notices(from) {
			e.herald.warn(line, "member", e.cfg.Name)
		}
	}
}
