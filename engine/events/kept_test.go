package events

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/quidnunc/quidnunc/codec"
)

func TestClock(t *testing.T) {
	var c Clock
	if c.Next() != 1 || c.Next() != 2 {
		t.Error("does not count")
	}
	c.Witness(10)
	c.Witness(4)
	if c.Next() != 11 {
		t.Error("is not after what it saw")
	}
	c.Witness(codec.EventTimeMax)
	if c.Now() > 11+timeStepMax {
		t.Error("one forged time uses the clock up")
	}
	c.time = codec.EventTimeMax
	if c.Next() != codec.EventTimeMax {
		t.Error("leaves the wire's range")
	}
}

// Every number is taken at most once, and always if it is within the window.
func TestSeenOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Seen
		s.Init(2)
		taken := map[uint64]bool{}
		high := uint64(0)
		for range rapid.IntRange(1, 200).Draw(t, "events") {
			seq := rapid.Uint64Range(0, 300).Draw(t, "seq")
			want := seq > 0 && !taken[seq] && seq+SeenWindow > high
			if got := s.First(1, seq); got != want {
				t.Fatalf("event %d after %d: %v", seq, high, got)
			}
			if want {
				taken[seq] = true
				high = max(high, seq)
			}
		}
		if !s.First(2, 1) {
			t.Fatal("origins share a window")
		}
		s.Forget(1)
		if !s.First(1, 1) {
			t.Fatal("a forgotten origin is remembered")
		}
	})
}

func TestReplayKeepsTheLast(t *testing.T) {
	var r Replay
	r.Init(3)
	for i := byte(1); i <= 5; i++ {
		r.Keep(bytes.Repeat([]byte{i}, int(i)))
	}
	r.Keep(make([]byte, codec.EventBytesMax+1))
	if r.First() != 2 || r.End() != 5 || r.At(1) != nil || r.At(5) != nil {
		t.Errorf("keeps %d to %d", r.First(), r.End())
	}
	for i := r.First(); i < r.End(); i++ {
		if got := r.At(i); len(got) != int(i)+1 || got[0] != byte(i)+1 {
			t.Errorf("event %d is %v", i, got)
		}
	}
	var none Replay
	none.Init(0)
	none.Keep([]byte{1})
	if none.End() != 0 {
		t.Error("keeps what has no room")
	}
}

func TestEventsAllocate(t *testing.T) {
	var s Seen
	var r Replay
	var c Clock
	s.Init(10)
	r.Init(16)
	e := codec.Event{Origin: 5, Topic: []byte("deploy"), Payload: make([]byte, 100)}
	buf := make([]byte, 0, codec.EventBytesMax)
	if n := testing.AllocsPerRun(1000, func() {
		e.Seq++
		e.Time = c.Next()
		body := codec.AppendEventBody(buf, &e)
		var got codec.Event
		if codec.ParseEvent(body, &got) != nil || !s.First(1, got.Seq) {
			t.Fatal("not taken")
		}
		c.Witness(got.Time)
		r.Keep(body)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEvent(b *testing.B) {
	var s Seen
	s.Init(10)
	e := codec.Event{Origin: 5, Time: 9, Topic: []byte("deploy"), Payload: make([]byte, 100)}
	buf := make([]byte, 0, codec.EventBytesMax)
	b.ReportAllocs()
	for b.Loop() {
		e.Seq++
		body := codec.AppendEventBody(buf, &e)
		var got codec.Event
		if codec.ParseEvent(body, &got) != nil || !s.First(1, got.Seq) {
			b.Fatal("not taken")
		}
	}
}
