package attack

import (
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/fuzz/rogue"
)

// victim is a source that attackers forge: what the engine sends there against
// what seemed to come from there.
type victim struct {
	*raw
	name string
	sent int
}

// reflectors are the ways to make a node answer somebody who never asked: each
// gives datagrams that seem to come from the victim.
func reflectors(w *world, at *engine.Engine, good []seen, secretOfOne []byte) map[string]func(v *victim) [][]byte {
	member := w.nodes[1].Name()
	var gen uint64
	for m := range at.Members() {
		if m.Name == member {
			gen = m.Generation
		}
	}
	made := func(name string, gen uint64, secret []byte) *rogue.Rogue {
		return rogue.New(clusterName, name, gen, 1, secret)
	}
	sync := codec.AppendSync(nil, codec.Sync{Kind: codec.SyncPushPull})
	r := map[string]func(v *victim) [][]byte{
		"recorded frames": func(*victim) (list [][]byte) {
			for _, d := range good {
				list = append(list, d.data)
			}
			return list
		},
		"recorded frames, cut": func(*victim) (list [][]byte) {
			for _, d := range good {
				list = append(list, d.data[:min(len(d.data), 60+w.rnd.IntN(40))])
			}
			return list
		},
		"garbage": func(*victim) (list [][]byte) {
			for range 300 {
				list = append(list, w.garbage(good))
			}
			return list
		},
	}
	for _, bytes := range []int{0, 200, 511, 512, 600, 1400} {
		r[fmt.Sprint("greetings of ", bytes)] = func(*victim) (list [][]byte) {
			for range 50 {
				list = append(list, made("x", 1, secretOfOne).Hello(bytes)) // the shortest name
			}
			return list
		}
		r[fmt.Sprint("greetings under a member's name, of ", bytes)] = func(*victim) (list [][]byte) {
			for i := range 50 {
				list = append(list, made(member, gen-uint64(i%2), secretOfOne).Hello(bytes))
			}
			return list
		}
	}
	r["requests without a cookie"] = func(*victim) (list [][]byte) {
		for range 100 {
			list = append(list, made("y", 1, secretOfOne).Frame(false, codec.FlagPrints, sync))
		}
		return list
	}
	r["requests with a cookie of nobody"] = func(*victim) (list [][]byte) {
		for range 100 {
			list = append(list, made("y", 1, secretOfOne).Frame(true, codec.FlagPrints, sync))
		}
		return list
	}
	r["requests under a member's id"] = func(*victim) (list [][]byte) {
		m := made(member, gen, secretOfOne)
		for range 100 {
			list = append(list, m.Frame(false, codec.FlagPrints, sync))
		}
		return list
	}
	return r
}

// TestNothingIsAmplified: to an address that has not shown that it receives, an
// engine sends at most three times what came from there, whatever that was.
func TestNothingIsAmplified(t *testing.T) {
	try := func(t *testing.T, w *world, secretOfOne []byte) {
		at := w.nodes[0]
		w.tap.recordAt(at.Addr(), 100)
		var keys []uint8
		if len(at.Secrets()) > 0 {
			keys = []uint8{1}
		}
		w.start("late", keys...) // its handshake
		w.settle()
		shakes := w.tap.recorded(at.Addr())
		good := append(shakes, w.record(at, 300)...)
		var all []*victim
		for name, make := range reflectors(w, at, good, secretOfOne) {
			v := &victim{raw: newRaw(t), name: name}
			all = append(all, v)
			list := make(v)
			var thrown []seen
			for _, b := range list {
				v.sent += len(b)
				thrown = append(thrown, seen{v.addr, at.Addr(), b})
			}
			w.throw(at, thrown)
		}
		rest(time.Second) // several steps of any backoff
		worst, of := 0.0, ""
		for _, v := range all {
			got := w.tap.sentTo(at.Addr(), v.addr)
			if f := float64(got) / float64(v.sent); f > worst {
				worst, of = f, v.name
			}
			if got > 3*v.sent {
				t.Errorf("%s: %d bytes for %d", v.name, got, v.sent)
			}
		}
		t.Logf("the most is %.2f times what came, by %s", worst, of)
		w.settle()
	}
	t.Run("sealed, by outsiders", func(t *testing.T) { try(t, newWorld(t, 3, nil, 1), nil) })
	t.Run("sealed, by a holder of the key", func(t *testing.T) { try(t, newWorld(t, 3, nil, 1), secret(1)) })
	t.Run("clear", func(t *testing.T) { try(t, newWorld(t, 3, nil), nil) })
}

// TestOneGreetingAtATime: a member that introduces thousands, all at one
// address, makes a node greet that address no more often than one would.
func TestOneGreetingAtATime(t *testing.T) {
	w := newWorld(t, 2, nil)
	at := w.nodes[0]
	in := w.infiltrate(at, "spy", nil)
	v := newRaw(t)
	begin := time.Now()
	for k := range 100 {
		var intros [][]byte
		for i := range 20 {
			intros = append(intros, in.Intro(fmt.Sprint("ghost-", k, "-", i), 1, v.addr))
		}
		in.say(in.Frame(false, 0, intros...))
	}
	rest(2 * time.Second)
	steps := int(time.Since(begin)/(100*time.Millisecond)) + 2
	if got := w.tap.sentTo(at.Addr(), v.addr); got > steps*512 || got == 0 {
		t.Errorf("%d bytes to an address that never asked, at most %d greetings allowed", got, steps)
	}
	if s := at.Stats(); s.Members > engine.LAN().Limits.Origins {
		t.Errorf("%d members", s.Members)
	}
}
