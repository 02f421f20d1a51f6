package core

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// falseRun is what a holder of the key says under an author's name: entries of versions in
// (from, to], and how far the author's log goes.
type falseRun struct {
	from, to, max, floor uint64
	entries              []codec.Entry
}

// forge lets the liar tell node `to` something of an author.
func (w *net) forge(liar, to, author int, l *falseRun) {
	w.t.Helper()
	var run codec.RunWriter
	id := w.nodes[author].core.me.ID
	if !run.Begin(make([]byte, 0, codec.FrameBytesMax), codec.FrameBytesMax, codec.RunHead{ID: id, From: l.from, Max: l.max, Floor: l.floor}) {
		w.t.Fatal("no room")
	}
	end := l.to
	for i := range l.entries {
		if !run.Entry(&l.entries[i]) { // a frame holds no more
			end = l.entries[i].Version - 1
			break
		}
	}
	_, body, _ := codec.NextRecord(run.End(end))
	w.say(liar, to, codec.TypeRun, body)
}

// forged are entries for versions in (from, to]: some keys of the author's, one that it
// never had, some deletes, some versions left out.
func forged(r *rand.Rand, keys int, from, to uint64) (list []codec.Entry) {
	for v := from + 1; v <= to; v++ {
		e := codec.Entry{Version: v, Key: fmt.Appendf(nil, "k%d", r.IntN(keys+1)), Value: []byte("forged")}
		switch r.IntN(8) {
		case 0:
			e.Flags, e.Value = codec.EntryTombstone, nil
		case 1:
			continue
		}
		list = append(list, e)
	}
	return list
}

// lives is all that a node shows of an origin.
func (w *net) lives(d *node, o state.Origin) (s string) {
	var e codec.Entry
	var c state.Cursor
	for d.core.store.After(o, 0, &c); c.Next(&e); {
		if e.Flags&codec.EntryTombstone == 0 {
			s += fmt.Sprintf("%d %q=%q %d\n", e.Version, e.Key, e.Value, e.Flags)
		}
	}
	return s
}

// asWritten reports whether every replica shows what its author does, to a byte.
func (w *net) asWritten() bool {
	for _, a := range w.nodes {
		want := w.lives(a, a.core.store.Owner())
		for _, d := range w.nodes {
			if o := d.core.store.Find(a.core.me.ID); o == 0 || want != w.lives(d, o) {
				return false
			}
		}
	}
	return true
}

// told counts the lies that a node tells of, and named those that it knows to be of somebody.
func (w *net) told(by int) int { return w.lies(by, func(uint32) bool { return true }) }

func (w *net) named(by, whom int) int {
	p := w.peerOf(by, whom)
	return w.lies(by, func(liar uint32) bool { return liar != 0 && liar == p })
}

// blamed counts those that it takes to be somebody else's.
func (w *net) blamed(by, but int) int {
	p := w.peerOf(by, but)
	return w.lies(by, func(liar uint32) bool { return liar != 0 && liar != p })
}

func (w *net) lies(by int, of func(liar uint32) bool) (n int) {
	for _, e := range w.nodes[by].events {
		if e.Kind == Contradicted && of(e.Peer) {
			n++
		}
	}
	return n
}

// insider is a cluster of five: node 1 writes, node 4 lies.
type insider struct {
	*net
	r *rand.Rand
}

const (
	insiderAuthor = 1
	insiderLiar   = 4
	insiderKeys   = 20
)

// insiders are the ways in which a holder of the key may write under another one's name.
var insiders = []struct {
	name string
	lies func(w *insider, i int)
}{
	{"ahead", func(w *insider, i int) { // of a busy author: its own writes of those versions are old then
		for to := range 4 {
			if v := w.nodes[insiderAuthor].version; to != insiderAuthor && i%10 == 0 {
				w.forge(insiderLiar, to, insiderAuthor, &falseRun{v, v + 8, v + 8, 0, forged(w.r, insiderKeys, v, v+8)})
			}
		}
	}},
	{"behind", func(w *insider, i int) { // to whoever missed what the author wrote
		w.linked = func(from, to int) bool { return i%20 < 10 || from != insiderAuthor || to != 2 }
		if i%20 != 19 {
			return
		}
		d, v := &w.nodes[2].core, w.nodes[insiderAuthor].version
		if o := d.store.Find(w.nodes[insiderAuthor].core.me.ID); o != 0 { // else it has not heard of a new life
			from := d.store.Max(o)
			w.forge(insiderLiar, 2, insiderAuthor, &falseRun{from, v, v, 0, forged(w.r, insiderKeys, from, v)})
		}
		w.linked = nil
	}},
	{"values", func(w *insider, i int) { // of all that the author wrote, to whoever missed it
		w.filter = func(_, to *node, _ []byte) bool { return i%20 < 10 || to.i != 2 }
		if i%20 != 19 {
			return
		}
		a, d := &w.nodes[insiderAuthor].core, &w.nodes[2].core
		o := d.store.Find(a.me.ID)
		if o == 0 {
			return // it has not heard of a new life
		}
		from := d.store.Max(o)
		var e codec.Entry
		var c state.Cursor
		l := falseRun{from, w.nodes[insiderAuthor].version, w.nodes[insiderAuthor].version, 0, nil}
		for a.store.After(a.store.Owner(), from, &c); c.Next(&e); {
			x := e
			x.Key, x.Value = append([]byte(nil), e.Key...), []byte("forged")
			l.entries = append(l.entries, x)
		}
		w.forge(insiderLiar, 2, insiderAuthor, &l)
		w.filter = nil
	}},
	{"max", func(w *insider, i int) { // as if the log went on and on
		for to := range 4 {
			if v := w.nodes[insiderAuthor].version; to != insiderAuthor && i%30 == 0 {
				w.forge(insiderLiar, to, insiderAuthor, &falseRun{v, v + 2, codec.VersionMax, 0, forged(w.r, insiderKeys, v, v+2)})
			}
		}
	}},
	{"floor", func(w *insider, i int) { // as if all had been deleted
		for to := range 4 {
			if v := w.nodes[insiderAuthor].version; to != insiderAuthor && i%30 == 0 {
				w.forge(insiderLiar, to, insiderAuthor, &falseRun{v, v + 3, v + 3, v + 3, forged(w.r, insiderKeys, v, v+3)})
			}
		}
	}},
	{"nothing", func(w *insider, i int) { // versions that are said to be overwritten
		for to := range 4 {
			if v := w.nodes[insiderAuthor].version; to != insiderAuthor && i%10 == 0 {
				w.forge(insiderLiar, to, insiderAuthor, &falseRun{v, v + 8, v + 8, 0, nil})
			}
		}
	}},
}

// TestForgedStateIsFoundAndHealed: while a member writes, a holder of the key writes under its
// name, in every way. A second after the author's last word, five where frames are lost, each
// replica shows what the author wrote and nothing else, whoever was lied to names the liar, if
// known, and nobody else, a bounded number of times, and an author that nobody is ahead of takes no
// other life.
func TestForgedStateIsFoundAndHealed(t *testing.T) {
	for _, in := range insiders {
		for _, order := range []tune.Order{tune.OrderFair, tune.OrderPreciseNewest} {
			for _, sealed := range []bool{false, true} {
				loss := 0.0
				if sealed {
					loss = 0.1
				}
				t.Run(fmt.Sprint(in.name, " ", order, " sealed ", sealed, " loss ", loss), func(t *testing.T) {
					forgedState(t, in.lies, order, sealed, loss)
				})
			}
		}
	}
}

func forgedState(t *testing.T, lies func(w *insider, i int), order tune.Order, sealed bool, loss float64) {
	seed := rand.Uint64()
	w := &insider{r: rand.New(rand.NewPCG(seed, 1))}
	w.net = newNet(t, 5, seed, func(_ int, c *Config) {
		if c.Order = order; sealed {
			c.Keys = ringOf(string(c.Cluster), 1)
		}
	})
	w.joinAll()
	w.set(insiderAuthor, "first", "word")
	w.converge(5 * sched.Second)
	w.run(2 * sched.Second)
	w.loss = loss
	for i := range 300 {
		w.set(insiderAuthor, fmt.Sprint("k", w.r.IntN(insiderKeys)), fmt.Sprint("true ", i))
		lies(w, i)
		w.run(5 * sched.Millisecond)
	}
	w.loss, w.linked, w.filter = 0, nil, nil
	within := sched.Instant(sched.Second)
	if loss > 0 || order.Precise() {
		within = 5 * sched.Second // questions that were lost are asked at growing intervals
	}
	lied := !w.asWritten()
	took := w.until("everything as it was written", within, w.asWritten)
	w.run(2 * sched.Second)
	w.until("equal", 10*sched.Second, func() bool { return w.equal() && w.asWritten() })
	told := 0
	for i := range insiderLiar {
		told += w.named(i, insiderLiar)
		if n := w.told(i); n > 3 || w.blamed(i, insiderLiar) > 0 && loss == 0 {
			t.Errorf("node %d tells of %d lies, the liar's %d: %+v", i, n, w.named(i, insiderLiar), w.nodes[i].core.counters.wordCounters)
		}
	}
	renewed := w.nodes[insiderAuthor].core.counters.Renewals
	if told == 0 && renewed == 0 && lied && !order.Precise() { // there a lie of nothing harms nobody
		t.Error("nobody names the liar")
	}
	t.Logf("as written after %d ms, named %d times, %d renewals", took/sched.Millisecond, told, renewed)
}

// TestAVersionThatSomebodyTookIsItsOwners: in a precise cluster somebody writes another key under
// the next version of an author's, and whether the author writes that key or not: what it wrote is
// everywhere within a second, it goes on with its life where it can, and whoever was lied to tells
// that, once, and by whom if what it was told was there to the last.
func TestAVersionThatSomebodyTookIsItsOwners(t *testing.T) {
	for _, overwritten := range []bool{false, true} {
		w := newNet(t, 4, 21, func(_ int, c *Config) { c.Order = tune.OrderPreciseNewest })
		w.joinAll()
		w.set(1, "first", "word")
		w.converge(5 * sched.Second)
		w.run(2 * sched.Second)
		v := w.nodes[1].version
		w.forge(3, 2, 1, &falseRun{v, v + 1, v + 1, 0, []codec.Entry{{Version: v + 1, Key: []byte("other"), Value: []byte("forged")}}})
		w.set(1, "mine", "true")
		if overwritten {
			w.set(1, "other", "true")
		}
		w.until("everything as it was written", sched.Second, w.asWritten)
		w.run(3 * sched.Second)
		if n := w.nodes[1].core.counters.Renewals; overwritten && (n != 0 || w.told(2) != 1) || !overwritten && w.named(2, 3) != 1 || w.told(0) > 0 || w.told(1) > 0 {
			t.Errorf("overwritten %v: %d renewals, told %d times", overwritten, n, w.told(2))
		}
	}
}

// TestAFloorThatSomebodyMadeUp: whoever is told that an author collected deletes which it never
// made finds out when the author says so in its next life, and names who told it, once. A process
// that comes back with nothing says less than the one before, too, and nobody is named for that.
func TestAFloorThatSomebodyMadeUp(t *testing.T) {
	w := newNet(t, 5, 31, func(_ int, c *Config) { c.Spread = tune.SpreadRumor })
	w.joinAll()
	w.set(insiderAuthor, "first", "word")
	w.converge(5 * sched.Second)
	w.run(2 * sched.Second)
	v := w.nodes[insiderAuthor].version
	for _, to := range []int{0, 2, 3} {
		w.forge(insiderLiar, to, insiderAuthor, &falseRun{v, v + 3, v + 3, v + 3, nil})
	}
	w.until("everything as it was written", 2*sched.Second, w.asWritten)
	w.run(3 * sched.Second)
	for _, i := range []int{0, 2, 3} {
		if w.named(i, insiderLiar) != 1 || w.told(i) != 1 {
			t.Errorf("node %d names the liar %d times, of %d", i, w.named(i, insiderLiar), w.told(i))
		}
		w.nodes[i].events = nil
	}

	for i := range 100 {
		w.set(insiderAuthor, fmt.Sprint("k", i), "v")
		w.run(10 * sched.Millisecond)
		w.del(insiderAuthor, fmt.Sprint("k", i))
		w.run(10 * sched.Millisecond)
	}
	w.run(sched.Second)
	w.nodes[insiderAuthor].core.store.Collect(w.nodes[insiderAuthor].core.store.Owner(), w.nodes[insiderAuthor].version)
	w.set(insiderAuthor, "last", "word")
	w.run(5 * sched.Second)
	d := &w.nodes[2].core
	if o := d.store.Find(w.nodes[insiderAuthor].core.me.ID); o == 0 || d.store.Floor(o) == 0 {
		t.Fatal("no deletes were collected: this shows nothing")
	}
	back := w.start(insiderAuthor, w.nodes[insiderAuthor].core.me.Gen+1, nil)
	back.core.Join(w.now, w.nodes[0].addr)
	w.pump(back)
	w.set(insiderAuthor, "second", "word")
	w.converge(10 * sched.Second)
	w.run(3 * sched.Second)
	for _, i := range []int{0, 2, 3} {
		if w.told(i) != 0 {
			t.Errorf("node %d tells of %d lies of a member that came back", i, w.told(i))
		}
	}
}

// TestAForgedFloorWhileItsOwnerWritesOn: a floor that somebody made up takes keys away that live. At
// any rate of the author's renewals of one key all have those keys again, from the author, within a
// second, and the liar is named within five, once by each.
func TestAForgedFloorWhileItsOwnerWritesOn(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor} {
		for _, every := range []sched.Instant{0, 400, 100, 45, 20, 7, 1} { // milliseconds; 0: never
			both(t, func(t *testing.T, sealed func(int, *Config)) {
				w := newNet(t, 5, 33, func(i int, c *Config) {
					sealed(i, c)
					c.Spread = spread
				})
				w.joinAll()
				for k := range 20 {
					w.set(insiderAuthor, fmt.Sprint("k", k), "true")
				}
				w.converge(5 * sched.Second)
				write := func(lasts sched.Instant, until func() bool) sched.Instant {
					began := w.now
					for end := w.now + lasts; w.now < end && !until(); {
						if every != 0 {
							w.set(insiderAuthor, "renewed", "v")
							w.run(every * sched.Millisecond)
						} else {
							w.run(5 * sched.Millisecond)
						}
					}
					return w.now - began
				}
				write(2*sched.Second, func() bool { return false })
				v := w.nodes[insiderAuthor].version
				for _, to := range []int{0, 2, 3} {
					w.forge(insiderLiar, to, insiderAuthor, &falseRun{v, v + 3, v + 3, v + 3, nil})
				}
				w.run(sched.Millisecond)
				whole := func() bool { // but for the last renewal, which is on its way
					a := w.nodes[insiderAuthor]
					for _, i := range []int{0, 2, 3} {
						d := &w.nodes[i].core
						o := d.store.Find(a.core.me.ID)
						if o == 0 || d.store.Floor(o) != a.core.store.Floor(a.core.store.Owner()) || d.store.Max(o)+1 < a.version {
							return false
						}
						for k := range 20 {
							if v, _, _ := d.store.AppendGet(nil, []byte("node-1"), fmt.Appendf(nil, "k%d", k)); string(v) != "true" {
								return false
							}
						}
					}
					return true
				}
				lied := !whole()
				healed := write(5*sched.Second, whole)
				named := healed + write(5*sched.Second-healed, func() bool {
					return w.named(0, insiderLiar) > 0 && w.named(2, insiderLiar) > 0 && w.named(3, insiderLiar) > 0
				})
				t.Logf("%v, each %d ms: lied %v, whole after %d ms, named after %d ms, %d renewals", spread, every, lied, healed/sched.Millisecond, named/sched.Millisecond, w.nodes[insiderAuthor].core.counters.Renewals)
				if !whole() || healed > sched.Second {
					t.Errorf("%v, each %d ms: not whole after %d ms", spread, every, healed/sched.Millisecond)
				}
				for _, i := range []int{0, 2, 3} {
					if w.named(i, insiderLiar) != 1 || w.told(i) != 1 {
						t.Errorf("%v, each %d ms: node %d names the liar %d times, of %d", spread, every, i, w.named(i, insiderLiar), w.told(i))
					}
				}
			})
		}
	}
}

// TestForgedStateThatIsRelayed: where news goes from one to the next, a lie does, too; all
// find it.
func TestForgedStateThatIsRelayed(t *testing.T) {
	w := newNet(t, 16, 3, func(_ int, c *Config) { c.Spread = tune.SpreadRumor })
	w.joinAll()
	for i := range 50 {
		w.set(1, fmt.Sprint("k", i), "true")
	}
	w.converge(10 * sched.Second)
	w.run(2 * sched.Second)
	v := w.nodes[1].version
	r := rand.New(rand.NewPCG(1, 1))
	w.forge(5, 2, 1, &falseRun{v, v + 20, v + 20, 0, forged(r, 50, v, v+20)})
	for i := range 20 {
		w.set(1, fmt.Sprint("k", 2*i), "newer") // the author catches up before the lie comes home
	}
	w.until("everything as it was written", 5*sched.Second, w.asWritten)
	w.run(5 * sched.Second)
	w.until("equal", sched.Second, func() bool { return w.equal() && w.asWritten() })
}

// TestNobodyIsNamedWhereNobodyLies: loss, delay, cuts, deletes and overwrites make no
// replica differ, so nothing is gone through and nobody is named.
func TestNobodyIsNamedWhereNobodyLies(t *testing.T) {
	for _, order := range []tune.Order{tune.OrderFair, tune.OrderPreciseNewest} {
		t.Run(order.String(), func(t *testing.T) { nobodyIsNamed(t, order) })
	}
}

func nobodyIsNamed(t *testing.T, order tune.Order) {
	seed := rand.Uint64()
	w := newNet(t, 6, seed, func(_ int, c *Config) { c.Order = order })
	w.joinAll()
	w.converge(5 * sched.Second)
	r := rand.New(rand.NewPCG(seed, 1))
	w.loss, w.dup, w.delay[1] = 0.1, 0.05, 10*sched.Millisecond
	for i := range 1500 {
		a := r.IntN(len(w.nodes))
		if key := fmt.Sprint("k", r.IntN(30)); r.IntN(4) == 0 {
			w.del(a, key)
		} else {
			w.set(a, key, fmt.Sprint("v", i))
		}
		if i%300 == 0 {
			cut := r.IntN(len(w.nodes))
			w.linked = func(from, to int) bool { return (from == cut) == (to == cut) }
		} else if i%300 == 100 {
			w.linked = nil
		}
		w.run(sched.Instant(r.IntN(10)) * sched.Millisecond)
	}
	w.loss, w.dup, w.linked = 0, 0, nil
	w.converge(20 * sched.Second)
	w.run(3 * sched.Second)
	for _, d := range w.nodes {
		n := d.core.counters.wordCounters
		if n.CheckpointsDiffer != 0 || n.Contradicted != 0 || n.CheckpointsEqual < 5 || w.told(d.i) > 0 {
			t.Errorf("node %d: %+v", d.i, n)
		}
		for _, a := range w.nodes {
			if o := d.core.store.Find(a.core.me.ID); a != d && !order.Precise() && !d.core.word.Compared(o) {
				t.Errorf("node %d did not compare node %d", d.i, a.i)
			}
		}
	}
}

// TestALogIsComparedOnceItRests: half a second after its last write every replica has held a log
// against its owner's word, however fast it was written, and while it moves on, words are rare. A
// frame that another one overtakes has no word that counts, so none does here.
func TestALogIsComparedOnceItRests(t *testing.T) {
	const keys, lasts = 400, 10 * sched.Second
	f := func(rate int, wordsMost uint64) {
		t.Run(fmt.Sprint(rate, " a second"), func(t *testing.T) {
			seed := rand.Uint64()
			w := newNet(t, 5, seed, nil)
			w.delay[1] = w.delay[0]
			r := rand.New(rand.NewPCG(seed, 1))
			w.joinAll()
			w.set(1, "k", "v")
			w.converge(5 * sched.Second)
			w.run(2 * sched.Second)
			n := &w.nodes[1].core.counters
			words := n.CheckpointsSent
			for end := w.now + lasts; w.now < end; {
				w.set(1, fmt.Sprint("k", r.IntN(keys)), "v")
				w.run(sched.Instant(r.ExpFloat64() * float64(sched.Second) / float64(rate)))
			}
			words = n.CheckpointsSent - words
			if t.Logf("%d words of %d versions to 4 replicas", words, w.nodes[1].version); words > wordsMost {
				t.Errorf("%d words, want %d at most", words, wordsMost)
			}
			w.set(1, "last", "v")
			w.run(sched.Second / 2)
			for _, d := range w.nodes {
				if o := d.core.store.Find(w.nodes[1].core.me.ID); d.i != 1 && !d.core.word.Compared(o) {
					t.Errorf("node %d did not compare it: %+v", d.i, d.core.counters.wordCounters)
				}
			}
		})
	}
	f(3, 4*10*10) // as often as it answers
	f(40, 4*10)
	f(300, 4*10)
	f(2000, 4*10*2)
}

// TestForgedStateEndsWhileItsOwnerWritesOn: an author need not rest for what somebody else writes
// under its name to be found, at any rate of its own.
func TestForgedStateEndsWhileItsOwnerWritesOn(t *testing.T) {
	for _, every := range []sched.Instant{400, 100, 45, 20, 7, 1} { // milliseconds
		seed := rand.Uint64()
		w := newNet(t, 5, seed, nil)
		w.joinAll()
		w.set(1, "k", "true")
		w.set(1, "other", "true")
		w.converge(5 * sched.Second)
		w.run(2 * sched.Second)
		write := func(lasts sched.Instant) {
			for end, i := w.now+lasts, 0; w.now < end; i++ {
				w.set(1, fmt.Sprint("k", i%40), "v")
				w.run(every * sched.Millisecond)
			}
		}
		write(sched.Second)
		v := w.nodes[1].version
		w.forge(3, 2, 1, &falseRun{v, v + 1, v + 1, 0, []codec.Entry{{Version: v + 1, Key: []byte("other"), Value: []byte("forged")}}})
		w.run(sched.Millisecond)
		lied := !w.asWritten()
		write(5 * sched.Second)
		if !lied {
			t.Error("nobody believes it")
		}
		w.run(20 * sched.Millisecond)
		if !w.asWritten() {
			t.Errorf("a write each %d ms, seed %d: the lie stands after 5 s", every, seed)
		}
	}
}
