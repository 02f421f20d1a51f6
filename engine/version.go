package engine

import (
	"cmp"
	"net/netip"
	"strconv"
	"time"

	"github.com/quidnunc/quidnunc/engine/enum"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Version names one write of one member: the member's generation, and the
// place of the write in that generation. A member counts all its writes with
// one counter, whatever the key, so a Version says "and everything before it"
// too.
type Version struct {
	Gen uint64
	Seq uint64
}

// Compare orders versions of one member: by generation, then by sequence.
func (v Version) Compare(w Version) int {
	if c := cmp.Compare(v.Gen, w.Gen); c != 0 {
		return c
	}
	return cmp.Compare(v.Seq, w.Seq)
}

// IsZero reports whether v names no write.
func (v Version) IsZero() bool { return v == Version{} }

// String is "generation/sequence".
func (v Version) String() string {
	return strconv.FormatUint(v.Gen, 10) + "/" + strconv.FormatUint(v.Seq, 10)
}

// Meta is what a replica knows about an entry beside its value.
type Meta struct {
	Version Version
	// TTL is the lifetime the owner gave the entry; 0 means for ever.
	TTL time.Duration
	// Age is how much of the TTL has passed, the way here included.
	Age time.Duration
	// Lease is the number of the lease that the entry lives by (Grant): TTL and Age are
	// those of the lease. 0: none.
	Lease uint32
	// Newer is the version of a newer value that is not complete here yet: it is
	// large, and on its way. The zero Version: none.
	Newer Version

	refers bool // the value is a reference

	of  *Engine // that Behind and From ask
	tag uint32  // of the member that they ask about; 0: of this one
}

// From is the name of the member whose frame brought this version here: the hop before this one,
// not who wrote it. "" for an own entry, and where it is not known any more: it is for the last
// 1,024 runs that came, and while that member is. It reads what this replica remembers and never
// waits.
func (m Meta) From() string {
	if m.of == nil || m.tag == 0 {
		return ""
	}
	return m.of.store.Bearer(m.tag, m.Version.Seq)
}

// Behind is Engine.Behind of the member whose entry it is, at the time of the call; zero for
// an own entry, and for the zero Meta. It takes a turn of the loop.
func (m Meta) Behind() (l Lag, err error) {
	if m.of == nil {
		return Lag{}, nil
	}
	err = ErrNoMember
	if !m.of.ask(func(now sched.Instant) { l, err = m.of.behind(now, m.of.store.Tagged(m.tag)) }) {
		return Lag{}, ErrClosed
	}
	return l, err
}

// Lag is how far this replica is behind a member.
type Lag struct {
	// Versions is how many writes of the member are not here, as far as it or others
	// said: some of them may have been overwritten by others.
	Versions uint64
	// Time is how long ago the member last said how far its log goes, itself and on its
	// own account, when all of that was here, its way here included. What it has written
	// since is in Versions, or not known here. While it never did: how long it is known.
	Time time.Duration
}

// Behind is how far this replica is behind a member, which may be dead: then it grows, and
// Versions is what others said last. It is right after a Join too, and zero for this member
// itself. Where all is quiet Time is as long as the two of them have not exchanged what
// they know: members meet at random, two of n every n/2 intervals (Config.Interval). One
// that writes nothing while many others write says more rarely how far its log goes:
// GetFresh asks it. It takes a turn of the loop. Errors: ErrNoMember, ErrClosed.
func (e *Engine) Behind(member string) (l Lag, err error) {
	err = ErrNoMember
	if !e.ask(func(now sched.Instant) { l, err = e.behind(now, e.store.FindName([]byte(member))) }) {
		return Lag{}, ErrClosed
	}
	return l, err
}

func (e *Engine) behind(now sched.Instant, o state.Origin) (l Lag, err error) {
	switch {
	case o == 0:
		return Lag{}, ErrNoMember
	case o == e.store.Owner():
		return Lag{}, nil
	}
	peer, ok := e.core.Peer(e.core.PeerOf(o))
	if !ok {
		return Lag{}, ErrNoMember
	}
	l.Versions = max(peer.Wrote, e.store.Ahead(o)) - e.store.Max(o)
	l.Time = time.Duration(now - peer.Same)
	return l, nil
}

// MemberState is what is known of a member's life.
type MemberState uint8

// The states of a member.
const (
	// StateAlive: it answers, or nothing says otherwise.
	StateAlive MemberState = iota
	// StateSuspect: it does not answer us, or a quorum of its observers misses it.
	StateSuspect
	// StateDead: it did not refute in time. It is asked again with backoff.
	StateDead
	// StateLeft: it said so itself.
	StateLeft
	// StateUnknown: somebody named it, and it has not answered this member yet.
	StateUnknown
)

var states = enum.Names[MemberState]{Kind: "MemberState", What: "state of a member", Names: []string{
	"alive", "suspect", "dead", "left", "unknown",
}}

// String is "alive", "suspect", "dead", "left" or "unknown".
func (s MemberState) String() string { return states.String(s) }

// ParseMemberState is the inverse of MemberState.String.
func ParseMemberState(s string) (MemberState, error) { return states.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (s MemberState) MarshalText() ([]byte, error) { return states.Text(s) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseMemberState.
func (s *MemberState) UnmarshalText(b []byte) error { return states.Set(s, b) }

// Member is one process of the cluster as this one sees it.
type Member struct {
	Name       string
	Addr       netip.AddrPort
	State      MemberState
	Generation uint64
	// Self is true for the engine's own entry.
	Self bool
	// Zone and Tags are what the member says of itself (Config.Zone, SetTags).
	// The map is shared: do not change it.
	Zone string
	Tags map[string]string
	// RTT is the smoothed round trip to it, 0 while there is none.
	RTT time.Duration
	// Phi says how unusual its silence is at this moment: 1 means that one silence
	// of ten is as long, 2 one of a hundred. It is for reading and decides nothing.
	// 0 for members that are not heard regularly.
	Phi float64
	// Since is when State began, by the clock of this process.
	Since time.Time
	// Full is true for a member that has no room for all that others write, as it said
	// last: it holds what came before, and goes on with what takes no more room.
	// Missing is how many entries of this member it lacks for that, as far as it can
	// tell; of this member itself, how many members' entries are not all here.
	Full    bool
	Missing int
	// By is the member that told of State: this one, or one that had it from
	// others; "" when nobody had to tell.
	By string
}

// EventKind says what happened to a member.
type EventKind uint8

// The kinds of Event.
const (
	// EventJoined: a name is known for the first time, or under a new generation.
	// Its State is StateUnknown until it has answered: EventReachable tells of that.
	EventJoined EventKind = iota + 1
	// EventLeft: it said that it leaves.
	EventLeft
	// EventUnreachable: it has stopped answering us.
	EventUnreachable
	// EventReachable: it answers, for the first time or again.
	EventReachable
	// EventSuspected: a quorum of its observers misses it.
	EventSuspected
	// EventDead: it did not refute that in time.
	EventDead
	// EventForgotten: it was dead or gone for long; its state was dropped.
	EventForgotten
	// EventUpdated: its address, its zone or its tags changed.
	EventUpdated
	// EventNameConflict: another live process uses this engine's name.
	EventNameConflict
	// EventNameRestored: that process won the name, and is gone: writes go on here.
	EventNameRestored
	// EventJoinRefused: somebody does not take this engine in; Event.Cause says why.
	// Once a minute for each.
	EventJoinRefused
	// EventRefused: this engine does not take in the one at Member.Addr, likewise.
	EventRefused
	// EventFull: a member, or this one, has no room for all that others write
	// (Member.Full). An EventUpdated tells that it has them all.
	EventFull
	// EventContradicted: entries of a member were not what it wrote, and are now. Member
	// brought them: it made them up, or believed who did. Without a name nobody else than
	// their author brought them, as when memory does not keep what it is given. Cause
	// says whose they were. Once in ten seconds for each.
	EventContradicted
	// EventUnsigned: with Config.Signing, what is here of a member is not confirmed by its
	// signature: none comes that came before or is required (ErrUnsigned), or one came in the
	// member's name that is not under its key (ErrForged), or there is no room to keep whose
	// key it is (ErrKeysFull, once for all members). Cause says which. What is here stays.
	// Once in ten seconds for each.
	EventUnsigned
	// EventMerged: two clusters that nobody named have become one: several members answer
	// that were not heard of before and have long been running. Set Config.Cluster. Member
	// is one of them.
	EventMerged
	// EventOverflow: the receiver was too slow and events were dropped before this
	// one; read Members() to be current again. Events does that itself.
	EventOverflow
	// EventResync: no event, but how a member is: Events yields one for each member at
	// its start and after an EventOverflow.
	EventResync
)

var eventKinds = enum.Names[EventKind]{Kind: "EventKind", What: "kind of event", Names: []string{
	EventJoined: "member-joined", EventLeft: "member-left",
	EventUnreachable: "member-unreachable", EventReachable: "member-reachable",
	EventSuspected: "member-suspected", EventDead: "member-dead",
	EventForgotten: "member-forgotten", EventUpdated: "member-updated",
	EventNameConflict: "name-conflict", EventNameRestored: "name-restored",
	EventJoinRefused: "join-refused", EventRefused: "member-refused",
	EventFull: "member-full", EventContradicted: "member-contradicted", EventUnsigned: "member-unsigned", EventMerged: "clusters-merged", EventOverflow: "overflow", EventResync: "resync",
}}

// String is the kind in lower case with dashes, such as "member-joined".
func (k EventKind) String() string { return eventKinds.String(k) }

// ParseEventKind is the inverse of EventKind.String.
func ParseEventKind(s string) (EventKind, error) { return eventKinds.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (k EventKind) MarshalText() ([]byte, error) { return eventKinds.Text(k) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseEventKind.
func (k *EventKind) UnmarshalText(b []byte) error { return eventKinds.Set(k, b) }

// Event is something that happened to a member.
type Event struct {
	Kind   EventKind
	Member Member // EventNameConflict: the other process
	// Here and Lost go with EventNameConflict: this process's own address, and whether
	// it is the one that has to stop writing: of two that were both in service, as on
	// the sides of a cut, the one that began later. A newcomer is refused.
	Here netip.AddrPort
	Lost bool
	// Cause goes with EventJoinRefused and EventRefused, where it is a *RefusedError, and
	// with EventContradicted and EventUnsigned.
	Cause error
}

// Update is what Watch yields: the newest entry of one member under a watched key.
// Value is the receiver's own copy.
type Update struct {
	Member  string
	Key     string
	Value   []byte
	Meta    Meta
	Deleted bool
	// Previous is the version that this watch told of the key before; zero: none. It is
	// Meta.Version where only Alive is news.
	Previous Version
	// Alive tells that the member is neither dead nor left nor forgotten; Changes leaves it
	// and Previous out.
	Alive bool
	// Resync is set alone: the receiver was too slow for each key. What follows is all
	// that is different from what it was told.
	Resync bool
}
