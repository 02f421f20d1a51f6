package api

import (
	"time"
	"unicode/utf8"
)

// Problem is the body of every answer that is an error.
type Problem struct {
	Error string `json:"error"`
	Fix   string `json:"fix,omitempty"`
}

// Status is the agent and what it thinks of its cluster.
type Status struct {
	Schema      string         `json:"schema"` // qn.status/1
	Member      string         `json:"member"`
	Cluster     string         `json:"cluster"`
	Version     string         `json:"version"`
	Addr        string         `json:"addr"`
	Generation  uint64         `json:"generation"`
	Sealed      bool           `json:"sealed"`
	UpSeconds   float64        `json:"up_seconds"`
	Members     map[string]int `json:"members"` // by state
	Keys        int            `json:"keys"`
	Fingerprint string         `json:"fingerprint"`
	Fronts      []Front        `json:"fronts"`
	Healthy     bool           `json:"healthy"`
	Checks      []Check        `json:"checks"`
}

// Front is where an agent can be reached.
type Front struct {
	Kind string `json:"kind"` // http, socket, resp, dns
	Addr string `json:"addr"`
}

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, warn or fail
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

// The values of Check.Status.
const (
	OK   = "ok"
	Warn = "warn"
	Fail = "fail"
)

// Member is one member as the agent sees it.
type Member struct {
	Name         string            `json:"name"`
	Addr         string            `json:"addr"`
	State        string            `json:"state"` // alive, suspect, dead, left or unknown
	Self         bool              `json:"self"`
	Zone         string            `json:"zone,omitempty"`
	Tags         map[string]string `json:"tags,omitempty"`
	Generation   uint64            `json:"generation"`
	RTTSeconds   float64           `json:"rtt_seconds"`
	Phi          float64           `json:"phi"`
	Since        time.Time         `json:"since"`
	By           string            `json:"by,omitempty"` // who told of the state
	Behind       uint64            `json:"behind"`       // of the agent's own writes: those that it has not confirmed
	Entries      int               `json:"entries"`      // of its own, in the agent's replica
	KnownVersion string            `json:"known_version"`
}

// Entry is one key.
type Entry struct {
	Member      string  `json:"member"`
	Key         string  `json:"key"`
	Value       string  `json:"value"`
	Base64      []byte  `json:"value_base64,omitempty"` // instead of value, where that is no UTF-8
	Version     string  `json:"version"`
	TTLSeconds  float64 `json:"ttl_seconds,omitempty"`
	LeftSeconds float64 `json:"left_seconds,omitempty"`
	Deleted     bool    `json:"deleted,omitempty"`
	Seq         uint64  `json:"seq,omitempty"` // in a watch: the agent's number of the change
}

// SetBytes sets the value, as text if it is some.
func (e *Entry) SetBytes(v []byte) {
	if utf8.Valid(v) {
		e.Value = string(v)
	} else {
		e.Base64 = append([]byte(nil), v...)
	}
}

// Bytes is the value.
func (e *Entry) Bytes() []byte {
	if e.Base64 != nil {
		return e.Base64
	}
	return []byte(e.Value)
}

// Written is the answer to a write.
type Written struct {
	Version string `json:"version"`
	Existed bool   `json:"existed"` // of a delete: there was such a key
}

// Lag is how far one member's state has come to the agent, and the agent's to it.
type Lag struct {
	Member  string `json:"member"`
	State   string `json:"state"`
	Known   string `json:"known_version"` // of its writes, here
	Acked   uint64 `json:"acked"`         // of the agent's writes, there
	Newest  uint64 `json:"newest"`        // of the agent's writes
	Behind  uint64 `json:"behind"`        // newest − acked
	Entries int    `json:"entries"`
	Bytes   int    `json:"bytes"`
}

// Digest is one member's own view of its replica.
type Digest struct {
	Member      string `json:"member"`
	Fingerprint string `json:"fingerprint"`
	Keys        int    `json:"keys"`
	Members     int    `json:"members"`
	Error       string `json:"error,omitempty"`
}

// Trace is when, and from whom, the agents of a cluster learned the newest version of a key.
type Trace struct {
	Member    string     `json:"member"` // the owner; "" if all share the key
	Key       string     `json:"key"`
	Version   string     `json:"version"`
	Writer    string     `json:"writer"` // whose write it is; "" if it is not known
	Learned   []Learned  `json:"learned"`
	Missing   []string   `json:"missing,omitempty"`    // live members that did not answer
	WrittenAt *time.Time `json:"written_at,omitempty"` // of a shared key: by the clock of its writer, in milliseconds
}

// Learned is one agent's word about a key. Times are by the clock of each agent.
type Learned struct {
	Member       string    `json:"member"`
	Version      string    `json:"version"` // "" if it has no such key
	At           time.Time `json:"at"`
	AfterSeconds float64   `json:"after_seconds"` // its writer, or who had it first, by the clocks of both
	From         string    `json:"from"`          // whose frame brought it; "" at the writer, and where that is not known
}

// Why is what is behind a member's state.
type Why struct {
	Member      string    `json:"member"`
	State       string    `json:"state"`
	Asked       string    `json:"asked"`
	Text        string    `json:"text"`
	Watched     bool      `json:"watched"`
	Missed      int       `json:"missed"`
	Heard       time.Time `json:"heard"`
	Observers   int       `json:"observers"`
	Against     int       `json:"against"`
	Needed      int       `json:"needed"`
	Voters      []string  `json:"voters"`
	Incarnation uint32    `json:"incarnation"`
}

// Forgotten is the answer to a forget.
type Forgotten struct {
	Member string `json:"member"`
}

// Pong is the answer to a ping.
type Pong struct {
	Member     string  `json:"member"`
	RTTSeconds float64 `json:"rtt_seconds"`
}

// KeyState is where the cluster stands with one key, as the agent that is asked knows it.
type KeyState struct {
	ID      uint8    `json:"id"`
	State   string   `json:"state"`
	Primary bool     `json:"primary"` // that agent seals with it
	Lacking []string `json:"lacking"` // members that do not hold it
	Sealing []string `json:"sealing"` // members that seal with it
}

// The states of a key, in the order in which it takes them. The dead do not count.
const (
	KeySpreading = "spreading" // some members lack it
	KeyReady     = "ready"     // all hold it, and none seals with it: it may be used, or removed
	KeyChanging  = "changing"  // some seal with it, and some with another
	KeyInUse     = "in-use"    // all seal with it
)

// KeyStep is what a change of keys came to at one member.
type KeyStep struct {
	Member string `json:"member"`
	Done   bool   `json:"done"`
	Error  string `json:"error,omitempty"`
}

// KeyResult is what a change of keys came to in the cluster.
type KeyResult struct {
	Step    string     `json:"step"` // install, use or remove
	ID      uint8      `json:"id"`
	Steps   []KeyStep  `json:"steps"`
	Missing []string   `json:"missing,omitempty"`
	States  []KeyState `json:"states"`
	Next    string     `json:"next,omitempty"` // what to do now
}

// Sample is what "qn top" shows, once a second.
type Sample struct {
	At      time.Time         `json:"at"`
	Members map[string]int    `json:"members"`
	Keys    int               `json:"keys"`
	Writes  uint64            `json:"writes"`
	New     uint64            `json:"entries_new"`
	Known   uint64            `json:"entries_known"`
	FramesR uint64            `json:"frames_received"`
	FramesS uint64            `json:"frames_sent"`
	BytesR  uint64            `json:"bytes_received"`
	BytesS  uint64            `json:"bytes_sent"`
	Drops   map[string]uint64 `json:"drops"`
	Lag     float64           `json:"loop_lag_seconds"`
	Defer   int               `json:"deferred_bytes"`
}
