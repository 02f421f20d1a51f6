package notary

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/state"
)

func private(i byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), i))
}

func public(i byte) Key { return Key(private(i).Public().(ed25519.PublicKey)) }

const tag = 5

// logOf is a store with an origin of so many entries.
func logOf(id codec.OriginID, entries int, value string) *state.Store {
	s := new(state.Store)
	s.Init(state.Limits{Origins: 2, Keys: entries + 16, ValueBytes: 1<<16 + 200*entries}, 1)
	o, _ := s.Add(id, 1, []byte("owner"))
	for v := uint64(1); v <= uint64(entries); v++ {
		s.Apply(o, &codec.Entry{Version: v, Key: fmt.Appendf(nil, "key-%d", v), Value: fmt.Append(nil, value, v)})
	}
	s.Advance(o, uint64(entries), 0)
	return s
}

// made is what a notary signs of a log.
func made(t testing.TB, n *Notary, s *state.Store, id codec.OriginID, version uint64) checkpoint.Job {
	j := checkpoint.Job{Signature: codec.Signature{ID: id, Version: version}, Name: []byte("owner")}
	if n.Do(s, &j); j.Verdict != checkpoint.Made {
		t.Fatalf("it is not signed: %d", j.Verdict)
	}
	j.Verify = true
	return j
}

// TestVerdicts: what is the owner's, and what is not.
func TestVerdicts(t *testing.T) {
	s, others := logOf(7, 20, "v"), logOf(7, 20, "w")
	owner := New(&Config{Tag: tag, Key: private(1)})
	of := func(change func(j *checkpoint.Job)) checkpoint.Job {
		j := made(t, owner, s, 7, 20)
		if change != nil {
			change(&j)
		}
		return j
	}
	f := func(what string, c *Config, j checkpoint.Job, s *state.Store, want checkpoint.Verdict) {
		t.Helper()
		c.Tag, c.NamesMax = tag, 8
		n := New(c)
		for range 2 {
			if n.Do(s, &j); j.Verdict != want {
				t.Errorf("%s: %d, not %d", what, j.Verdict, want)
			}
		}
		if k, ok := n.KeyOf("owner"); ok != (want == checkpoint.Same || want == checkpoint.Other || c.Keys != nil || what == "the log went on") || ok && c.Keys == nil && k != j.Key {
			t.Errorf("%s: bound %v", what, ok)
		}
	}
	known := func(i byte) *Config { return &Config{Keys: map[string]Key{"owner": public(i)}} }
	f("the owner's", &Config{}, of(nil), s, checkpoint.Same)
	f("the owner's, as the operator says", known(1), of(nil), s, checkpoint.Same)
	f("another log", known(1), of(nil), others, checkpoint.Other)
	f("another log of somebody unknown", &Config{}, of(nil), others, checkpoint.Other)
	f("a key that is not the operator's", known(2), of(nil), s, checkpoint.Forged)
	f("another version", &Config{}, of(func(j *checkpoint.Job) { j.Version++ }), s, checkpoint.Forged)
	f("another life", &Config{}, of(func(j *checkpoint.Job) { j.ID++ }), s, checkpoint.Forged)
	f("another digest", &Config{}, of(func(j *checkpoint.Job) { j.Digest[0]++ }), s, checkpoint.Forged)
	f("another key", &Config{}, of(func(j *checkpoint.Job) { j.Key = public(2) }), s, checkpoint.Forged)
	f("no signature", &Config{}, of(func(j *checkpoint.Job) { j.Sig = [64]byte{} }), s, checkpoint.Forged)
	f("another cluster's", &Config{}, made(t, New(&Config{Tag: 6, Key: private(1)}), s, 7, 20), s, checkpoint.Forged)
	f("not here", known(1), of(nil), logOf(8, 20, "v"), checkpoint.Moved)
	f("the log went on", &Config{}, of(nil), logOf(7, 21, "v"), checkpoint.Moved)
}

// TestSuccession: a key takes the place of the one that is known in that one's word alone.
func TestSuccession(t *testing.T) {
	s := logOf(7, 3, "v")
	of := func(key, former byte, change func(x *codec.PublicKey)) checkpoint.Job {
		j := made(t, New(&Config{Tag: tag, Key: private(key), Former: private(former)}), s, 7, 3)
		if change != nil {
			change(&j.Succession)
		}
		return j
	}
	for _, operator := range []bool{false, true} {
		f := func(what string, j checkpoint.Job, want checkpoint.Verdict) {
			t.Helper()
			n := New(&Config{Tag: tag, NamesMax: 1})
			if operator {
				n = New(&Config{Tag: tag, NamesMax: 1, Keys: map[string]Key{"owner": public(1)}})
			} else {
				first := made(t, New(&Config{Tag: tag, Key: private(1)}), s, 7, 3)
				n.Do(s, &first)
			}
			if n.Do(s, &j); j.Verdict != want {
				t.Errorf("operator %v: %s: %d, not %d", operator, what, j.Verdict, want)
			}
			key := public(1)
			if want == checkpoint.Same {
				key = j.Key
			}
			if k, _ := n.KeyOf("owner"); k != key {
				t.Errorf("operator %v: %s: bound to another key", operator, what)
			}
			old := made(t, New(&Config{Tag: tag, Key: private(1)}), s, 7, 3)
			if n.Do(s, &old); (old.Verdict == checkpoint.Same) == (want == checkpoint.Same && j.Key != public(1)) {
				t.Errorf("operator %v: %s: the former key's verdict is %d", operator, what, old.Verdict)
			}
			n.Forget("owner")
			if k, ok := n.KeyOf("owner"); ok != operator || ok && k != public(1) {
				t.Errorf("operator %v: %s: it is not forgotten", operator, what)
			}
		}
		f("the former one's word", of(2, 1, nil), checkpoint.Same)
		f("another one's word", of(2, 3, nil), checkpoint.Forged)
		f("another one's word as the former one's", of(2, 3, func(x *codec.PublicKey) { x.Former = public(1) }), checkpoint.Forged)
		f("the former one's word as another one's", ofOthers(t, s), checkpoint.Forged)
		f("for another key", of(2, 1, func(x *codec.PublicKey) { x.Key = public(4) }), checkpoint.Forged)
		f("for another life", of(2, 1, func(x *codec.PublicKey) { x.ID++ }), checkpoint.Forged)
		f("none", of(2, 1, func(x *codec.PublicKey) { *x = codec.PublicKey{} }), checkpoint.Forged)
		f("the same key", of(1, 3, nil), checkpoint.Same)
	}
}

// ofOthers is a word that the former key gave, in which another one is said to be the former.
func ofOthers(t *testing.T, s *state.Store) checkpoint.Job {
	j := made(t, New(&Config{Tag: tag, Key: private(2), Former: private(1)}), s, 7, 3)
	j.Succession.Former = public(3)
	text := codec.AppendSucceeded(nil, tag, &j.Succession)
	j.Succession.Sig = [codec.SignatureBytes]byte(ed25519.Sign(private(1), text))
	return j
}

// TestNamesAreBounded: no more names are bound than there is room for, and those that are stay.
func TestNamesAreBounded(t *testing.T) {
	s := logOf(7, 3, "v")
	n := New(&Config{Tag: tag, NamesMax: 2})
	for i, want := range []checkpoint.Verdict{checkpoint.Same, checkpoint.Same, checkpoint.Unbound} {
		j := made(t, New(&Config{Tag: tag, Key: private(byte(i))}), s, 7, 3)
		j.Name = fmt.Append(nil, "m", i)
		if n.Do(s, &j); j.Verdict != want {
			t.Errorf("name %d: %d", i, j.Verdict)
		}
	}
	if _, ok := n.KeyOf("m2"); ok {
		t.Error("there is room for three")
	}
	n.Forget("m0")
	j := made(t, New(&Config{Tag: tag, Key: private(2)}), s, 7, 3)
	j.Name = []byte("m2")
	if n.Do(s, &j); j.Verdict != checkpoint.Same {
		t.Error("no room where one was forgotten")
	}
}

// TestNothingIsSignedWithoutAKey: nor what is not here.
func TestNothingIsSignedWithoutAKey(t *testing.T) {
	s := logOf(7, 3, "v")
	for what, n := range map[string]*Notary{"no key": New(&Config{}), "not here": New(&Config{Key: private(1)})} {
		j := checkpoint.Job{Signature: codec.Signature{ID: 7, Version: 3}}
		if what == "not here" {
			j.ID = 8
		}
		if n.Do(s, &j); j.Verdict != checkpoint.Moved || j.Sig != ([64]byte{}) {
			t.Errorf("%s: %d", what, j.Verdict)
		}
	}
}

// BenchmarkJobs is what the jobs take, by the size of the log; MB/s is of the log.
func BenchmarkJobs(b *testing.B) {
	for _, entries := range []int{1, 100, 10_000} {
		s := logOf(7, entries, "some value of some service ")
		owner := New(&Config{Tag: tag, Key: private(1)})
		n := New(&Config{Tag: tag, NamesMax: 1})
		j := made(b, owner, s, 7, uint64(entries))
		f := func(name string, n *Notary, j checkpoint.Job, want checkpoint.Verdict) {
			b.Run(fmt.Sprint(name, "/entries=", entries), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(s.Bytes(s.Find(7))))
				for b.Loop() {
					if n.Do(s, &j); j.Verdict != want {
						b.Fatal(j.Verdict)
					}
				}
			})
		}
		sign := j
		sign.Verify = false
		f("sign", owner, sign, checkpoint.Made)
		f("verify", n, j, checkpoint.Same)
		j.Sig[0]++
		f("forged", n, j, checkpoint.Forged)
	}
}

// TestAllOfAnEntryIsSigned: a log that differs from the owner's in any part of one entry is another one.
func TestAllOfAnEntryIsSigned(t *testing.T) {
	log := func(change func(e *codec.Entry)) *state.Store {
		s := new(state.Store)
		s.Init(state.Limits{Origins: 2, Keys: 16, ValueBytes: 1 << 16}, 1)
		o, _ := s.Add(7, 1, []byte("owner"))
		e := codec.Entry{
			Version: 2, Key: []byte("key"), Value: []byte("value"), Flags: codec.EntryTTL | codec.EntryStamp | codec.EntryKinded | codec.EntryMore,
			TTL: 5000, Stamp: 77, Kind: codec.KindFree, Rest: 3,
		}
		if change != nil {
			change(&e)
		}
		if st := s.Apply(o, &e); st != state.OK {
			t.Fatal(st)
		}
		s.Advance(o, 9, 0)
		return s
	}
	leased := func(number uint32) func(e *codec.Entry) {
		return func(e *codec.Entry) { e.Flags, e.TTL, e.Lease = e.Flags&^codec.EntryTTL|codec.EntryLeased, 0, number }
	}
	owner := New(&Config{Tag: tag, Key: private(1)})
	f := func(what string, is, shown func(e *codec.Entry)) {
		t.Helper()
		j := made(t, owner, log(is), 7, 9)
		n := New(&Config{Tag: tag, NamesMax: 8})
		if n.Do(log(is), &j); j.Verdict != checkpoint.Same {
			t.Errorf("%s: the owner's is %d", what, j.Verdict)
		}
		if n.Do(log(shown), &j); j.Verdict != checkpoint.Other {
			t.Errorf("%s: %d", what, j.Verdict)
		}
	}
	f("another key", nil, func(e *codec.Entry) { e.Key = []byte("kez") })
	f("another value", nil, func(e *codec.Entry) { e.Value = []byte("valuf") })
	f("bytes of the key in the value", nil, func(e *codec.Entry) { e.Key, e.Value = []byte("keyv"), []byte("alue") })
	f("another version", nil, func(e *codec.Entry) { e.Version = 3 })
	f("another life", nil, func(e *codec.Entry) { e.TTL = 5001 })
	f("another time", nil, func(e *codec.Entry) { e.Stamp = 78 })
	f("no time", nil, func(e *codec.Entry) { e.Flags, e.Stamp = e.Flags&^codec.EntryStamp, 0 })
	f("another kind", nil, func(e *codec.Entry) { e.Kind = codec.KindFree + 1 })
	f("another batch", nil, func(e *codec.Entry) { e.Rest = 4 })
	f("a lease", nil, leased(1))
	f("another lease", leased(1), leased(2))
}
