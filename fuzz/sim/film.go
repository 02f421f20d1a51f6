package sim

import (
	"fmt"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Film is what there is to see of a run, for a page that shows it: the frames with
// their fates, what nodes told their applications, and what every node believed of
// every other one over time. Times are in microseconds since the start.
type Film struct {
	Nodes    []string     `json:"nodes"`
	Until    int64        `json:"until"` // harm and writes end
	End      int64        `json:"end"`
	Faults   []FilmFault  `json:"faults"`
	Frames   []FilmFrame  `json:"frames"`
	Dropped  uint64       `json:"dropped"` // frames before the first of Frames, for which there was no room
	Events   []FilmEvent  `json:"events"`
	Pictures []Picture    `json:"pictures"`
	Broken   *FilmFailure `json:"broken,omitempty"`
}

// FilmFault is one harm: to one node, or to the paths of some.
type FilmFault struct {
	Kind  string `json:"kind"`
	At    int64  `json:"at"`
	For   int64  `json:"for"`
	Nodes []int  `json:"nodes"`
	Text  string `json:"text"`
}

// FilmFrame is one frame. Arrived is 0 for one that did not; Lost says why then.
type FilmFrame struct {
	At      int64  `json:"at"`
	Arrived int64  `json:"arrived"`
	From    int    `json:"from"`
	To      int    `json:"to"` // -1: an address that nobody has
	Bytes   int    `json:"bytes"`
	Lost    string `json:"lost,omitempty"`
	Text    string `json:"text"`
}

// FilmEvent is what one node told its application.
type FilmEvent struct {
	At   int64  `json:"at"`
	Node int    `json:"node"`
	Text string `json:"text"`
}

// Picture is what all nodes believe at one moment. Rows are who believes, columns
// about whom; both have one place a node, in their order.
type Picture struct {
	At     int64    `json:"at"`
	Status string   `json:"status"` // one letter a pair: see [Beliefs]
	Behind []uint64 `json:"behind"` // versions that the row lacks of the column's writes, of those of its present life
}

// Beliefs are the letters of a Picture: down or paused, unknown, named by others, alive,
// suspect, port closed, dead, left, buried, itself.
const Beliefs = "-.?ascdlb="

// FilmFailure is the law that was broken.
type FilmFailure struct {
	At   int64  `json:"at"`
	Law  string `json:"law"`
	Text string `json:"text"`
}

// Bounds of a film: the last frames and events are kept, and pictures are taken
// further and further apart, so that a long run makes no larger page.
const (
	filmFrames   = 12_000
	filmEvents   = 4000
	filmPictures = 400
	filmPairs    = 2 << 20               // of all pictures together, where there are many nodes
	filmSpan     = 2 * sched.Millisecond // between pictures, at first
)

// Shoot runs a plan as Try does, and films it. The film changes nothing: the hash
// of the run is that of Try.
func Shoot(p *Plan) (*Film, *Outcome) {
	c := camera{span: filmSpan}
	f := &c.film
	f.Faults, f.Pictures = []FilmFault{}, []Picture{} // lists, not null
	out := TryWith(p, c.begin)
	if w := c.w; w != nil {
		c.picture(w.now)
		f.End = micros(w.Now())
		for _, n := range w.Nodes {
			f.Nodes = append(f.Nodes, n.Name)
		}
	}
	f.Until = micros(p.Until)
	for i := range p.Faults {
		f.Faults = append(f.Faults, p.Faults[i].film(p.Nodes))
	}
	f.Frames, f.Dropped = c.frames.list()
	f.Events, _ = c.events.list()
	if v := out.Violation; v != nil {
		f.Broken = &FilmFailure{At: micros(v.At), Law: v.Law, Text: v.Text}
		f.End = micros(v.At) + 1000 // nothing happens after that
	}
	return f, out
}

func micros(t sched.Instant) int64 { return int64(t / 1000) }

// last keeps the last few of many.
type last[T any] struct {
	kept []T
	seen uint64
}

func (l *last[T]) add(v T, most int) {
	if len(l.kept) < most {
		l.kept = append(l.kept, v)
	} else {
		l.kept[l.seen%uint64(most)] = v
	}
	l.seen++
}

// list is what was kept, in its order, and how many went before.
func (l *last[T]) list() (kept []T, before uint64) {
	kept = []T{}
	if n := uint64(len(l.kept)); n > 0 {
		at := l.seen % n
		kept = append(append(kept, l.kept[at:]...), l.kept[:at]...)
	}
	return kept, l.seen - uint64(len(l.kept))
}

// camera looks at a world without touching it.
type camera struct {
	film   Film
	w      *World
	next   sched.Instant // the next picture
	span   sched.Instant
	frames last[FilmFrame]
	events last[FilmEvent]
}

func (c *camera) begin(w *World) {
	c.w = w
	w.OnFrame = func(f *Frame) bool {
		if Start+f.At >= c.next {
			c.picture(Start + f.At)
		}
		c.frames.add(c.frame(f), filmFrames)
		return true
	}
	w.OnEvent = func(n *Node, ev *core.Event) {
		if ev.Kind != core.Advanced { // pictures tell that
			c.events.add(FilmEvent{micros(n.now - Start), n.Index, c.event(n, ev)}, filmEvents)
		}
	}
}

func (c *camera) frame(f *Frame) FilmFrame {
	ff := FilmFrame{At: micros(f.At), From: f.From, To: f.To, Bytes: len(f.Data), Text: Text(f.Data, c.who)}
	switch {
	case f.Fate == nil:
		ff.Lost = "nobody there"
	case f.Fate.Copies == 0:
		ff.Lost = f.Fate.Cause.String()
	default:
		ff.Arrived = micros(f.Fate.At[0] - Start)
	}
	return ff
}

// who names an origin by its node, where one has it now.
func (c *camera) who(id codec.OriginID) string {
	if h := c.w.byID[id]; h != nil {
		return c.w.Nodes[h.author].Name
	}
	return fmt.Sprintf("%04x", uint64(id)>>48)
}

func (c *camera) event(n *Node, ev *core.Event) string {
	what := "something happened"
	if int(ev.Kind) < len(happenings) {
		what = happenings[ev.Kind]
	}
	if ev.Origin == 0 {
		return what
	}
	return fmt.Sprintf("%s: %s", n.Core.Parts().Store.Name(ev.Origin), what)
}

// happenings are the events of a core in a few words.
var happenings = [...]string{
	core.MemberJoined: "became known", core.MemberReachable: "answers", core.MemberQuiet: "owes acknowledgements",
	core.MemberSuspected: "is missed", core.MemberDied: "is dead", core.MemberForgotten: "is forgotten", core.MemberLeft: "leaves",
	core.MemberReplaced: "has a new life", core.MemberMoved: "has another address", core.Renewed: "takes a new generation",
	core.NameConflict: "finds a rival for its name", core.Superseded: "stops writing for its rival", core.Restored: "writes again",
	core.KeyUnknown: "was sent a frame with a key that it lacks", core.Declared: "says something else of itself",
	core.Refused: "is refused", core.Refuses: "refuses somebody", core.Ponged: "was answered", core.PathNarrow: "takes short frames only",
	core.PathLong: "is far away", core.EventsLost: "lost events",
}

// picture notes what everybody believes. When there are too many, each second one
// goes, and from then on they are taken half as often.
func (c *camera) picture(now sched.Instant) {
	c.next = now + c.span
	if most := max(20, min(filmPictures, filmPairs/(len(c.w.Nodes)*len(c.w.Nodes)))); len(c.film.Pictures) >= most {
		kept := c.film.Pictures[:0]
		for i := 0; i < len(c.film.Pictures); i += 2 {
			kept = append(kept, c.film.Pictures[i])
		}
		c.film.Pictures = kept
		c.span *= 2
	}
	var status strings.Builder
	behind := make([]uint64, 0, len(c.w.Nodes)*len(c.w.Nodes))
	for _, n := range c.w.Nodes {
		for _, of := range c.w.Nodes {
			letter, lacks := believes(n, of)
			status.WriteByte(letter)
			behind = append(behind, lacks)
		}
	}
	c.film.Pictures = append(c.film.Pictures, Picture{micros(now - Start), status.String(), behind})
}

// believes is what one node holds of another's present life.
func believes(n, of *Node) (letter byte, behind uint64) {
	if !n.Up || n.paused {
		return '-', 0
	}
	if n == of {
		return '=', 0
	}
	s, theirs := n.Core.Parts().Store, of.Core.Parts()
	var wrote uint64
	if of.Up {
		wrote = theirs.Store.Max(theirs.Own)
	}
	o := s.Find(theirs.Self.ID)
	if o == 0 {
		return '.', wrote
	}
	return n.status(o), wrote - min(wrote, s.Max(o))
}

// status is the letter of what a node's detector says of an origin.
func (n *Node) status(o state.Origin) byte {
	p := n.Core.PeerOf(o)
	if p == 0 {
		return '.'
	}
	q, _ := n.Core.Peer(p)
	st := n.Core.Parts().Detector.Status(p)
	switch {
	case q.Left:
		return 'l'
	case st == codec.StatusAlive && !q.Proven:
		return '?'
	case int(st) < len(letters):
		return letters[st]
	}
	return '.'
}

var letters = [...]byte{codec.StatusAlive: 'a', codec.StatusSuspect: 's', codec.StatusClosed: 'c', codec.StatusDead: 'd', codec.StatusLeft: 'l', codec.StatusBuried: 'b'}

// film is the fault for a page.
func (f *Fault) film(n int) FilmFault {
	ff := FilmFault{Kind: f.Kind.String(), At: micros(f.At), For: micros(f.For), Text: f.Text(n)}
	if f.Kind >= Splits {
		ff.Nodes, _ = f.group(n)
	} else if v := f.victim(n); v >= 0 {
		ff.Nodes = []int{v}
	}
	return ff
}
