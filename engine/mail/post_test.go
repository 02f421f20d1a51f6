package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

const peers = 3

// The timers of the node: one wakes FlushNow, two belong to each peer.
const (
	timerFlush = iota
	timerResend
	timerAck
)

// node is a fake host with a few peers. It mongers nothing.
type node struct {
	mail    Mail
	store   state.Store
	own     state.Origin
	filler  reconcile.Filler
	roster  roster.Roster
	paths   link.Paths
	board   due.Board
	wheel   sched.Wheel
	rand    sched.Rand
	count   Counters
	page    reconcile.Page
	shared  reconcile.Counters
	cursors [peers + 1]Cursor
	debts   [peers + 1]Debt
	links   [peers + 1]link.Path
	lives   [peers + 1]roster.Life
	learnt  int
	buf     [1400]byte
}

func (n *node) Cursor(p uint32) *Cursor           { return &n.cursors[p] }
func (n *node) Debt(p uint32) *Debt               { return &n.debts[p] }
func (n *node) Path(p uint32) *link.Path          { return &n.links[p] }
func (n *node) Life(p uint32) roster.Life         { return n.lives[p] }
func (n *node) Origin(p uint32) state.Origin      { return n.own }
func (n *node) Wall(now sched.Instant) sched.Wall { return sched.Wall(now) }
func (n *node) Intro(o state.Origin, in *codec.Intro) {
	*in = codec.Intro{ID: 7, Gen: 1, Name: []byte("own")}
}

func (n *node) Learn(state.Origin, uint64, uint32, uint64) { n.learnt++ }
func (n *node) Cycle() int                                 { return 0 }
func (n *node) Waiting() int                               { return 0 }
func (n *node) Hot() int                                   { return 0 }

func newNode(t *testing.T, cfg Config) *node {
	t.Helper()
	n := new(node)
	n.rand.Seed(3)
	n.store.Init(state.LimitsDefault(), 1)
	own, st := n.store.Add(7, 1, []byte("own"))
	if st != state.OK {
		t.Fatal(st)
	}
	n.own = own
	n.store.SetOwner(own)
	n.filler.Init(&n.store, n, 4)
	n.roster.Init(roster.Limits{Handles: peers, Seats: peers, Candidates: peers, Pick: peers}, &n.rand)
	n.board.Init(peers)
	n.wheel.Init(1+2*(peers+1), 0)
	n.paths.Init(0, cfg.AckDelay, 0)
	n.mail.Init(&cfg, &Parts{
		Host: n, Clock: n, Roster: &n.roster, Store: &n.store, Own: own, Paths: &n.paths, Filler: &n.filler, Rumors: n,
		Board: &n.board, Due: 1, Flush: n.wheel.Timer(timerFlush),
		Resend: n.wheel.Timers(timerResend, 2), Ack: n.wheel.Timers(timerAck, 2), Count: &n.count, Shared: &n.shared,
	})
	for p := uint32(1); p <= peers; p++ {
		n.roster.Take()
		n.links[p].Init(p)
		n.links[p].Sent(false) // which it has seen
		n.roster.BecomeNamed(p, &n.lives[p])
		n.roster.BecomeProven(p, &n.lives[p])
	}
	return n
}

func usual() Config {
	return Config{MailMax: 8, AckDelay: 40 * sched.Millisecond, FlushMax: 10 * sched.Millisecond}
}

// write makes an own write and tells of it.
func (n *node) write(t *testing.T, now sched.Instant) {
	t.Helper()
	from := n.store.Max(n.own)
	e := codec.Entry{Version: from + 1, Key: []byte("key"), Value: []byte("value")}
	if st := n.store.Apply(n.own, &e); st != state.OK {
		t.Fatal(st)
	}
	n.store.Advance(n.own, from+1, 0)
	n.mail.News(now, n.own, from, 0, 0)
}

// send composes what is due at a peer, and reports whether anything was.
func (n *node) send(now sched.Instant, p uint32) bool {
	if !n.board.Has(p, 1) {
		return false
	}
	n.page.Now, n.page.Limit, n.page.Peer = now, 1200, p
	out, done := n.mail.Append(n.buf[:0], &n.page)
	if done {
		n.board.Done(p, 1)
	}
	return len(out) > 0
}

// have is the verdict on an acknowledgement of a peer.
func (n *node) have(now sched.Instant, p uint32, version uint64, fresh bool) reconcile.Verdict {
	b := codec.AppendHave(nil, codec.Have{Max: version})
	return n.mail.Receive(&reconcile.Frame{Now: now, Peer: p, Fresh: fresh, Ack: n.links[p].Last()}, b[codec.RecordBytes:])
}

// News goes to every peer that is reached, in a run that is encoded once, and rests when
// it is acknowledged.
func TestNewsIsMailedAndRests(t *testing.T) {
	n := newNode(t, usual())
	now := sched.Instant(sched.Second)
	n.roster.BecomeQuiet(3, &n.lives[3])
	for p := uint32(1); p <= 2; p++ {
		n.cursors[p].Have(0, 0)
	}
	n.write(t, now)
	for p := uint32(1); p <= peers; p++ {
		if sent := n.send(now, p); sent != (p < 3) {
			t.Errorf("peer %d is mailed: %v", p, sent)
		}
	}
	n.write(t, now+1)
	if !n.send(now+1, 1) || !n.send(now+1, 2) || n.mail.runs.n != 1 {
		t.Errorf("%d runs for two peers at the same cursor", n.mail.runs.n)
	}
	for p := uint32(1); p < 3; p++ {
		if v := n.have(now+2, p, 2, true); v != reconcile.Taken || n.mail.parts.Resend.Of(p).Armed() {
			t.Errorf("peer %d: verdict %d, and its timer runs: %v", p, v, n.mail.parts.Resend.Of(p).Armed())
		}
	}
	if n.count.MailSent != 4 || n.count.Rewinds != 0 {
		t.Errorf("%+v", n.count)
	}
}

// What is lost or not acknowledged in time is sent again, and a peer that stays silent
// is given up.
func TestWhatIsMissedIsSentAgain(t *testing.T) {
	n := newNode(t, usual())
	now := sched.Instant(sched.Second)
	n.write(t, now)
	n.send(now, 1)
	if n.mail.Lost(now, 1); n.count.Rewinds != 1 || !n.send(now, 1) {
		t.Errorf("a frame was lost: %d rewinds", n.count.Rewinds)
	}
	resends, silent := 0, false
	for !silent && resends < 100 {
		now = max(now+sched.Millisecond, n.wheel.Next())
		id, ok := n.wheel.Expire(now)
		if !ok || id != timerResend+2 {
			continue
		}
		silent = n.mail.Resend(now, 1)
		if n.send(now, 1) {
			resends++
		}
	}
	if !silent || resends < 1 || resends > quietAfter {
		t.Errorf("given up: %v, after %d times", silent, resends)
	}
	n.roster.BecomeLeft(1, &n.lives[1])
	if n.mail.Resend(now, 1) || n.send(now, 1) {
		t.Error("one that left is mailed")
	}
}

// What a peer says that it holds is believed up to what was written, and an old frame
// takes nothing back.
func TestWhatPeersClaim(t *testing.T) {
	n := newNode(t, usual())
	n.write(t, 0)
	if v := n.have(1, 1, 2, true); v != reconcile.Outdone || n.cursors[1].Acked() != 0 {
		t.Errorf("more than was written: verdict %d", v)
	}
	if v := n.mail.Receive(&reconcile.Frame{Peer: 1}, []byte{1}); v != reconcile.Malformed {
		t.Errorf("a body of one byte: verdict %d", v)
	}
	n.have(1, 1, 1, true)
	if n.have(2, 1, 0, false); n.cursors[1].Acked() != 1 {
		t.Error("an old frame took an acknowledgement back")
	}
	if n.have(2, 1, 0, true); n.cursors[1].Acked() != 0 || !n.board.Has(1, 1) {
		t.Error("a peer that has lost what it had is not mailed")
	}
}

// How news spreads follows the size of the cluster, unless it is configured.
func TestWaysToSpread(t *testing.T) {
	f := func(spread tune.Spread, most int, want tune.Spread, own, relays bool) {
		t.Helper()
		cfg := usual()
		cfg.Spread, cfg.MailMax = spread, most
		n := newNode(t, cfg)
		n.write(t, sched.Second)
		if n.mail.Spread() != want || n.board.Has(1, 1) != own || n.mail.Relays() != relays || (n.learnt == 1) != (want == tune.SpreadRumor) {
			t.Errorf("spread %d, at most %d: %d, mailed %v, relays %v, learnt %d",
				spread, most, n.mail.Spread(), n.board.Has(1, 1), n.mail.Relays(), n.learnt)
		}
	}
	f(tune.SpreadAuto, peers, tune.SpreadMail, true, false)
	f(tune.SpreadAuto, peers-1, tune.SpreadDelegated, false, false)
	f(tune.SpreadMail, 0, tune.SpreadMail, true, false)
	f(tune.SpreadRumor, 99, tune.SpreadRumor, false, true)
	f(tune.SpreadGossip, 99, tune.SpreadGossip, false, false)
}

// An acknowledgement that is owed is sent within its delay, once.
func TestOwing(t *testing.T) {
	n := newNode(t, usual())
	n.write(t, 0)
	n.mail.Owe(sched.Second, 2)
	if !n.mail.parts.Ack.Of(2).Armed() {
		t.Fatal("nothing wakes the acknowledgement")
	}
	out, done := n.mail.AppendHave(nil, &reconcile.Page{Peer: 2})
	if h, err := codec.ParseHave(out[codec.RecordBytes:]); err != nil || h.Max != 1 || !done || n.mail.parts.Ack.Of(2).Armed() {
		t.Errorf("%+v, %v, done %v", h, err, done)
	}
}

func TestNewsDoesNotAllocate(t *testing.T) {
	n := newNode(t, usual())
	now := sched.Instant(0)
	one := func() {
		now += 10 * sched.Millisecond
		n.write(t, now)
		v := n.store.Max(n.own)
		for p := uint32(1); p <= peers; p++ {
			n.send(now, p)
			n.cursors[p].Have(v, v)
			n.mail.Owe(now, p)
			n.mail.Resend(now, p)
		}
		for _, ok := n.wheel.Expire(now); ok; _, ok = n.wheel.Expire(now) {
		}
	}
	for range 100 {
		one()
	}
	if k := testing.AllocsPerRun(1000, one); k != 0 {
		t.Errorf("%v allocations", k)
	}
}
