package flow

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Due names what may be due to a peer, by class, as bits of the host's own.
type Due struct {
	Urgent, News, Repairs uint32
	Passing               uint32 // the news that others go on with: it is given up, not held
	Weighty               uint32 // of the urgent, what takes as much as news does where peers compare by key: it makes no debt, and so keeps no news back
}

// data is what the budget of a peer is spent on.
func (d Due) data() uint32 { return d.News | d.Repairs }

// Config is what a Control is told before it starts.
type Config struct {
	Flow       tune.Flow
	Plan       Plan          // how the own rate adapts; the zero Plan: there is none
	Frame      int           // bytes of a datagram
	Frames     int           // frames that the answers of one exchange may take
	Entries    int           // or entries, as the papers count; negative: any number
	Interval   sched.Instant // between exchanges
	ReceiveMax int           // bytes a second that all peers together may send; 0: no limit
	Due        Due
	ByKey      bool   // peers compare key by key
	Quiet      uint32 // due, and no data that a receiver under pressure has to decode
	Active     int    // peers whose budgets are kept at once, not fewer than are sent data: a budget that begins anew again and again bounds nothing; 0: as many as is usual
}

// Parts are what a Control shares with the node around it.
type Parts struct {
	Store *state.Store
	Own   state.Origin // whose writes it publishes
	Board *due.Board
	Pace  sched.Timers // of peers: each wakes Board.Release
	Later sched.Timer  // wakes PublishTo
	Count *Counters
}

// Counters are what flow control did.
type Counters struct {
	WritesHeld uint64 // writes above the own rate, published later
	FramesHeld uint64 // times that a peer's budget held something back
	Absurd     uint64 // acknowledgements of what was never sent
}

// Control is one node's flow control: the rate of its own writes, the budgets of
// its peers, and what it lets all of them send. The zero Control is not ready: call
// Init. One caller at a time.
type Control struct {
	source   Source
	gate     Gate
	receiver Receiver
	meter    Meter
	partner  Partner // of the exchange that this node started last
	cfg      Config
	rated    bool // the source is in use
	publisher
	board *due.Board
	pace  sched.Timers
	later sched.Timer
	n     *Counters
	budgets
}

// Init makes a control for the writes of one origin of a store.
func (f *Control) Init(now sched.Instant, cfg *Config, parts *Parts) {
	*f = Control{
		cfg: *cfg, n: parts.Count, board: parts.Board, pace: parts.Pace, later: parts.Later,
		publisher: publisher{store: parts.Store, own: parts.Own},
	}
	if !cfg.ByKey {
		f.cfg.Due.Weighty = 0
	}
	f.rated = cfg.Flow != tune.FlowOff && cfg.Plan != (Plan{})
	f.source.Init(cfg.Plan)
	f.meter.Init(now)
	f.receiver.Init(now, uint64(cfg.ReceiveMax))
	burst := 4 * cfg.Frame
	if cfg.Entries > 0 {
		burst = Thousandth
	}
	f.gate.Init(now, f.source.Allowed(), burst)
	f.budgets.Init(now, cfg.Active, cfg.Frame)
}

// Ledger is where the own rate came from, and went.
func (f *Control) Ledger() Ledger { return f.source.Ledger() }

// Shed looks at a datagram before it is decoded: true drops it, since there is a
// standing queue. repair is the hint in its header; it is not proven, and a forged
// one harms nobody but its sender. What a datagram weighs is noted when its sender
// is known (Took).
func (f *Control) Shed(now sched.Instant, repair bool) bool {
	return f.cfg.Flow != tune.FlowOff && f.receiver.Arrived(now, repair) && f.cfg.Flow == tune.FlowOn
}

// Took charges a frame to the rate at which peers may send: it opened, or came in
// clear from the address that the peer proved. Nobody else can make peers slow.
func (f *Control) Took(size int) {
	if f.cfg.Flow != tune.FlowOff {
		f.receiver.Took(size)
	}
}

// Pressure takes what the shell sees of its socket (Receiver.Pressure).
func (f *Control) Pressure(queued, room int, drops uint64) { f.receiver.Pressure(queued, room, drops) }

// Beside tells what comes by another way (Receiver.Beside).
func (f *Control) Beside(rate uint64) { f.receiver.Beside(rate) }

// Header fills the flow block of a frame to a peer with what is due, and adds the
// rates. It reports whether the frame asks for an acknowledgement; owes says that it
// carries one.
func (f *Control) Header(now sched.Instant, p *Peer, due uint32, owes bool, h *codec.Header) (asks bool) {
	if f.cfg.Flow == tune.FlowOff {
		return false
	}
	h.Credit = f.receiver.Credit()
	if f.receiver.Hot() {
		h.Mark |= codec.MarkCongested
	}
	if due&f.cfg.Due.data() != 0 && f.of(now, p).budget.Ask(now) {
		h.Mark |= codec.MarkNow
		asks = true
	}
	if due != 0 && due&^f.cfg.Quiet == 0 && !owes {
		h.Flags |= codec.FlagRepair
	}
	if x := f.parts.Look(p.part); x != nil && x.tell {
		x.tell = false
		over := f.overflows(now, p)
		if f.rated && (over || !f.source.Free() || p.pair.Given() != 0 || p.pair.Taken() != 0) {
			h.Flags |= codec.FlagRates
			f.source.Tell(&p.pair, &h.Rates, over)
		}
	}
	return asks
}

// Hold takes out of what is due at a peer h what its budget does not let go: the peer's
// timer releases it. It returns what is given up instead: the news that passes by, and
// repairs that would wait for longer than an interval, and than a few frames take at the peer's
// rate, which the peer asks for again.
func (f *Control) Hold(now sched.Instant, h uint32, p *Peer) (gone uint32) {
	held, at := f.over(now, h, p)
	if held == 0 {
		return 0
	}
	gone = held & f.cfg.Due.Passing
	if at-now > max(f.cfg.Interval, f.of(now, p).budget.patience()) {
		gone |= held & f.cfg.Due.Repairs
	}
	f.board.Done(h, gone)
	if f.board.Hold(h, held&^gone) {
		f.pace.Of(h).Set(max(now+1, at))
	}
	return gone
}

// over says which of what is due at a peer its budget does not let go, and from when
// on it may.
func (f *Control) over(now sched.Instant, h uint32, p *Peer) (held uint32, at sched.Instant) {
	d, due := &f.cfg.Due, f.board.Of(h)
	if f.cfg.Flow == tune.FlowOff || due&(d.data()|d.Urgent) == 0 {
		return 0, 0
	}
	class, b := Probe, &f.of(now, p).budget
	look := func(bits uint32, as Class) {
		if due&bits != 0 && !b.Allow(now, as) {
			held |= due & bits
			class = max(class, as)
		}
	}
	look(d.Urgent&^d.Weighty, Urgent)
	look(d.News|d.Weighty, Normal)
	look(d.Repairs, Repair)
	if held == 0 {
		if due&d.data() != 0 && f.board.Held(h) == 0 {
			b.Release()
		}
		return 0, 0
	}
	if b.Hold(now); f.cfg.Flow != tune.FlowOn {
		return 0, 0
	}
	f.n.FramesHeld++
	return held, b.When(class)
}

// Sent charges an encoded frame to the peer's budget; due is what it began with, seq
// its number.
func (f *Control) Sent(now sched.Instant, p *Peer, n int, due uint32, seq uint32, asked bool) {
	switch {
	case f.cfg.Flow == tune.FlowOff:
	case due&f.cfg.Due.data() != 0:
		f.of(now, p).spend(now, n, seq, asked)
	default:
		if x := f.parts.Look(p.part); x != nil {
			x.budget.Charge(n)
		}
	}
}

// Acked takes the acknowledgement of the newest frame of a peer h. What is held there
// is due again if it may go.
func (f *Control) Acked(now sched.Instant, h uint32, p *Peer, a *Ack) {
	if f.cfg.Flow == tune.FlowOff {
		return
	}
	if int32(a.Sent-a.High) < 0 {
		f.n.Absurd++
	}
	x := f.parts.Look(p.part)
	if x != nil {
		x.acked(now, a)
	}
	if f.board.Held(h) != 0 && (x == nil || x.budget.Allow(now, Repair)) {
		f.board.Release(h)
	}
}

// Met takes the marks and rates of a frame of peer h. fresh: no later frame of it was
// seen; ours: it is about our present life (link.Path.Means), and says that it has seen a frame of it: others
// tell what they gave to the life before, which took it. peers is the number of those that exchanges go to.
// True: it wants an answer.
func (f *Control) Met(now sched.Instant, p *Peer, h uint32, in *codec.Header, fresh, ours bool, peers int) (answer bool) {
	if f.cfg.Flow == tune.FlowOff {
		return false
	}
	answer = in.Mark&codec.MarkNow != 0
	if in.Flags&codec.FlagRates == 0 || !f.rated || !ours {
		return answer
	}
	if f.source.Meet(now, &p.pair, &in.Rates, fresh, peers, f.cfg.Interval) {
		f.of(now, p).tell, answer = true, true
	}
	if in.Rates.Overflow {
		f.partner.SaysOver(h)
	}
	return answer
}
