package seal

import (
	"bytes"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

func streamKeys(t testing.TB, tag uint32, ids ...uint8) *StreamKeys {
	t.Helper()
	var r Keyring
	r.Init(tag)
	for _, id := range ids {
		if err := r.Add(id, bytes.Repeat([]byte{id}, 16)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := r.Streams()
	if err != nil {
		t.Fatal(err)
	}
	r.Close() // the copy does not need it
	return s
}

// Who has the key of the stream opens its records; another key, cluster,
// transcript or direction opens nothing.
func TestStreamCiphersAreOfOneStreamAndDirection(t *testing.T) {
	a, b, other := streamKeys(t, 7, 1, 2), streamKeys(t, 7, 2, 1), streamKeys(t, 8, 1, 2)
	var nonce [nonceBytes]byte
	nonce[4] = 5
	opener, acceptor, err := a.Ciphers(1, []byte("both salts and nonces"))
	if err != nil {
		t.Fatal(err)
	}
	sealed := opener.Seal(nil, nonce[:], []byte("news"), nil)
	opens := func(s *StreamKeys, id uint8, transcript string, reply bool) bool {
		t.Helper()
		o, c, err := s.Ciphers(id, []byte(transcript))
		if err != nil {
			t.Fatal(err)
		}
		if reply {
			o = c
		}
		_, err = o.Open(nil, nonce[:], sealed, nil)
		return err == nil
	}
	f := func(want bool, s *StreamKeys, id uint8, transcript string, reply bool) {
		t.Helper()
		if opens(s, id, transcript, reply) != want {
			t.Errorf("key %d, %q, reply %v: opens = %v", id, transcript, reply, !want)
		}
	}
	f(true, b, 1, "both salts and nonces", false)
	f(false, b, 2, "both salts and nonces", false)
	f(false, b, 1, "both salts and other nonces", false)
	f(false, b, 1, "both salts and nonces", true)
	f(false, other, 1, "both salts and nonces", false)
	if _, err := acceptor.Open(nil, nonce[:], sealed, nil); err == nil {
		t.Error("a record opens in the direction that it came from: it could be reflected")
	}
	if _, _, err := a.Ciphers(3, nil); err != codec.ErrKey {
		t.Errorf("a key that is not held: %v", err)
	}
}

func TestStreamMark(t *testing.T) {
	a, b := streamKeys(t, 7, 1, 2), streamKeys(t, 8, 1)
	hello := bytes.Repeat([]byte{9}, helloBytesMax)
	mark, ok := a.Mark(1, hello)
	if again, _ := a.Mark(1, hello); !ok || mark != again {
		t.Error("the mark of a hello changes")
	}
	hello[3]++
	if m, _ := a.Mark(1, hello); m == mark {
		t.Error("another hello has the same mark")
	}
	hello[3]--
	if m, _ := a.Mark(2, hello); m == mark {
		t.Error("another key makes the same mark")
	}
	if m, _ := b.Mark(1, hello); m == mark {
		t.Error("another cluster makes the same mark")
	}
	if _, ok := a.Mark(3, hello); ok {
		t.Error("a mark under a key that is not held")
	}
	if _, ok := a.Mark(1, append(hello, 0)); ok {
		t.Error("a hello longer than all hellos")
	}
	if n := testing.AllocsPerRun(1000, func() { a.Mark(1, hello) }); n != 0 {
		t.Errorf("a mark allocates %v times: strangers ask for it", n)
	}
}
