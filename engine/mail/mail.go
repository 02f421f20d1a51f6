package mail

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/delegate"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/settle"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Config is what Mail is told before it starts.
type Config struct {
	Spread   tune.Spread
	MailMax  int           // SpreadAuto mails up to about so many peers: see Choice
	Fanout   int           // of relayed news; 0: by the size of the cluster
	Blind    bool          // rumors are told once: what is new need not wait for a cycle to end
	AckDelay sched.Instant // an acknowledgement waits this long for a ride
	FlushMax sched.Instant // longest wait of a write for company
	Settle   sched.Instant // the least time that news takes to settle
	Seed     uint64        // of the drawing of delegates: the cluster's
}

// Host is the node around the mail.
type Host interface {
	// Cursor, Debt, Path and Life are those of a peer, Origin is what it writes.
	Cursor(p uint32) *Cursor
	Debt(p uint32) *Debt
	Path(p uint32) *link.Path
	Life(p uint32) roster.Life
	Origin(p uint32) state.Origin
}

// Rumors are the news that is told to a few: package rumor.
type Rumors interface {
	Learn(o state.Origin, from uint64, p uint32, frame uint64)
	// Cycle begins a cycle, and returns how many peers it goes to.
	Cycle() int
	// Waiting and Hot are how much waits for the next cycle, and is told in this one.
	Waiting() int
	Hot() int
}

// Word is what the node says of its own log: engine/checkpoint.
type Word interface {
	// Ride appends it to a frame that brings a peer level, Answer to one that answers it.
	Ride(b []byte, g *reconcile.Page) []byte
	Answer(b []byte, g *reconcile.Page) []byte
	// Said is the version at which a peer was told it last; 0: it was not.
	Said(p uint32) uint64
}

// Contents tells what is not here of what entries refer to: values that did not fit one.
type Contents interface {
	// Open is how many of the newest versions of an origin may lack a content that is on its way
	// here; 0: it is complete, or nothing more of it is coming.
	Open(o state.Origin) uint64
}

// Parts are what Mail shares with the node around it.
type Parts struct {
	Host             Host
	Clock            delegate.Clock
	Roster           *roster.Roster
	Store            *state.Store
	Own              state.Origin
	Paths            *link.Paths
	Filler           *reconcile.Filler
	Rumors           Rumors
	Needs            delegate.Needs // is told what peers turned out to lack
	Alarm            sched.Timer    // wakes Relay.Expire
	Parcels, Answers uint32         // on the board: Relay has something for the peer
	Word             Word           // nil: it says nothing
	Scattered        bool           // entries come in any order: then nobody can tell what a delegate covers
	Board            *due.Board
	Due              uint32       // on the board: Append has something for the peer
	Flush            sched.Timer  // wakes FlushNow
	Resend           sched.Timers // of peers: each wakes Resend
	Ack              sched.Timers // of peers: each makes an acknowledgement due
	Count            *Counters
	Shared           *reconcile.Counters
}

// Counters are what became of the mail.
type Counters struct {
	delegate.Counters

	MailSent uint64 // frames that carried own writes
	Rewinds  uint64 // a cursor went back because an acknowledgement was missed

	FullsReceived uint64 // records of peers that have no room
}

// Mail is how the news of one node leaves. The zero Mail is not ready: call Init. One
// caller at a time.
type Mail struct {
	Settle settle.Settle  // what of the news has had its time to arrive
	Relay  delegate.Relay // news over delegates

	flush     Flush
	choice    Choice
	cfg       Config
	parts     Parts
	runs      Cache
	large     Contents // nil: nothing refers to any
	from      uint64   // own writes after it wait for the next flush
	bulk      uint64   // so many of the newest own writes are told of only when asked for, or with later ones
	bulkAt    sched.Instant
	class     tune.Class // of the own writes that News is told of next
	urgent    bool       // own writes that wait are
	delegated uint64     // own writes up to it were told over delegates, since mail was the way last; 0: none
}

// Init makes it ready.
func (m *Mail) Init(cfg *Config, parts *Parts) {
	*m = Mail{cfg: *cfg, parts: *parts}
	m.Settle.Init(parts.Store, parts.Paths, cfg.Settle, m.Pushes())
	m.flush.Init(parts.Flush, cfg.FlushMax)
	m.choice.Init(cfg.MailMax)
	m.Relay.Init(&delegate.RelayParts{
		Node: parts.Host, Clock: parts.Clock, News: m, Settle: &m.Settle, Needs: parts.Needs, Roster: parts.Roster, Paths: parts.Paths,
		Store: parts.Store, Own: parts.Own, Filler: parts.Filler, Board: parts.Board,
		Due: delegate.Due{Parcels: parts.Parcels, Answers: parts.Answers}, Timer: parts.Alarm,
		Fanout: cfg.Fanout, AckDelay: cfg.AckDelay, Seed: cfg.Seed, Count: &parts.Count.Counters, Shared: parts.Shared,
	})
}

// Attend has acknowledgements say what contents lack.
func (m *Mail) Attend(c Contents) { m.large = c }

// Share has flushes take their turns by what a loop has of time. The caller of Mail is that loop
// from now on.
func (m *Mail) Share(c *Credit) { m.flush.loop = c }

// own is the newest own version.
func (m *Mail) own() uint64 { return m.parts.Store.Max(m.parts.Own) }

// told is the newest own version that peers are told of unasked.
func (m *Mail) told() uint64 { return m.own() - min(m.bulk, m.own()) }

// bulkSettled is how long comparisons have to bring a bulk write to all before later writes no
// longer take it along.
const bulkSettled = 4 * sched.Second

// Class tells how urgent the own writes are that News is told of next.
func (m *Mail) Class(c tune.Class) { m.class = c }

// ownNews notes that the own log moved on from a version. It reports whether that is to leave.
func (m *Mail) ownNews(now sched.Instant, from uint64) (leaves bool) {
	class := m.class
	m.class = tune.ClassNormal
	if !m.flush.own && (m.bulk == 0 || now-m.bulkAt > bulkSettled) {
		m.from = from
	}
	m.from = min(m.from, from)
	if class == tune.ClassBulk {
		m.bulk, m.bulkAt = m.bulk+m.own()-from, now
		return false
	}
	m.bulk, m.urgent = 0, m.urgent || class == tune.ClassUrgent
	m.flush.Own()
	return true
}

// News notes that an origin moved on from a version, brought by peer p (0: written
// here) in the frame of that number.
func (m *Mail) News(now sched.Instant, o state.Origin, from uint64, p uint32, frame uint64) {
	own := o == m.parts.Own
	if !own {
		m.Relay.Came(now, o, from, frame)
	}
	switch {
	case !m.Pushes():
		return
	case own:
		if !m.ownNews(now, from) {
			return
		}
	case m.Relays():
		m.parts.Rumors.Learn(o, from, p, frame)
	default:
		return
	}
	if m.flush.Arm(now, m.cfg.Blind) || m.urgent {
		m.FlushNow(now)
	}
}

// FlushNow makes what waits due at its peers. If the last flush is still being sent,
// relayed news waits for the next.
func (m *Mail) FlushNow(now sched.Instant) {
	n := 0
	if m.flush.Begin() {
		m.look(now)
		n += m.sendNews(now)
	}
	n += m.Relay.Flush(now)
	r := m.parts.Rumors
	n += r.Cycle()
	m.flush.Rest(now, r.Waiting(), r.Hot())
	m.flush.Sent(now, n, m.parts.Paths.Lag)
}

// sendNews sends own news the way that it takes now, and returns at how many peers it is due
// already.
func (m *Mail) sendNews(now sched.Instant) (n int) {
	switch m.Spread() {
	case tune.SpreadMail:
		for _, p := range m.parts.Roster.Partners() {
			if m.delegated != 0 {
				m.parts.Host.Cursor(p).Told(m.delegated)
			}
			n += m.begin(now, p)
		}
		m.delegated = 0
	case tune.SpreadDelegated:
		m.delegated = max(m.own(), 1)
		m.Relay.Tell(m.from, m.urgent)
	default:
		m.parts.Rumors.Learn(m.parts.Own, m.from, 0, 0)
	}
	m.urgent = false
	return n
}

// Pass lets what delegates are to be told leave, at once or with the next flush.
func (m *Mail) Pass(now sched.Instant) {
	if m.flush.Arm(now, true) {
		m.FlushNow(now)
	}
}

// End sees to it that a cycle of rumors ends before long.
func (m *Mail) End(now sched.Instant) { m.flush.End(now) }

// Start makes our writes due at one peer, if it lacks any and is mailed. It returns the
// number of peers.
func (m *Mail) Start(now sched.Instant, p uint32) int {
	if !m.Mails() {
		return 0
	}
	return m.begin(now, p)
}

// begin is Start, whatever the way that news takes now.
func (m *Mail) begin(now sched.Instant, p uint32) int {
	if !m.parts.Roster.Reaches(p) || m.parts.Host.Cursor(p).At() >= m.told() {
		return 0
	}
	m.parts.Board.Want(p, m.parts.Due)
	m.expect(now, p)
	return 1
}

// expect begins to wait for the acknowledgement of what the peer is sent now.
func (m *Mail) expect(now sched.Instant, p uint32) {
	c := m.parts.Host.Cursor(p)
	if t := m.parts.Resend.Of(p); !t.Armed() {
		c.Expect(m.told())
		t.Set(now + m.parts.Paths.ResendAfter(m.parts.Host.Path(p), now, c.Doubled()))
	}
}

// Lost notes that a frame to the peer was lost, and goes back to what it has.
func (m *Mail) Lost(now sched.Instant, p uint32) {
	m.Relay.Lost(now, p)
	if m.parts.Host.Cursor(p).MayRewind() {
		m.rewind(p)
		m.begin(now, p)
	}
}

// rewind moves the cursor back to what the peer has. What was sent before is history:
// whether it arrived does not matter any more.
func (m *Mail) rewind(p uint32) {
	m.parts.Host.Cursor(p).Rewind()
	m.parts.Host.Path(p).Forgive()
	m.parts.Count.Rewinds++
}

// Resend looks whether the peer acknowledged what it was sent. True: it is silent for
// so long that it is to be given up.
func (m *Mail) Resend(now sched.Instant, p uint32) (silent bool) {
	c, path := m.parts.Host.Cursor(p), m.parts.Host.Path(p)
	if l := m.parts.Host.Life(p); !l.Proven() || l.Left() {
		c.Stop()
		return false
	}
	next, late := c.Overdue(m.told(), now-path.Heard())
	if late {
		path.Late()
	}
	switch {
	case next == Rest:
	case next == Quiet:
		return true
	case next == Wait, m.parts.Board.Held(p)&m.parts.Due != 0: // most of it has not even left
		m.expect(now, p)
	default:
		if c.Flying() {
			m.rewind(p)
			m.begin(now, p)
			break
		}
		m.Start(now, p)
	}
	return false
}

// Receive takes the body of a Have record: the acknowledgement of our writes.
func (m *Mail) Receive(f *reconcile.Frame, body []byte) reconcile.Verdict {
	h, err := codec.ParseHave(body)
	own := m.own()
	switch {
	case err != nil:
		return reconcile.Malformed
	case h.Max > own || h.Floor > m.parts.Store.Floor(m.parts.Own):
		return reconcile.Outdone
	}
	c := m.parts.Host.Cursor(f.Peer)
	if !f.Fresh && h.Max < c.Acked() || !m.parts.Host.Path(f.Peer).Means(f.Ack) {
		return reconcile.Taken // overtaken by a later one, or by another life
	}
	if h.Max < own {
		m.Relay.Holds(f.Now, f.Peer, h.Max)
	}
	c.Lacks(h.Open)
	switch c.Have(h.Max, m.told()) {
	case All:
		m.parts.Resend.Of(f.Peer).Cancel()
	case Less:
		m.Start(f.Now, f.Peer)
	}
	if !c.Sure() && m.parts.Word != nil {
		c.Compared(m.parts.Word.Said(f.Peer))
	}
	return reconcile.Taken
}

// ReceiveFull takes the body of a FullAt record: what the peer has no room for. What it
// says of our writes counts until an acknowledgement comes without it.
func (m *Mail) ReceiveFull(f *reconcile.Frame, body []byte) reconcile.Verdict {
	l, err := codec.ParseFullAts(body)
	if err != nil {
		return reconcile.Malformed
	}
	f.Full = l
	m.parts.Count.FullsReceived++
	us := m.parts.Store.ID(m.parts.Own)
	for e := (codec.FullAt{}); l.Next(&e); {
		if e.ID == us && e.Through <= m.own() { // it names the life
			m.parts.Host.Cursor(f.Peer).NoRoom(&e)
		}
	}
	return reconcile.Taken
}

// Owe notes that the peer's own writes should be acknowledged to it.
func (m *Mail) Owe(now sched.Instant, p uint32) {
	if m.parts.Host.Debt(p).Owe() {
		m.parts.Ack.Of(p).Set(now + m.parts.Paths.AckAfter(m.parts.Host.Path(p)))
	}
}
