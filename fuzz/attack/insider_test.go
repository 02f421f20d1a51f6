package attack

import (
	"fmt"
	"math/bits"
	"net/netip"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/fuzz/rogue"
)

// insider is a rogue that is a member for one node.
type insider struct {
	*rogue.Rogue
	*raw
	w  *world
	at *engine.Engine
}

// infiltrate makes a rogue a member in the eyes of a node.
func (w *world) infiltrate(at *engine.Engine, name string, secretOfOne []byte) *insider {
	w.t.Helper()
	s := newRaw(w.t)
	in := &insider{rogue.New(clusterName, name, 1, 1, secretOfOne), s, w, at}
	in.Rogue.Addr = s.addr
	eventually(w.t, name+" is let in", func() bool {
		in.meet()
		in.say(in.Frame(true, codec.FlagPrints, codec.AppendSync(nil, codec.Sync{Kind: codec.SyncPushPull})))
		in.drain()
		return w.knows(at, name)
	})
	return in
}

// meet goes through the handshake.
func (in *insider) meet() {
	in.Met = false
	for range 20 {
		in.throw(in.w.t, in.at.Addr(), in.Hello(512))
		if in.drain(); in.Met {
			return
		}
	}
	in.w.t.Fatal("no answer to a greeting")
}

// drain takes what the node has sent, and answers its greetings.
func (in *insider) drain() {
	for b := in.hear(); b != nil; b = in.hear() {
		if answer := in.Hear(b); answer != nil {
			in.throw(in.w.t, in.at.Addr(), answer)
		}
		if in.Met {
			return
		}
	}
}

// say sends a frame and waits until the node has read it.
func (in *insider) say(b []byte) {
	before := in.at.Stats().Socket.Received
	in.throw(in.w.t, in.at.Addr(), b)
	eventually(in.w.t, "the node reads", func() bool {
		s := in.at.Stats()
		return s.Socket.Received+s.Socket.KernelDrops > before
	})
}

func (w *world) knows(at *engine.Engine, name string) bool {
	for m := range at.Members() {
		if m.Name == name {
			return true
		}
	}
	return false
}

// Attacks of a member: in clear anybody can become one, sealed a holder of the
// key. What such a one says of itself and of others is believed as far as it
// goes; it must not break, fill or silence anybody for good.

func insiders(t *testing.T, change func(*engine.Config), attack func(t *testing.T, w *world, in *insider)) {
	for name, keys := range map[string][]uint8{"sealed": {1}, "clear": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 3, change, keys...)
			var one []byte
			if keys != nil {
				one = secret(keys[0])
			}
			attack(t, w, w.infiltrate(w.nodes[0], "spy", one))
		})
	}
}

// honest waits until every honest member has a fresh write of every other.
func (w *world) honest(what string) {
	w.t.Helper()
	for i, e := range w.nodes {
		w.set(e, "fresh", fmt.Sprint(what, i))
	}
	eventually(w.t, "honest members reach each other after "+what, func() bool {
		for _, e := range w.nodes {
			for i, author := range w.nodes {
				v, _, ok := e.Get(author.Name(), "fresh")
				if !ok || string(v) != fmt.Sprint(what, i) {
					return false
				}
			}
		}
		return true
	})
}

func run(id codec.OriginID, from, to, floor uint64, entries ...codec.Entry) []byte {
	var w codec.RunWriter
	if !w.Begin(make([]byte, 0, codec.FrameBytesMax), codec.FrameBytesMax, codec.RunHead{ID: id, From: from, Floor: floor}) {
		panic("no room")
	}
	for i := range entries {
		if !w.Entry(&entries[i]) {
			panic("no room")
		}
	}
	return w.End(to)
}

// TestInventedMembers: thousands of origins with state, at addresses where
// nobody is.
func TestInventedMembers(t *testing.T) {
	limits := func(c *engine.Config) {
		c.Limits = engine.Limits{Origins: 64, Keys: 4000, ValueBytes: 1 << 20}
	}
	insiders(t, limits, func(t *testing.T, w *world, in *insider) {
		at := w.nodes[0]
		for k := range 100 {
			var records [][]byte
			for i := range 8 {
				name := fmt.Sprint("ghost-", k, "-", i)
				addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(k), byte(i)}), 9)
				records = append(records, in.Intro(name, 1, addr),
					run(in.IDOf(name, 1), 0, 9, 0, codec.Entry{Version: 9, Key: []byte("k"), Value: []byte("ghost")}))
			}
			in.say(in.Frame(false, 0, records...))
		}
		s := at.Stats()
		if s.Members > 64 || s.Drops["full"] == 0 {
			t.Errorf("%d members, %d refused for want of room", s.Members, s.Drops["full"])
		}
		if s.Members > 52 {
			t.Errorf("%d of 64 places are taken by inventions", s.Members)
		}
		var keys []uint8
		if len(at.Secrets()) > 0 {
			keys = []uint8{1}
		}
		w.start("late", keys...) // there is room for those who answer themselves
		w.honest("inventions")
	})
}

// TestStateOfOthers: an insider says what others wrote, up to the last version
// there is, and what they hold.
func TestStateOfOthers(t *testing.T) {
	insiders(t, nil, func(t *testing.T, w *world, in *insider) {
		at, other := w.nodes[0], w.nodes[1]
		id := codec.OriginID(other.ID())
		max := func() (v uint64) {
			for m := range at.Members() {
				if m.Name == other.Name() {
					for _, e := range at.Range(m.Name) {
						v = e.Meta.Version.Seq
					}
				}
			}
			return v
		}
		for _, to := range []uint64{max() + 1000, codec.VersionMax} {
			in.say(in.Frame(false, 0, run(id, 0, to, 0)))
			w.honest("a run to " + fmt.Sprint(to))
			id = codec.OriginID(other.ID())
			in.say(in.Frame(false, 0, run(id, 0, to, to-1, codec.Entry{Version: to, Key: []byte("k"), Value: []byte("forged")})))
			w.honest("a forged value and floor of " + fmt.Sprint(to))
			id = codec.OriginID(other.ID())
		}
		// The own state, as others hold it: more than was written.
		before, begin := at.Stats(), time.Now()
		for range 300 {
			in.say(in.Frame(false, 0, codec.AppendHave(nil, codec.Have{Max: codec.VersionMax, Floor: codec.VersionMax})))
			in.say(in.Frame(false, 0, run(codec.OriginID(at.ID()), 0, codec.VersionMax, 0)))
		}
		n := at.Stats().Renewals - before.Renewals
		took := time.Since(begin)
		if most := bits.Len(uint(took/time.Duration(names.RenewalPause)) + 1); n > uint64(most) { // each pause is twice the one before
			t.Errorf("made to take %d new generations within %v", n, took)
		}
		w.honest("claims about the own state")
	})
}

// TestGenerationsOfOthers: later lives of members that live.
func TestGenerationsOfOthers(t *testing.T) {
	insiders(t, nil, func(t *testing.T, w *world, in *insider) {
		at, other := w.nodes[0], w.nodes[1]
		var gen uint64
		for m := range at.Members() {
			if m.Name == other.Name() {
				gen = m.Generation
			}
		}
		year := uint64(366 * 24 * time.Hour)
		before := at.Stats()
		w.unmoved(at, func() {
			for _, g := range []uint64{gen + 2*year, 1<<64 - 1, 1 << 63} {
				in.say(in.Frame(false, 0, in.Intro(other.Name(), g, other.Addr())))
				in.say(in.Frame(false, 0, in.Intro(at.Name(), g, at.Addr())))
				in.say(in.Frame(false, 0, in.Intro("nobody", g, other.Addr())))
			}
		})
		if n := dropped(before, at.Stats(), "generation"); n < 9 {
			t.Errorf("%d of 9 generations from the far future refused", n)
		}
		for _, ahead := range []uint64{1, uint64(time.Hour), year / 2} {
			in.say(in.Frame(false, 0, in.Intro(other.Name(), gen+ahead, other.Addr())))
			in.say(in.Frame(false, 0, in.Intro(at.Name(), gen+ahead, at.Addr())))
			w.honest("later lives, by " + fmt.Sprint(time.Duration(ahead)))
		}
	})
}

// TestVerdictsOnOthers: the insider alone condemns everybody, with incarnations
// up to the last.
func TestVerdictsOnOthers(t *testing.T) {
	insiders(t, nil, func(t *testing.T, w *world, in *insider) {
		at := w.nodes[0]
		for _, inc := range []uint32{0, 1, 1000, member.IncarnationStep, member.IncarnationMax, 1<<32 - 1} {
			for status := member.Suspect; status <= member.Buried; status++ {
				b := codec.BeginRecord(nil, codec.TypeVerdict)
				for _, e := range w.nodes {
					b = codec.AppendFact(b, codec.Fact{ID: codec.OriginID(e.ID()), Incarnation: inc, Status: status})
				}
				in.say(in.Frame(false, 0, codec.EndRecord(b, 0)))
				v := codec.AppendVote(nil, &codec.Vote{
					Subject: codec.OriginID(w.nodes[1].ID()), Incarnation: inc, Round: inc, Stance: codec.StanceAgainst,
				})
				in.say(in.Frame(false, 0, v))
				p := codec.AppendProbe(nil, &codec.Probe{
					Target: codec.OriginID(at.ID()), Nonce: inc, Incarnation: inc, Status: status,
				})
				in.say(in.Frame(false, 0, p))
			}
		}
		eventually(t, "the condemned are alive to each other again", func() bool {
			for _, e := range w.nodes {
				alive := 0
				for m := range e.Members() {
					if m.State == engine.StateAlive && m.Name != "spy" {
						alive++
					}
				}
				if alive < len(w.nodes) {
					return false
				}
			}
			return true
		})
		w.honest("verdicts")
	})
}

// TestForgedVersionsEndWithTheLife: an insider says that a member that rests wrote more than it did.
// That one takes a new life, and what was made up is gone with the former one.
func TestForgedVersionsEndWithTheLife(t *testing.T) {
	insiders(t, nil, func(t *testing.T, w *world, in *insider) {
		at, other := w.nodes[0], w.nodes[1]
		w.honest("nothing")
		rest(time.Second)
		id, renewals := codec.OriginID(other.ID()), other.Stats().Renewals
		max := uint64(0)
		for _, e := range at.Range(other.Name()) {
			max = e.Meta.Version.Seq
		}
		begin := time.Now()
		in.say(in.Frame(false, 0, run(id, 0, max+1_000_000, 0, codec.Entry{Version: max + 1_000_000, Key: []byte("made up"), Value: []byte("v")})))
		eventually(t, "it takes another life", func() bool { return other.Stats().Renewals > renewals })
		eventually(t, "nobody shows what was made up", func() bool {
			for _, e := range w.nodes {
				if _, _, ok := e.Get(other.Name(), "made up"); ok {
					return false
				}
			}
			return true
		})
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("it was shown for %v", took)
		}
		w.honest("what was made up")
	})
}
