package core

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// inject hands d a frame as if its member `as` had sent it, with a sequence number
// that goes on: what anybody inside the cluster could forge.
func (w *net) inject(d, as *node, records []byte) {
	p := d.core.roster.Find(as.core.me.ID)
	path := &d.core.peers[p].link
	high, _ := path.Seen()
	h := codec.Header{
		Flags: codec.FlagFlow | codec.FlagPrints, Cluster: d.core.page.Cluster, Sender: as.core.me.ID,
		Seq: high + 1, Ack: path.Last(),
	}
	b := append(codec.AppendHeader(nil, &h), records...)
	d.core.Receive(w.now, as.addr, codec.AppendChecksum(b, 0))
	w.pump(d)
}

func record(t codec.Type, body []byte) []byte { return codec.AppendRecord(nil, t, body) }

// coldNet is a cluster that mongers rumors and whose news is known to all and
// repeated by nobody any more; a key was deleted.
func coldNet(t *testing.T, p tune.RumorPolicy) *net {
	w := newNet(t, 8, 12, func(_ int, c *Config) {
		c.Spread, c.Rumor, c.Interval = tune.SpreadRumor, p, 50*sched.Millisecond
	})
	w.joinAll()
	for i := range w.nodes {
		w.set(i, "kept", "value")
		w.set(i, "gone", "value")
	}
	w.converge(20 * sched.Second)
	for i, d := range w.nodes {
		d.version++
		if st := d.core.Write(w.now, &Op{Kind: Delete, Version: d.version, Key: []byte("gone")}); st != Written {
			t.Fatal(i, st)
		}
		w.pump(d)
	}
	w.converge(20 * sched.Second)
	w.run(20 * sched.Second)
	for _, d := range w.nodes {
		if d.core.rumors.Hot() != 0 {
			t.Fatalf("node %d has %d hot rumors", d.i, d.core.rumors.Hot())
		}
	}
	return w
}

func rumorPolicies() map[string]tune.RumorPolicy {
	return map[string]tune.RumorPolicy{
		"default":      rumor.Default(),
		"feedback":     {K: 2, Fanout: 2},
		"median":       tune.Karp(8),
		"redistribute": {K: 2, Fanout: 2, Redistribute: true},
		"limit":        {K: 2, Fanout: 2, Limit: 2, Hunt: 3},
	}
}

// TestForgedFeedbackCannotWakeARumor: answers and shown counters of every kind,
// for the newest version and for others, as often as one likes: nothing that was
// removed is hot again, nothing is held for the forger, and nothing changes.
func TestForgedFeedbackCannotWakeARumor(t *testing.T) {
	for name, p := range rumorPolicies() {
		t.Run(name, func(t *testing.T) {
			w := coldNet(t, p)
			d, as := w.nodes[2], w.nodes[5]
			print := d.core.Fingerprint()
			for k := range 3000 {
				about := w.nodes[k%8]
				hi := uint64(1 + k%5)
				kind := codec.FeedbackKind(1 + k%5)
				it := codec.Feedback{Kind: kind, Counter: uint8(k), Origin: about.core.me.ID, Hi: hi, Max: hi - 1}
				body := codec.AppendFeedback(nil, &it)
				w.inject(d, as, record(codec.TypeRumorFeedback, body))
				w.inject(d, as, record(codec.TypeRumorFeedback, nil))
				w.inject(d, as, record(codec.TypeTurn, append([]byte{uint8(k)}, body...)))
			}
			w.run(sched.Second)
			if n := d.core.rumors.Hot(); n != 0 {
				t.Errorf("%d rumors are hot", n)
			}
			if d.core.Fingerprint() != print || d.core.rumors.Held() > 0 {
				t.Errorf("state changed, or %d answers are held", d.core.rumors.Held())
			}
		})
	}
}

// TestReplayedRumorsChangeNothing: every frame of a whole epidemic, with the
// deleted key's old value, comes again, several times over, from its sender.
func TestReplayedRumorsChangeNothing(t *testing.T) {
	for name, p := range rumorPolicies() {
		t.Run(name, func(t *testing.T) {
			type sent struct {
				from, to netip.AddrPort
				data     []byte
			}
			var old []sent
			w := newNet(t, 8, 12, func(_ int, c *Config) {
				c.Spread, c.Rumor, c.Interval = tune.SpreadRumor, p, 50*sched.Millisecond
			})
			w.joinAll()
			w.converge(20 * sched.Second)
			w.carried = func(from *node, to netip.AddrPort, b []byte) {
				if len(old) < 4000 {
					old = append(old, sent{from.addr, to, append([]byte(nil), b...)})
				}
			}
			for i := range w.nodes {
				w.set(i, "kept", "value")
				w.set(i, "gone", "value")
			}
			w.converge(20 * sched.Second)
			w.carried = nil
			for _, d := range w.nodes {
				d.version++
				d.core.Write(w.now, &Op{Kind: Delete, Version: d.version, Key: []byte("gone")})
				w.pump(d)
			}
			w.converge(20 * sched.Second)
			w.run(20 * sched.Second)
			before := make([]int, len(w.nodes))
			for i, d := range w.nodes {
				before[i] = d.core.store.Footprint()
			}
			for range 3 {
				for _, f := range old {
					if d := w.at[f.to]; d != nil {
						d.core.Receive(w.now, f.from, append([]byte(nil), f.data...))
						if n := d.core.rumors.Hot(); n != 0 {
							t.Fatalf("%d rumors are hot", n)
						}
						w.pump(d)
					}
				}
			}
			w.run(5 * sched.Second)
			for i, d := range w.nodes {
				if _, _, ok := d.core.store.AppendGet(nil, []byte("node-1"), []byte("gone")); ok {
					t.Errorf("node %d has the deleted key again", i)
				}
				if now := d.core.store.Footprint(); now > before[i] {
					t.Errorf("node %d grew from %d to %d bytes", i, before[i], now)
				}
			}
			w.compare()
		})
	}
}

// TestAnOldRunDoesNotWakeADeletedKey: the value as it was before the delete, in a
// run that starts at nothing, ends below, at, and above what is known.
func TestAnOldRunDoesNotWakeADeletedKey(t *testing.T) {
	w := coldNet(t, rumor.Default())
	d, as := w.nodes[2], w.nodes[5]
	about := w.nodes[1]
	o := d.core.store.Find(about.core.me.ID)
	e := codec.Entry{Version: 2, Key: []byte("gone"), Value: []byte("value")}
	for to := uint64(2); to <= d.core.store.Max(o); to++ {
		var rw codec.RunWriter
		rw.Begin(nil, 1000, codec.RunHead{ID: about.core.me.ID})
		rw.Entry(&e)
		w.inject(d, as, rw.End(to))
	}
	if _, _, ok := d.core.store.AppendGet(nil, []byte("node-1"), []byte("gone")); ok {
		t.Error("the deleted key is back")
	}
	if n := d.core.rumors.Hot(); n != 0 {
		t.Errorf("%d rumors are hot", n)
	}
}

// TestForgedComparisonsAreBounded: sketches of noise, turns of any number, walks
// that nobody started: nothing panics, changes state, is held, or goes on.
func TestForgedComparisonsAreBounded(t *testing.T) {
	for name, diff := range comparisons {
		t.Run(name, func(t *testing.T) {
			w := newNet(t, 5, 12, func(_ int, c *Config) {
				c.Diff, c.Spread, c.Interval = diff, tune.SpreadGossip, 50*sched.Millisecond
			})
			w.joinAll()
			for i := range w.nodes {
				w.set(i, "k", "v")
			}
			w.converge(20 * sched.Second)
			d, as := w.nodes[2], w.nodes[4]
			print := d.core.Fingerprint()
			for k := range 2000 {
				noise := make([]byte, codec.SketchBytes(24))
				for i := range noise {
					noise[i] = byte(w.rnd.Uint32())
				}
				noise[0], noise[1] = 24, 0
				w.inject(d, as, record(codec.TypeSketch, noise))
				w.inject(d, as, record(codec.TypeTurn, []byte{byte(k)}))
				tok := codec.Token{
					Kind: codec.TokenKind(1 + k%4), Walk: w.rnd.Uint64() | 1, Starter: w.nodes[k%5].core.me.ID,
					Hop: uint32(k % 8), Hops: uint32(k%8 + k%30000), Entries: w.rnd.Uint64(),
				}
				w.inject(d, as, codec.AppendToken(nil, &tok))
				if k%10 == 0 {
					w.run(sched.Millisecond)
				}
			}
			w.run(30 * sched.Second)
			frames := w.frames
			w.run(10 * sched.Second)
			if n := w.frames - frames; n > 5*(10*20*4+200) {
				t.Errorf("%d frames in 10 quiet seconds", n)
			}
			if d.core.Fingerprint() != print || !w.equal() {
				t.Error("state changed")
			}
			if _, answers := d.core.vectors().Held(); d.core.walks.Held() > 0 || answers > 0 {
				t.Errorf("%d tokens, %d answers are held", d.core.walks.Held(), answers)
			}
			t.Logf("%+v", d.core.counters.Drops)
		})
	}
}
