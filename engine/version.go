package engine

import (
	"cmp"
	"net/netip"
	"strconv"
	"time"
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
	// Newer is the version of a newer value that is not complete here yet: it is
	// large, and on its way. The zero Version: none.
	Newer Version

	refers bool // the value is a reference
}

// MemberState is what is known of a member's life.
type MemberState uint8

// The states of a member.
const (
	// Alive: it answers, or nothing says otherwise.
	Alive MemberState = iota
	// Suspect: it does not answer us, or a quorum of its observers misses it.
	Suspect
	// Dead: it did not refute in time. It is asked again with backoff.
	Dead
	// Left: it said so itself.
	Left
	// Unknown: somebody named it, and it has not answered this member yet.
	Unknown
)

// String is the state in lower case.
func (s MemberState) String() string {
	switch s {
	case Alive:
		return "alive"
	case Suspect:
		return "suspect"
	case Dead:
		return "dead"
	case Left:
		return "left"
	default:
		return "unknown"
	}
}

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
	// MemberJoined: a name is known for the first time, or under a new generation.
	// Its State is Unknown until it has answered: MemberReachable tells of that.
	MemberJoined EventKind = iota + 1
	// MemberLeft: it said that it leaves.
	MemberLeft
	// MemberUnreachable: it has stopped answering us.
	MemberUnreachable
	// MemberReachable: it answers, for the first time or again.
	MemberReachable
	// MemberSuspected: a quorum of its observers misses it.
	MemberSuspected
	// MemberDead: it did not refute that in time.
	MemberDead
	// MemberForgotten: it was dead or gone for long; its state was dropped.
	MemberForgotten
	// MemberUpdated: its address, its zone or its tags changed.
	MemberUpdated
	// NameConflict: another live process uses this engine's name.
	NameConflict
	// NameRestored: that process won the name, and is gone: writes go on here.
	NameRestored
	// JoinRefused: somebody does not take this engine in; Event.Cause says why.
	// Once a minute for each.
	JoinRefused
	// MemberRefused: this engine does not take in the one at Member.Addr, likewise.
	MemberRefused
	// MemberFull: a member, or this one, has no room for all that others write
	// (Member.Full). A MemberUpdated tells that it has them all.
	MemberFull
	// Overflow: the receiver was too slow and events were dropped before this
	// one; read Members() to be current again. Events does that itself.
	Overflow
	// Resync: no event, but how a member is: Events yields one for each member at
	// its start and after an Overflow.
	Resync
)

// String is the kind in lower case with dashes.
func (k EventKind) String() string {
	switch k {
	case MemberJoined:
		return "member-joined"
	case MemberLeft:
		return "member-left"
	case MemberUnreachable:
		return "member-unreachable"
	case MemberReachable:
		return "member-reachable"
	case MemberSuspected:
		return "member-suspected"
	case MemberDead:
		return "member-dead"
	case MemberForgotten:
		return "member-forgotten"
	case MemberUpdated:
		return "member-updated"
	case NameConflict:
		return "name-conflict"
	case NameRestored:
		return "name-restored"
	case JoinRefused:
		return "join-refused"
	case MemberRefused:
		return "member-refused"
	case MemberFull:
		return "member-full"
	case Overflow:
		return "overflow"
	case Resync:
		return "resync"
	default:
		return "unknown"
	}
}

// Event is something that happened to a member.
type Event struct {
	Kind   EventKind
	Member Member // NameConflict: the other process
	// Here and Lost go with NameConflict: this process's own address, and whether
	// it is the one that has to stop writing: of two that were both in service, as on
	// the sides of a cut, the one that began later. A newcomer is refused.
	Here netip.AddrPort
	Lost bool
	// Cause goes with JoinRefused and MemberRefused: a *RefusedError.
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
