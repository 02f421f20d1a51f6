package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// LieKind is a kind of lie.
type LieKind uint8

// The kinds.
const (
	Brags     LieKind = iota // it confirms more than it holds
	Condemns                 // it says of others that they are suspect or dead, and votes so
	Hides                    // it leaves out records of one type
	Scrambles                // bits of records of one type turn over, and the frame's checksum is right
	Repeats                  // it sends old frames again
	LieKinds                 // how many there are
)

var lieNames = [LieKinds]string{"brag", "condemn", "hide", "scramble", "repeat"}

// String is the kind in one word.
func (k LieKind) String() string {
	if k < LieKinds {
		return lieNames[k]
	}
	return "invalid"
}

// LiePlan is what the last node of a cluster in clear lies about, until harm ends. It says nothing
// that others wrote otherwise than they did: who may write for others is asked in fuzz/attack and
// engine/checkpoint.
type LiePlan struct {
	Kinds uint32     // bit by bit; 0: it is honest
	Type  codec.Type // of the records that it hides or scrambles
	Share uint32     // of its frames, of 2^32
}

// has tells whether there are lies of a kind.
func (l LiePlan) has(k LieKind) bool { return l.Kinds>>k&1 != 0 }

// String is the plan in a few words.
func (l LiePlan) String() string {
	if l.Kinds == 0 {
		return "nobody lies"
	}
	var kinds []string
	for k := range LieKinds {
		if l.has(k) {
			kinds = append(kinds, k.String())
		}
	}
	return fmt.Sprintf("the last node lies in %.2f%% of its frames: %s (records of type %d)",
		float64(l.Share)/(1<<32)*100, strings.Join(kinds, ", "), l.Type)
}

// twisted are the types of records that may be hidden or scrambled.
var twisted = [...]codec.Type{
	codec.TypeSync, codec.TypeDigest, codec.TypePull, codec.TypeHave, codec.TypeProbe, codec.TypeProbeAck, codec.TypeVote,
	codec.TypeVerdict, codec.TypeObserved, codec.TypeRumorFeedback, codec.TypeSketch, codec.TypeRepair, codec.TypePreciseDigest,
	codec.TypePrecisePull, codec.TypeTurn, codec.TypeFullAt, codec.TypeCheckpoint, codec.TypeDelegate, codec.TypeCovered,
	codec.TypeIntervalPull, codec.TypeAuditPull, codec.TypeRanges,
}

// drawLies makes the last node of some plans a liar.
func (p *Plan) drawLies(r *sched.Rand) {
	if !oneIn(r, 4) || p.Nodes <= seeds || p.Node.Sealed {
		return
	}
	for p.Lies.Kinds == 0 {
		p.Lies.Kinds = r.Uint32n(1 << LieKinds)
	}
	p.Lies.Type = twisted[r.Uint32n(uint32(len(twisted)))]
	p.Lies.Share = 1 << (24 + r.Uint32n(8))
}

// liar twists the frames of a node.
type liar struct {
	plan  LiePlan
	node  int
	until sched.Instant // since the start
	rand  sched.Rand
	old   []parcel // frames that it has sent
	buf   []byte
}

func newLiar(p *Plan) *liar {
	l := &liar{plan: p.Lies, node: p.Nodes - 1, until: p.Until}
	l.rand.Seed(p.Seed ^ 0x6c696573)
	return l
}

// lies tells whether a node is a liar.
func (w *World) lies(i int) bool { return w.liar != nil && w.liar.node == i }

// oldFrames are kept to be sent again.
const oldFrames = 16

// twist is what becomes of a frame of a node, and an old one that it sends again, if any.
func (l *liar) twist(w *World, p *parcel) (data []byte, again *parcel) {
	if p.from.Index != l.node || w.Now() >= l.until || uint32(l.rand.Uint64()) >= l.plan.Share {
		return p.data, nil
	}
	if l.plan.has(Repeats) {
		old := parcel{from: p.from, to: p.to, data: slices.Clone(p.data)}
		if len(l.old) < oldFrames {
			l.old = append(l.old, old)
		} else {
			i := l.rand.Uint32n(oldFrames)
			again = &parcel{at: p.at, from: p.from, to: l.old[i].to, data: l.old[i].data}
			l.old[i] = old
		}
	}
	data = l.rewrite(w, p)
	if again != nil || !bytes.Equal(data, p.data) {
		w.Stats.Lies++
	}
	return data, again
}

// rewrite is a frame with lies in place of the truth. What is sealed, greets or gets too long stays
// as it is.
func (l *liar) rewrite(w *World, p *parcel) []byte {
	var h codec.Header
	records, err := codec.ParseFrame(p.data, &h)
	if err != nil {
		return p.data
	}
	b := codec.AppendHeader(l.buf[:0], &h)
	for len(records) > 0 {
		t, body, rest := codec.NextRecord(records)
		if t == codec.TypeHello || t == codec.TypeHelloReply {
			return p.data
		}
		b = l.record(b, t, body)
		records = rest
	}
	if l.plan.has(Condemns) {
		b = l.condemn(w, b)
	}
	if len(b)+codec.ChecksumBytes > p.from.cfg.Frame {
		return p.data
	}
	l.buf = codec.AppendChecksum(b, 0)
	return l.buf
}

// record appends what the liar says in place of a record.
func (l *liar) record(b []byte, t codec.Type, body []byte) []byte {
	switch {
	case t == codec.TypeHave && l.plan.has(Brags):
		if h, err := codec.ParseHave(body); err == nil {
			h.Max = min(h.Max+uint64(l.rand.Uint32n(1<<l.rand.Uint32n(16))), codec.VersionMax)
			return codec.AppendHave(b, h)
		}
	case t == l.plan.Type && l.plan.has(Hides) && oneIn(&l.rand, 2):
		return b
	}
	from := len(b) + codec.RecordBytes
	b = codec.AppendRecord(b, t, body)
	if t == l.plan.Type && l.plan.has(Scrambles) && len(body) > 0 {
		for range 1 + l.rand.Uint32n(3) {
			bit := l.rand.Uint32n(uint32(8 * len(body)))
			b[from+int(bit/8)] ^= 1 << (bit % 8)
		}
	}
	return b
}

// condemn appends a vote against somebody and a verdict on them.
func (l *liar) condemn(w *World, b []byte) []byte {
	n := w.Nodes[l.rand.Uint32n(uint32(len(w.Nodes)))]
	id, incarnation := n.Core.Parts().Self.ID, l.rand.Uint32n(4)
	b = codec.AppendVote(b, &codec.Vote{Subject: id, Incarnation: incarnation, Round: uint32(l.rand.Uint64()), Stance: codec.StanceAgainst})
	start := len(b)
	status := codec.StatusSuspect + codec.Status(l.rand.Uint32n(uint32(codec.StatusBuried-codec.StatusSuspect)))
	b = codec.AppendFact(codec.BeginRecord(b, codec.TypeVerdict), codec.Fact{ID: id, Incarnation: incarnation, Status: status})
	return codec.EndRecord(b, start)
}
