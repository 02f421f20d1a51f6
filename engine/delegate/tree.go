package delegate

import "github.com/quidnunc/quidnunc/sched"

// Config is what a Tree is told before it starts. Fields that are 0 take their defaults.
type Config struct {
	Fanout int           // ranges that a stretch is cut into, at most: 2 to 256; 32
	Flying int           // parcels at once, at most: up to 65,535; 16,384: the news of 500 authors a second on its way to 32 members
	Anew   sched.Instant // for so long the same delegates are taken: 1 s
	Out    sched.Instant // for so long one that missed loses its turn, at first: 1 s
	Blame  sched.Instant // after so long, and the time that its levels take, a range is covered, or its delegate lied: 20 ms
}

const (
	fanoutMin = 2
	fanoutMax = 256
)

// fill puts the defaults in.
func (c *Config) fill() {
	if c.Fanout == 0 {
		c.Fanout = 32
	}
	if c.Flying == 0 {
		c.Flying = 1 << 14
	}
	if c.Anew == 0 {
		c.Anew = sched.Second
	}
	if c.Out == 0 {
		c.Out = sched.Second
	}
	if c.Blame == 0 {
		c.Blame = 20 * sched.Millisecond
	}
	if c.Fanout < fanoutMin || c.Fanout > fanoutMax || c.Flying < 1 || c.Flying > slotsMax {
		panic("delegate: a limit out of range")
	}
}

// Host is the node around a Tree.
type Host interface {
	// Wall is what the members' clocks show, about: who draws at one time draws the same.
	Wall(now sched.Instant) sched.Wall
	// Peer is what is kept of a peer; good until the next call.
	Peer(p uint32) *Peer
	// Patience is how long the acknowledgement of what leaves to a peer now may take; lazy: of
	// what it need not acknowledge at once.
	Patience(p uint32, now sched.Instant, lazy bool) sched.Instant
	// Frame is the number of the frame to a peer that is composed now, Missed whether one is
	// known to be lost.
	Frame(p uint32) uint32
	Missed(p, frame uint32) bool
	// WantParcels and WantAnswers note that something is due to a peer; lazy: it may wait for
	// a ride.
	WantParcels(p uint32)
	WantAnswers(now sched.Instant, p uint32, lazy bool)
}

// Alarm wakes Expire; sched.Timer is one.
type Alarm interface{ Set(at sched.Instant) }

// Parts are what a Tree shares with the node around it.
type Parts struct {
	Host  Host
	Ring  *Ring  // of all members that may be sent to, and of this node
	Place uint64 // of this node
	Zone  uint32 // of this node; 0: none
	Seed  uint64 // of what it draws: the cluster's
	Alarm Alarm
	Count *Counters
}

// Counters are what became of delegation.
type Counters struct {
	DelegationsSent     uint64 // parcels that left
	DelegationsTaken    uint64 // ranges that were taken over from others
	DelegationsReplaced uint64 // parcels that went to somebody else, since no acknowledgement came
	DelegationsRefused  uint64 // parcels whose delegate said that it does not cover
	DelegationsLost     uint64 // parcels that were given up
	DelegationsForged   uint64 // ranges that no member can have given
	DelegationsStale    uint64 // ranges that were covered lately, or whose news is old
	DelegationsFalse    uint64 // delegates whose range turned out not to be covered
	DelegationsBusy     uint64 // for which there was no room
}

// Peer is what is kept of a peer.
type Peer struct {
	head, tail uint32        // parcels that are queued for it
	owed       uint32        // acknowledgements that it is owed: the first
	out        sched.Instant // it is no delegate until then
	lone       sched.Instant // when a parcel for it alone left last
	misses     uint8         // since it acknowledged last
	life       uint16        // another one with each member that the handle names
}

// task is news that waits to be cut up.
type task struct {
	Range
	from, to uint64
	news     uint64 // where the flush began
	origin   uint32
	sender   uint32        // who is owed an acknowledgement when it is held
	serial   uint32        // of that
	until    sched.Instant // for so long it waits to be held
	waits    bool          // it does
	alone    bool          // nobody is to be covered: the acknowledgement is all
	twice    bool          // over a second tree too
}

// Tree is one node's delegation. The zero Tree is not ready: call Init. One caller at a
// time.
type Tree struct {
	cfg     Config
	parts   Parts
	own     int // into so many ranges own news is cut; 0: Fanout
	parcels parcels
	answers answers
	tasks   []task
	ends    [fanoutMax]int // of the parts of a stretch that is cut
	recent  [recentMax]covered
	next    uint32        // place in recent
	alarm   sched.Instant // when it is set for
	audits  [auditsMax]audit
	covers  []uint32      // serials of the ranges that were said to be covered last
	covered int           // how many ever were
	unasked int           // members of ranges that somebody said to cover, since one was asked
	slack   sched.Instant // what is overdue waits so long for company
}

const (
	tasksMax  = 256 // ranges that wait for a flush, or for a hole to be filled; own news has room beside them
	waitsMax  = 192 // of them, those that wait for a hole
	waitsEach = 96  // and of one sender: nobody takes the room of all
	recentMax = 64
	coversMax = 1024 // ranges said to be covered that are remembered, if their places are not needed
)

// audit is one range that somebody said to cover, of which a member is asked whether it holds
// the news.
type audit struct {
	serial uint32        // of the parcel; 0: there is none
	at     sched.Instant // when
}

const (
	auditsMax = 64 // that wait
	auditEach = 16 // members one is asked; a range of as many is always audited
)

// covered is a range that was covered lately.
type covered struct {
	Range
	to     uint64
	origin uint32
}

// Init makes it ready. After it memory is asked for only where there are more parcels or
// acknowledgements at once than ever before.
func (t *Tree) Init(cfg Config, parts *Parts) {
	cfg.fill()
	*t = Tree{cfg: cfg, parts: *parts, alarm: sched.Never}
	t.parcels.init(cfg.Flying)
	t.answers.init(cfg.Flying)
}

// Direct tells into how many ranges own news is cut; 0: Config.Fanout. Of more than there are
// members, all are told by this node.
func (t *Tree) Direct(k int) { t.own = k }

// whole is the ring.
var whole = Range{0, 1<<64 - 1}

// Learn notes own news: versions after from, up to to. It is told to everybody with the
// next Flush.
func (t *Tree) Learn(o uint32, from, to uint64) {
	for i := range t.tasks {
		if x := &t.tasks[i]; x.origin == o && x.Range == whole && !x.waits {
			x.from, x.news, x.to = min(x.from, from), min(x.news, from), max(x.to, to)
			return
		}
	}
	t.tasks = append(t.tasks, task{Range: whole, from: from, news: from, to: to, origin: o}) // one for each origin that is ours
}

// twiceFrom is the share of frames, of 2^16, that are lost on the way down a tree from which on
// urgent news goes over two: 5 %.
const twiceFrom = 1 << 16 / 20

// Urge lets own news that waits go over a second tree too, where so large a share of frames is lost
// (of 2^16) that many would wait for a time-out: on any level one that is lost keeps its whole range
// waiting. The second tree cuts the ring elsewhere, so nearly everybody is told by two delegates.
func (t *Tree) Urge(o uint32, loss int32) {
	if int64(loss)*int64(t.depth()) < twiceFrom {
		return
	}
	for i := range t.tasks {
		if x := &t.tasks[i]; x.origin == o && x.Range == whole {
			x.twice = true
		}
	}
}

// depth is how many frames in a row own news takes to the last member.
func (t *Tree) depth() (levels int) {
	k := max(t.own, 1)
	if t.own == 0 {
		k = t.cfg.Fanout
	}
	for n := t.parts.Ring.Len() - 1; n > 0; n, k = (n+k-1)/k-1, t.cfg.Fanout {
		levels++
	}
	return levels
}

// add lets a task wait for the next flush.
func (t *Tree) add(x *task) bool {
	if !t.room(x) {
		t.parts.Count.DelegationsBusy++
		return false
	}
	t.tasks = append(t.tasks, *x)
	return true
}

// room reports whether there is any for a task.
func (t *Tree) room(x *task) bool {
	all, its := 0, 0
	for i := range t.tasks {
		if y := &t.tasks[i]; y.waits {
			if all++; y.sender == x.sender {
				its++
			}
		}
	}
	return len(t.tasks) < tasksMax && (!x.waits || all < waitsMax && its < waitsEach)
}

// Waiting is how many ranges wait for a Flush.
func (t *Tree) Waiting() (n int) {
	for i := range t.tasks {
		if !t.tasks[i].waits {
			n++
		}
	}
	return n
}

// Flush cuts up what waits. It returns how many parcels it made.
func (t *Tree) Flush(now sched.Instant) (n int) {
	kept := t.tasks[:0]
	for i := range t.tasks {
		x := &t.tasks[i]
		if x.waits {
			kept = append(kept, *x)
			continue
		}
		n += t.cover(now, x)
		if x.twice {
			x.Range = t.turned(t.fanout(x))
			n += t.cover(now, x)
		}
	}
	t.tasks = kept
	return n
}

// tire drops tasks that waited in vain for a hole to be filled: others have them by now.
func (t *Tree) tire(now sched.Instant) {
	kept := t.tasks[:0]
	for i := range t.tasks {
		if x := &t.tasks[i]; !x.waits || now < x.until {
			kept = append(kept, *x)
		}
	}
	t.tasks = kept
}

// Forget drops what concerns an origin whose handle may name another one next.
func (t *Tree) Forget(o uint32) {
	kept := t.tasks[:0]
	for i := range t.tasks {
		if t.tasks[i].origin != o {
			kept = append(kept, t.tasks[i])
		}
	}
	t.tasks = kept
	for i := range t.recent {
		if t.recent[i].origin == o {
			t.recent[i] = covered{}
		}
	}
	for i := range t.parcels.slots {
		if s := &t.parcels.slots[i]; s.origin == o && s.stage != idle {
			t.drop(s, idle)
		}
	}
}
