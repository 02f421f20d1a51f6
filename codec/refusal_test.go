package codec

import (
	"bytes"
	"testing"
)

// TestRefusalDatagram: its bytes are the same in every version, it is never longer than what it
// answers, and it gives back what stands in the greeting's header.
func TestRefusalDatagram(t *testing.T) {
	in := Refusal{Reason: RefusedVersion, Speak: Versions{2, 3}, Detail: 1<<64 - 1, Echo: [SaltBytes]byte{1, 2, 3}}
	b := AppendRefusalDatagram([]byte("x"), &in, 0x04030201, 0x0807060504030201)[1:]
	const same = "\x51\x00\x01\x02\x03\x01\x02\x03\x01\x02\x03\x04\x01\x02\x03\x04\x05\x06\x07\x08" +
		"\xff\xff\xff\xff\xff\xff\xff\xff\x18\xd3\x01\x80"
	if string(b) != same {
		t.Errorf("the form that never changes has changed: %q", b)
	}
	var out Refusal
	cluster, sender, err := ParseRefusalDatagram(b, &out)
	if err != nil || out != in || cluster != 0x04030201 || sender != 0x0807060504030201 {
		t.Errorf("%+v, cluster %x, sender %x: %v", out, cluster, sender, err)
	}
	for i := range b {
		m := bytes.Clone(b)
		m[i] ^= 1
		if _, _, err := ParseRefusalDatagram(m, &out); err == nil {
			t.Errorf("taken with byte %d damaged", i)
		}
		if _, _, err := ParseRefusalDatagram(b[:i], &out); err == nil {
			t.Errorf("taken when cut to %d bytes", i)
		}
	}
	if _, ok := RefusalNonce(b); ok {
		t.Error("a refusal is refused: two nodes would go on for ever")
	}
}

// TestRefusalOfAnyVersion: who can read nothing but the first eight bytes of a greeting can refuse
// it.
func TestRefusalOfAnyVersion(t *testing.T) {
	h := Header{Sender: 9, Nonce: [NonceBytes]byte{7, 8, 9}}
	hello := AppendChecksum(AppendHello(AppendHeader(nil, &h), &Hello{Gen: 1, Name: []byte("n")}), 0)
	if n := len(AppendRefusalDatagram(nil, &Refusal{Reason: RefusedVersion}, 1, 1)); n != RefusalDatagramBytes || n > len(hello) {
		t.Errorf("%d bytes answer %d", n, len(hello))
	}
	var got Header
	if _, err := ParseFrame(hello, &got); err != nil || got.Nonce != h.Nonce {
		t.Fatalf("%+v: %v", got, err)
	}
	hello[1] = 77
	if n, ok := RefusalNonce(hello); !ok || n != h.Nonce {
		t.Errorf("%v, %v", n, ok)
	}
	if _, ok := RefusalNonce(hello[:RefusalDatagramBytes-1]); ok {
		t.Error("answered with more than came")
	}
	if _, ok := RefusalNonce(append([]byte{Magic, 1, 0, 0, 0, 0, 0, 0}, make([]byte, 99)...)); ok {
		t.Error("answered without a nonce")
	}
}

func FuzzRefusalDatagram(f *testing.F) {
	f.Add(AppendRefusalDatagram(nil, &Refusal{Reason: RefusedBuried, Detail: 5}, 1, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Refusal
		RefusalNonce(b)
		if len(b) > ChecksumBytes {
			b = AppendChecksum(bytes.Clone(b[:len(b)-ChecksumBytes]), 0)
		}
		cluster, sender, err := ParseRefusalDatagram(b, &r)
		if err != nil {
			return
		}
		if again := AppendRefusalDatagram(nil, &r, cluster, sender); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
