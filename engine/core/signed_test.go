package core

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/notary"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

func signingKey(i int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), byte(i+1)))
}

// signs lets a node sign with a key, nil for none, and verify.
func (d *node) signs(key, former ed25519.PrivateKey) {
	d.notary = notary.New(&notary.Config{Tag: codec.ClusterTag([]byte("test")), Key: key, Former: former, NamesMax: 64})
}

// signedNet is a cluster in which all verify, and all but the last `older` sign.
func signedNet(t *testing.T, n, older int, seed uint64, cfg func(i int, c *Config)) *net {
	w := newNet(t, n, seed, func(i int, c *Config) {
		c.Signing = checkpoint.Signing{Signs: i < n-older, Verifies: true}
		if cfg != nil {
			cfg(i, c)
		}
	})
	for i, d := range w.nodes {
		if d.signs(signingKey(i), nil); i >= n-older {
			d.signs(nil, nil)
		}
	}
	w.joinAll()
	return w
}

// signed tells whether what node i holds of node j is what that one signed.
func (w *net) signed(i, j int) bool {
	d := &w.nodes[i].core
	o := d.store.Find(w.nodes[j].core.me.ID)
	if o == 0 {
		return false
	}
	v, signs := d.word.Signed(o)
	return signs && v == w.nodes[j].core.store.Max(w.nodes[j].core.store.Owner()) && v == d.store.Max(o)
}

// allSigned tells whether everybody holds what those of the first n signed who wrote something.
func (w *net) allSigned(n int) bool {
	for i := range w.nodes {
		for j := range n {
			if i != j && w.nodes[j].version > 0 && !w.signed(i, j) {
				return false
			}
		}
	}
	return true
}

// toldWhy counts what a node told for a reason.
func (w *net) toldWhy(i int, why checkpoint.Why) (n int) {
	for _, e := range w.nodes[i].events {
		if e.Kind == Contradicted && checkpoint.Why(e.To) == why {
			n++
		}
	}
	return n
}

// impersonate sends node `to` a frame in the name and from the address of another one, sealed where
// that one's are: as any holder of the cluster's key can.
func (w *net) impersonate(as, to int, records []byte) { w.impersonateAt(as, to, 1, records) }

// impersonateAt does that with a number so far ahead of the last one.
func (w *net) impersonateAt(as, to int, ahead uint32, records []byte) {
	d, c := w.nodes[to], &w.nodes[as].core
	p := d.core.roster.Find(c.me.ID)
	high, _ := d.core.peers[p].link.Seen()
	h := c.page.Header
	h.Sender, h.KeyID, h.Flags = c.me.ID, c.guard.KeyID(), c.guard.Flags()|codec.FlagFlow
	h.Seq, h.Ack, h.AckMap, h.Mark = high+ahead, d.core.peers[p].link.Last(), 0, 0
	b := append(codec.AppendHeader(make([]byte, 0, codec.FrameBytesMax), &h), records...)
	b, err := c.guard.Finish(b, w.peer(as, to))
	if err != nil {
		w.t.Fatal(err)
	}
	d.core.Receive(w.now, w.nodes[as].addr, b)
	w.pump(d)
}

// TestAllIsSigned: in a cluster of those who sign and one older, everybody holds within seconds
// what the others signed, while they write and with losses too; then nobody asks any more, and
// nobody is blamed.
func TestAllIsSigned(t *testing.T) {
	for _, order := range []tune.Order{tune.OrderFair, tune.OrderPreciseNewest} {
		t.Run(order.String(), func(t *testing.T) { allIsSigned(t, order) })
	}
}

func allIsSigned(t *testing.T, order tune.Order) {
	w := signedNet(t, 5, 1, 1, func(_ int, c *Config) { c.Order = order })
	w.loss = 0.05
	for i := range 100 {
		w.set(i%5, fmt.Sprint("k", i%7), fmt.Sprint(i))
		w.run(20 * sched.Millisecond)
	}
	w.loss = 0
	took := w.until("signed", 5*sched.Second, func() bool { return w.allSigned(4) })
	w.run(60 * sched.Second) // until the last question to the one that never signs
	asked := func() (n uint64) {
		for _, d := range w.nodes {
			n += d.core.counters.CheckpointsAsked
		}
		return n
	}
	was := asked()
	if w.run(60 * sched.Second); asked() != was {
		t.Errorf("%d questions in a quiet minute", asked()-was)
	}
	for i, d := range w.nodes {
		if n := &d.core.counters; w.told(i) > 0 || n.SignaturesForged+n.CheckpointsDiffer+n.CheckpointsForged > 0 || w.signed(i, 4) {
			t.Errorf("node %d: %+v", i, n.wordCounters)
		}
	}
	t.Logf("signed after %d ms", took/sched.Millisecond)
}

// sameSum lies to node 2 about what node 1 wrote, in that one's own name: two entries have each
// other's time to live, so that the log's sum is the owner's. It gives what node 2 is to hold.
func sameSum(w *net, sealed bool) (right func() bool) {
	const author, victim = 1, 2
	a := w.nodes[author]
	w.filter = func(_, to *node, _ []byte) bool { return to.i != victim }
	ttl := []uint32{1 << 20, 1 << 21}
	var run codec.RunWriter
	run.Begin(make([]byte, 0, codec.FrameBytesMax), codec.FrameBytesMax, codec.RunHead{ID: a.core.me.ID, From: a.version, Max: a.version + 2})
	for i := range ttl {
		a.version++
		key := fmt.Append(nil, "life ", i)
		a.core.Write(w.now, &Op{Kind: Set, Version: a.version, Key: key, Value: []byte("v"), TTL: ttl[i]})
		run.Entry(&codec.Entry{Version: a.version, Key: key, Value: []byte("v"), Flags: codec.EntryTTL, TTL: ttl[1-i]})
	}
	w.pump(a)
	w.run(10 * sched.Millisecond)
	w.impersonate(author, victim, run.End(a.version))
	w.filter = nil
	return func() bool {
		s := w.nodes[victim].core.store
		var e codec.Entry
		for i := range ttl {
			if !s.Get(s.Find(a.core.me.ID), fmt.Append(nil, "life ", i), &e) || e.TTL != ttl[i] {
				return false
			}
		}
		return true
	}
}

// TestStateWithTheSumOfItsOwners: what is forged in the owner's own name with the sum of what the
// owner wrote stays where nothing is signed; else it is found by the owner's signature and mended
// within five seconds, sealed or not.
func TestStateWithTheSumOfItsOwners(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		for _, signed := range []bool{false, true} {
			w := signedNet(t, 4, 0, 3, func(_ int, c *Config) {
				if c.Signing.Verifies, c.Signing.Signs = signed, signed; sealed {
					c.Keys = ringOf(string(c.Cluster), 1)
				}
			})
			w.set(1, "first", "word")
			w.converge(5 * sched.Second)
			if w.run(5 * sched.Second); signed && !w.allSigned(1) {
				t.Fatal("they do not sign")
			}
			right := sameSum(w, sealed)
			if right() {
				t.Fatal("nobody was lied to")
			}
			w.run(5 * sched.Second)
			if right() != signed {
				t.Errorf("sealed %v, signed %v: what was written is there: %v, %+v", sealed, signed, right(), w.nodes[2].core.counters.wordCounters)
			}
			if !signed {
				continue
			}
			w.until("signed again", 5*sched.Second, func() bool { return w.signed(2, 1) })
			if w.nodes[2].core.counters.Contradicted == 0 || w.toldWhy(2, checkpoint.NotWritten) != 1 {
				t.Errorf("%+v", w.nodes[2].core.counters.wordCounters)
			}
		}
	}
}

// TestWordInTheOwnersName: a holder of the key tells a member other values, that they are right,
// and signs that, all in the owner's own name and again and again. Within five seconds of their end
// all is as it was written, and signed, and the victim knows that somebody spoke in the owner's
// name.
func TestWordInTheOwnersName(t *testing.T) {
	for _, order := range []tune.Order{tune.OrderFair, tune.OrderPreciseNewest} {
		for _, sealed := range []bool{false, true} {
			t.Run(fmt.Sprint(order, " sealed ", sealed), func(t *testing.T) { wordInTheOwnersName(t, order, sealed) })
		}
	}
}

func wordInTheOwnersName(t *testing.T, order tune.Order, sealed bool) {
	w := signedNet(t, 4, 0, 4, func(_ int, c *Config) {
		if c.Order = order; sealed {
			c.Keys = ringOf(string(c.Cluster), 1)
		}
	})
	w.set(1, "k", "true")
	w.converge(5 * sched.Second)
	w.run(5 * sched.Second)
	a, d := w.nodes[1], w.nodes[2]
	liar := notary.New(&notary.Config{Tag: codec.ClusterTag([]byte("test")), Key: signingKey(9)})
	var replayed []byte
	for i := range 200 {
		o := d.core.store.Find(a.core.me.ID)
		if i%10 == 0 {
			w.filter = func(_, to *node, _ []byte) bool { return to != d }
			w.set(1, "k", fmt.Sprint("true ", i))
			var run codec.RunWriter
			from := d.core.store.Max(o)
			run.Begin(make([]byte, 0, codec.FrameBytesMax), codec.FrameBytesMax, codec.RunHead{ID: a.core.me.ID, From: from, Max: a.version})
			run.Entry(&codec.Entry{Version: a.version, Key: []byte("k"), Value: []byte("forged")})
			w.impersonate(1, 2, run.End(a.version))
			w.filter = nil
		}
		sum, _ := d.core.store.Sum(o, &state.Budget{Words: 1 << 20})
		c := codec.Checkpoint{ID: a.core.me.ID, Version: d.core.store.Max(o), Sum: sum}
		w.impersonate(1, 2, codec.AppendCheckpoint(nil, &c))
		j := checkpoint.Job{Signature: codec.Signature{ID: c.ID, Version: c.Version}}
		liar.Do(d.core.store, &j)
		w.impersonate(1, 2, codec.AppendSignature(nil, &j.Signature))
		if replayed != nil {
			w.impersonate(1, 2, replayed)
		}
		if i == 0 {
			j = checkpoint.Job{Signature: codec.Signature{ID: c.ID, Version: a.version}}
			a.notary.Do(a.core.store, &j)
			replayed = codec.AppendSignature(nil, &j.Signature)
		}
		w.run(10 * sched.Millisecond)
	}
	took := w.until("all is as it was written", 5*sched.Second, func() bool { return w.asWritten() && w.allSigned(4) })
	if n := w.toldWhy(2, checkpoint.NotTheirs); n == 0 || n > 2 || d.core.counters.SignaturesForged == 0 {
		t.Errorf("told %d times: %+v", n, d.core.counters.wordCounters)
	}
	if a.core.counters.Renewals > 0 {
		t.Error("the owner took another life: the test shows nothing")
	}
	t.Logf("sealed %v: healed %d ms after the liar's end", sealed, took/sched.Millisecond)
}

// TestCheckpointOfAnotherIsNamed: who says a sum or a signature of somebody else's log is named,
// and nothing comes of it.
func TestCheckpointOfAnotherIsNamed(t *testing.T) {
	for _, typ := range []codec.Type{codec.TypeCheckpoint, codec.TypeSignature} {
		w := signedNet(t, 4, 0, 5, nil)
		w.set(1, "k", "true")
		w.converge(5 * sched.Second)
		w.run(5 * sched.Second)
		id, v := w.nodes[1].core.me.ID, w.nodes[1].version
		b := codec.AppendCheckpoint(nil, &codec.Checkpoint{ID: id, Version: v, Sum: 1})
		if typ == codec.TypeSignature {
			b = codec.AppendSignature(nil, &codec.Signature{ID: id, Version: v})
		}
		for range 50 {
			_, body, _ := codec.NextRecord(b)
			w.say(3, 2, typ, body)
			w.run(10 * sched.Millisecond)
		}
		if n := &w.nodes[2].core.counters; w.named(2, 3) != 1 || w.told(2) != 1 || n.CheckpointsForged != 50 || n.CheckpointsDiffer+n.SignaturesForged > 0 {
			t.Errorf("%d: named %d times, %+v", typ, w.named(2, 3), n.wordCounters)
		}
	}
}

// again starts a node anew, in its next generation.
func (w *net) again(i int, key, former ed25519.PrivateKey) {
	old := w.nodes[i]
	old.down = true
	w.run(5 * sched.Second)
	d := w.start(i, old.core.me.Gen+1, func(_ int, c *Config) { c.Signing = checkpoint.Signing{Signs: true, Verifies: true} })
	d.signs(key, former)
	d.core.Join(w.now, w.nodes[0].addr)
	w.pump(d)
	w.set(i, "again", "word")
}

// TestKeysOverRestarts: who comes back under its key is believed at once; under another one only
// with the word of the former key, or once its name was forgotten; until then it is told, and its
// state is there all the same.
func TestKeysOverRestarts(t *testing.T) {
	w := signedNet(t, 3, 0, 6, nil)
	w.set(1, "k", "true")
	w.until("signed", 10*sched.Second, func() bool { return w.allSigned(3) })
	believed := func(what string, want bool) {
		t.Helper()
		if want {
			w.until(what, 10*sched.Second, func() bool { return w.signed(0, 1) && w.signed(2, 1) })
			return
		}
		w.run(10 * sched.Second)
		if w.signed(0, 1) || w.signed(2, 1) || w.toldWhy(0, checkpoint.NotTheirs) == 0 || !w.equal() {
			t.Errorf("%s: %+v", what, w.nodes[0].core.counters.wordCounters)
		}
	}
	w.again(1, signingKey(1), nil)
	believed("the same key", true)
	w.again(1, signingKey(11), signingKey(1))
	believed("a new key with the word of the former one", true)
	w.again(1, signingKey(12), signingKey(1))
	believed("a key with the word of one that is not the former", false)
	w.again(1, signingKey(13), nil)
	believed("another key", false)
	for _, d := range w.nodes {
		d.notary.Forget("node-1")
	}
	w.again(1, signingKey(13), nil)
	believed("another key, once the name was forgotten", true)
}

// TestWhoNeverSignsIsToldWhereItMust: once, and its state is there.
func TestWhoNeverSignsIsToldWhereItMust(t *testing.T) {
	w := signedNet(t, 3, 1, 7, func(_ int, c *Config) { c.Signing.Required = true })
	w.set(2, "k", "true")
	w.converge(5 * sched.Second)
	w.run(30 * sched.Second)
	for i := range 2 {
		if n := w.toldWhy(i, checkpoint.Unsigned); n != 1 || w.told(i) != 1 || !w.signed(i, 1-i) && w.nodes[1-i].version > 0 {
			t.Errorf("node %d tells it %d times", i, n)
		}
	}
}

// TestKeysThatFindNoRoom: whoever knows as many keys as they may verifies nothing of another name,
// and says so once, not for each name and each signature; what they know stays known.
func TestKeysThatFindNoRoom(t *testing.T) {
	w := signedNet(t, 5, 0, 9, nil)
	d := w.nodes[0]
	d.notary = notary.New(&notary.Config{Tag: codec.ClusterTag([]byte("test")), Key: signingKey(0), NamesMax: 2})
	for i := 1; i < 5; i++ {
		w.set(i, "k", "true")
	}
	w.converge(5 * sched.Second)
	w.run(8 * sched.Second)
	known := 0
	for i := 1; i < 5; i++ {
		if w.signed(0, i) {
			known++
		}
	}
	if n := d.core.counters.SignaturesUnbound; known != 2 || n < 2 || w.toldWhy(0, checkpoint.KeysFull) != 1 || w.told(0) != 1 {
		t.Errorf("%d are known, %d signatures found no room, told %d times, all told %d", known, n, w.toldWhy(0, checkpoint.KeysFull), w.told(0))
	}
	w.run(60 * sched.Second)
	if n := w.toldWhy(0, checkpoint.KeysFull); n > 7 {
		t.Errorf("told %d times in a minute", n)
	}
}
