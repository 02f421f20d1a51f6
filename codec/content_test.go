package codec

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestContentGolden(t *testing.T) {
	f := func(got []byte, want string) {
		t.Helper()
		if hex.EncodeToString(got) != want {
			t.Errorf("%x, want %s", got, want)
		}
	}
	c := Content{Length: 300, Sum: [SumBytes]byte{0: 1, 31: 2}}
	f(AppendContent(nil, &c), "b204"+"01"+"000000000000000000000000000000000000000000000000000000000000"+"02")
	f(AppendAsk(nil, &c.Sum), "01"+"01"+"000000000000000000000000000000000000000000000000000000000000"+"02")
	f(AppendAskRuns(nil, 9), "0209000000")
	f(AppendAnswer(nil, AnswerHere, 9), "01")
	f(AppendAnswer(nil, AnswerNone, 9), "02")
	f(AppendAnswer(nil, AnswerBusy, 9), "0309000000")
}

// What parses is written again as the same bytes, and nothing else parses.
func FuzzContent(f *testing.F) {
	for _, b := range heads() {
		f.Add(b)
	}
	f.Fuzz(readsWhole)
}

// heads are one of each that is read outside of frames.
func heads() [][]byte {
	c := Content{Length: 1<<32 - 1, Sum: [SumBytes]byte{1, 2, 3}}
	return [][]byte{
		AppendContent(nil, &c), AppendAsk(nil, &c.Sum), AppendAskRuns(nil, 300),
		AppendAnswer(nil, AnswerBusy, 7), AppendAnswer(nil, AnswerHere, 0), AppendAnswer(nil, AnswerNone, 0),
		{},
	}
}

func readsWhole(t *testing.T, b []byte) {
	var c Content
	if ParseContent(b, &c) == nil && (!bytes.Equal(AppendContent(nil, &c), b) || len(b) > ContentBytesMax) {
		t.Errorf("reference %x", b)
	}
	if ParseAsk(b, &c.Sum) == nil && !bytes.Equal(AppendAsk(nil, &c.Sum), b) {
		t.Errorf("ask %x", b)
	}
	if least, window, err := ParseAskRuns(b); err == nil && !bytes.Equal(append(AppendAskRuns(nil, least), window...), b) {
		t.Errorf("ask for runs %x", b)
	}
	if s, retry, err := ParseAnswer(b); err == nil && !bytes.Equal(AppendAnswer(nil, s, retry), b) {
		t.Errorf("answer %x", b)
	}
}

// TestHeadsAreReadWhole: nothing is read of which a byte is missing, has one more or is another one,
// but as what that says.
func TestHeadsAreReadWhole(t *testing.T) {
	for _, head := range heads() {
		for n := range len(head) {
			readsWhole(t, head[:n])
			for _, v := range []byte{0, 1, 2, 3, 4, 0x7f, 0x80, 0xff} {
				b := bytes.Clone(head)
				b[n] = v
				readsWhole(t, b)
			}
		}
		for _, more := range []byte{0, 1, 0xff} {
			readsWhole(t, append(bytes.Clone(head), more))
		}
	}
}
