package codec

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// TestDigested: what a signature's digest is over tells any two entries apart that readers can tell
// apart, and is the same where replicas may differ: in ages, and in what is left of a lease.
func TestDigested(t *testing.T) {
	e := Entry{Version: 7, Key: []byte("key"), Value: []byte("value"), Flags: EntryStamp | EntryTTL, TTL: 9, Stamp: 11}
	of := func(change func(e *Entry)) []byte {
		x := e
		change(&x)
		return AppendDigested(nil, &x)
	}
	was := AppendDigested([]byte("before"), &e)
	if string(was[:6]) != "before" || !bytes.Equal(was[6:], of(func(*Entry) {})) {
		t.Errorf("%q", was)
	}
	was = was[6:]
	le := binary.LittleEndian
	if le.Uint64(was) != 7 || le.Uint64(was[8:]) != 11 || le.Uint32(was[16:]) != 9 || string(was[30:]) != "keyvalue" || was[27] != 3 || le.Uint16(was[28:]) != 5 {
		t.Errorf("not as the page says: %q", was)
	}
	for name, change := range map[string]func(e *Entry){
		"version": func(e *Entry) { e.Version++ },
		"key":     func(e *Entry) { e.Key = []byte("kex") },
		"value":   func(e *Entry) { e.Value = []byte("valux") },
		"border":  func(e *Entry) { e.Key, e.Value = []byte("keyv"), []byte("alue") },
		"ttl":     func(e *Entry) { e.TTL++ },
		"stamp":   func(e *Entry) { e.Stamp = -e.Stamp },
		"kind":    func(e *Entry) { e.Kind++ },
		"lease":   func(e *Entry) { e.Lease++ },
		"flags":   func(e *Entry) { e.Flags |= EntryKinded },
		"rest":    func(e *Entry) { e.Rest++ },
	} {
		if bytes.Equal(was, of(change)) {
			t.Errorf("another %s makes no difference", name)
		}
	}
	if !bytes.Equal(was, of(func(e *Entry) { e.Age = 5 })) {
		t.Error("ages make a difference")
	}
	hinted := of(func(e *Entry) { e.Flags, e.Lease = e.Flags|EntryLeased, 4 })
	if !bytes.Equal(hinted, of(func(e *Entry) { e.Flags, e.TTL, e.Lease = e.Flags&^EntryTTL|EntryLeased, 0, 4 })) {
		t.Error("what is left of a lease makes a difference")
	}
}

// TestSignedIsBound: what is signed is another thing in another cluster, for another origin,
// version or digest, and as the word of a former key.
func TestSignedIsBound(t *testing.T) {
	seen := map[string]string{}
	f := func(what string, b []byte) {
		t.Helper()
		if was, ok := seen[string(b)]; ok {
			t.Errorf("%s is signed as %s is", what, was)
		}
		seen[string(b)] = what
	}
	s := Signature{ID: 1, Version: 2, Digest: [DigestBytes]byte{3}}
	f("a checkpoint", AppendSigned(nil, 4, &s))
	f("one of another cluster", AppendSigned(nil, 5, &s))
	s.ID = 2
	f("one of another origin", AppendSigned(nil, 4, &s))
	s.ID, s.Version = 1, 3
	f("one of another version", AppendSigned(nil, 4, &s))
	s.Version, s.Digest[31] = 2, 1
	f("one of another digest", AppendSigned(nil, 4, &s))
	k := PublicKey{ID: 1, Key: [PublicKeyBytes]byte{1}}
	f("a key", AppendSucceeded(nil, 4, &k))
	f("one of another cluster", AppendSucceeded(nil, 5, &k))
	k.ID = 2
	f("one of another origin", AppendSucceeded(nil, 4, &k))
	k.ID, k.Key[31] = 1, 1
	f("another key", AppendSucceeded(nil, 4, &k))
}
