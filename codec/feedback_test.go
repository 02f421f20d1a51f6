package codec

import (
	"bytes"
	"errors"
	"testing"
)

func TestAnswersOnTheWire(t *testing.T) {
	items := []Feedback{
		{Kind: FeedbackNeeded, Origin: 1, Hi: 9},
		{Kind: FeedbackGap, Counter: 3, Origin: 2, Hi: VersionMax, Max: 7},
		{Kind: FeedbackShown, Counter: 255, Origin: 3, Hi: 1},
	}
	var b []byte
	for i := range items {
		b = AppendFeedback(b, &items[i])
	}
	a, err := ParseFeedbacks(b)
	if err != nil {
		t.Fatal(err)
	}
	var got Feedback
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
		if _, err := ParseFeedbacks(b); !errors.Is(err, want) {
			t.Errorf("%v: %v, want %v", b, err, want)
		}
	}
	one := func(i Feedback) []byte { return AppendFeedback(nil, &i) }
	bad(nil, ErrBody)
	bad(b[:len(b)-1], ErrBody)
	bad(one(Feedback{Kind: 9, Origin: 1, Hi: 1}), ErrUnsupported)
	bad(one(Feedback{Kind: FeedbackKnown, Hi: 1}), ErrOrigin)
	bad(one(Feedback{Kind: FeedbackKnown, Origin: 1}), ErrOrder)
	bad(one(Feedback{Kind: FeedbackKnown, Origin: 1, Hi: VersionMax + 1}), ErrOrder)
	bad(one(Feedback{Kind: FeedbackGap, Origin: 1, Hi: 5, Max: 5}), ErrOrder)
}

func TestEventOnTheWire(t *testing.T) {
	e := Event{Origin: 4, Seq: 5, Time: EventTimeMax, Topic: []byte("t"), Payload: make([]byte, EventPayloadMax-1)}
	if !e.Fits() {
		t.Fatal("the largest does not fit")
	}
	b := AppendEventBody(nil, &e)
	var got Event
	if err := ParseEvent(b, &got); err != nil || !bytes.Equal(got.Payload, e.Payload) || string(got.Topic) != "t" {
		t.Errorf("%v: %+v", err, got)
	}
	bad := func(e Event, want error) {
		t.Helper()
		if err := ParseEvent(AppendEventBody(nil, &e), &got); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", e, err, want)
		}
	}
	topic := []byte("t")
	bad(Event{Seq: 1, Topic: topic}, ErrOrigin)
	bad(Event{Origin: 1, Topic: topic}, ErrOrder)
	bad(Event{Origin: 1, Seq: 1, Time: EventTimeMax + 1, Topic: topic}, ErrOrder)
	bad(Event{Origin: 1, Seq: 1}, ErrName)
	bad(Event{Origin: 1, Seq: 1, Topic: make([]byte, TopicBytesMax+1)}, ErrName)
	bad(Event{Origin: 1, Seq: 1, Topic: topic, Payload: make([]byte, EventPayloadMax)}, ErrBody)
	if err := ParseEvent(b[:eventFixedBytes], &got); !errors.Is(err, ErrBody) {
		t.Error(err)
	}
}

func TestTokenOnTheWire(t *testing.T) {
	want := Token{TokenPass, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	b := AppendToken(nil, &want)[RecordBytes:]
	var got Token
	if err := ParseToken(b, &got); err != nil || got != want || len(b) != TokenBytes {
		t.Errorf("%v: %+v in %d bytes", err, got, len(b))
	}
	bad := func(k Token, want error) {
		t.Helper()
		if err := ParseToken(AppendToken(nil, &k)[RecordBytes:], &got); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", k, err, want)
		}
	}
	bad(Token{Kind: 9, Walk: 1, Starter: 1}, ErrUnsupported)
	bad(Token{Kind: TokenPass, Starter: 1}, ErrOrigin)
	bad(Token{Kind: TokenPass, Walk: 1}, ErrOrigin)
	bad(Token{Kind: TokenPass, Walk: 1, Starter: 1, Hop: 2, Hops: 1}, ErrOrder)
	bad(Token{Kind: TokenPass, Walk: 1, Starter: 1, Hops: HopsMax + 1}, ErrOrder)
	if err := ParseToken(b[1:], &got); !errors.Is(err, ErrBody) {
		t.Error(err)
	}
}

func TestFeedbackNeverAllocates(t *testing.T) {
	buf := make([]byte, 0, 256)
	item := Feedback{Kind: FeedbackKnown, Counter: 2, Origin: 9, Hi: 4}
	token := Token{TokenPass, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	if n := testing.AllocsPerRun(1000, func() {
		a, err := ParseFeedbacks(AppendFeedback(buf, &item))
		if err != nil || !a.Next(&item) {
			t.Fatal("lost")
		}
		if ParseToken(AppendToken(buf, &token)[RecordBytes:], &token) != nil {
			t.Fatal("lost")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAnswers(b *testing.B) {
	var body []byte
	for i := range 40 {
		body = AppendFeedback(body, &Feedback{Kind: FeedbackKnown, Origin: OriginID(i + 1), Hi: 9})
	}
	b.ReportAllocs()
	for b.Loop() {
		a, _ := ParseFeedbacks(body)
		for i := (Feedback{}); a.Next(&i); {
		}
	}
}
