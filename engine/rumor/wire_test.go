package rumor

import (
	"bytes"
	"errors"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

func TestAnswersOnTheWire(t *testing.T) {
	items := []Item{
		{Kind: Needed, Origin: 1, Hi: 9},
		{Kind: Gap, Counter: 3, Origin: 2, Hi: codec.VersionMax, Max: 7},
		{Kind: Shown, Counter: Removal, Origin: 3, Hi: 1},
	}
	var b []byte
	for i := range items {
		b = AppendAnswer(b, &items[i])
	}
	a, err := ParseAnswers(b)
	if err != nil {
		t.Fatal(err)
	}
	var got Item
	for _, want := range items {
		if !a.Next(&got) || got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if a.Next(&got) {
		t.Error("goes on after the end")
	}
	bad := func(b []byte, want error) {
		t.Helper()
		if _, err := ParseAnswers(b); !errors.Is(err, want) {
			t.Errorf("%v: %v, want %v", b, err, want)
		}
	}
	one := func(i Item) []byte { return AppendAnswer(nil, &i) }
	bad(nil, codec.ErrBody)
	bad(b[:len(b)-1], codec.ErrBody)
	bad(one(Item{Kind: 9, Origin: 1, Hi: 1}), codec.ErrUnsupported)
	bad(one(Item{Kind: Known, Hi: 1}), codec.ErrOrigin)
	bad(one(Item{Kind: Known, Origin: 1}), codec.ErrOrder)
	bad(one(Item{Kind: Known, Origin: 1, Hi: codec.VersionMax + 1}), codec.ErrOrder)
	bad(one(Item{Kind: Gap, Origin: 1, Hi: 5, Max: 5}), codec.ErrOrder)
}

func TestEventOnTheWire(t *testing.T) {
	e := Event{Origin: 4, Seq: 5, Time: TimeMax, Topic: []byte("t"), Payload: make([]byte, EventPayloadMax-1)}
	if !e.Fits() {
		t.Fatal("the largest does not fit")
	}
	b := AppendEvent(nil, &e)
	var got Event
	if err := ParseEvent(b, &got); err != nil || !bytes.Equal(got.Payload, e.Payload) || string(got.Topic) != "t" {
		t.Errorf("%v: %+v", err, got)
	}
	bad := func(e Event, want error) {
		t.Helper()
		if err := ParseEvent(AppendEvent(nil, &e), &got); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", e, err, want)
		}
	}
	topic := []byte("t")
	bad(Event{Seq: 1, Topic: topic}, codec.ErrOrigin)
	bad(Event{Origin: 1, Topic: topic}, codec.ErrOrder)
	bad(Event{Origin: 1, Seq: 1, Time: TimeMax + 1, Topic: topic}, codec.ErrOrder)
	bad(Event{Origin: 1, Seq: 1}, codec.ErrName)
	bad(Event{Origin: 1, Seq: 1, Topic: make([]byte, TopicBytesMax+1)}, codec.ErrName)
	bad(Event{Origin: 1, Seq: 1, Topic: topic, Payload: make([]byte, EventPayloadMax)}, codec.ErrBody)
	if err := ParseEvent(b[:eventFixedBytes], &got); !errors.Is(err, codec.ErrBody) {
		t.Error(err)
	}
}

func TestTokenOnTheWire(t *testing.T) {
	want := Token{TokenPass, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	b := AppendToken(nil, &want)
	var got Token
	if err := ParseToken(b, &got); err != nil || got != want || len(b) != TokenBytes {
		t.Errorf("%v: %+v in %d bytes", err, got, len(b))
	}
	bad := func(k Token, want error) {
		t.Helper()
		if err := ParseToken(AppendToken(nil, &k), &got); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", k, err, want)
		}
	}
	bad(Token{Kind: 9, Walk: 1, Starter: 1}, codec.ErrUnsupported)
	bad(Token{Kind: TokenPass, Starter: 1}, codec.ErrOrigin)
	bad(Token{Kind: TokenPass, Walk: 1}, codec.ErrOrigin)
	bad(Token{Kind: TokenPass, Walk: 1, Starter: 1, Hop: 2, Hops: 1}, codec.ErrOrder)
	bad(Token{Kind: TokenPass, Walk: 1, Starter: 1, Hops: HopsMax + 1}, codec.ErrOrder)
	if err := ParseToken(b[1:], &got); !errors.Is(err, codec.ErrBody) {
		t.Error(err)
	}
}

// Whatever parses is written again as the same bytes; nothing panics.
func FuzzAnswers(f *testing.F) {
	f.Add(AppendAnswer(AppendAnswer(nil, &Item{Kind: Gap, Origin: 1, Hi: 9, Max: 2}), &Item{Kind: Known, Origin: 2, Hi: 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAnswers(b)
		if err != nil {
			return
		}
		var again []byte
		for i := (Item{}); a.Next(&i); {
			again = AppendAnswer(again, &i)
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add(AppendEvent(nil, &Event{Origin: 1, Seq: 2, Time: 3, Topic: []byte("t"), Payload: []byte("p")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Event
		if ParseEvent(b, &e) == nil {
			if again := AppendEvent(nil, &e); !e.Fits() || !bytes.Equal(again, b) {
				t.Errorf("%x became %x", b, again)
			}
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add(AppendToken(nil, &Token{TokenPass, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var k Token
		if ParseToken(b, &k) == nil {
			if again := AppendToken(nil, &k); !bytes.Equal(again, b) {
				t.Errorf("%x became %x", b, again)
			}
		}
	})
}

func TestWireAllocates(t *testing.T) {
	buf := make([]byte, 0, 256)
	item := Item{Kind: Known, Counter: 2, Origin: 9, Hi: 4}
	token := Token{TokenPass, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	if n := testing.AllocsPerRun(1000, func() {
		a, err := ParseAnswers(AppendAnswer(buf, &item))
		if err != nil || !a.Next(&item) {
			t.Fatal("lost")
		}
		if ParseToken(AppendToken(buf, &token), &token) != nil {
			t.Fatal("lost")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAnswers(b *testing.B) {
	var body []byte
	for i := range 40 {
		body = AppendAnswer(body, &Item{Kind: Known, Origin: codec.OriginID(i + 1), Hi: 9})
	}
	b.ReportAllocs()
	for b.Loop() {
		a, _ := ParseAnswers(body)
		for i := (Item{}); a.Next(&i); {
		}
	}
}
