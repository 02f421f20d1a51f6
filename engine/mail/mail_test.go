package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

const ms = sched.Millisecond

// mailed is a cursor of which `at` was sent and `acked` acknowledged.
func mailed(acked, at uint64) *Cursor {
	c := new(Cursor)
	c.Have(acked, at)
	c.Mailed(at)
	return c
}

// TestBackIsToTheAcknowledgement: whatever moves a cursor back moves it there.
func TestBackIsToTheAcknowledgement(t *testing.T) {
	f := func(name string, move func(c *Cursor), want uint64) {
		t.Helper()
		c := mailed(5, 9)
		move(c)
		if c.At() != want || c.Acked() > c.At() {
			t.Errorf("%s: at %d, acknowledged %d; want %d", name, c.At(), c.Acked(), want)
		}
	}
	f("rewind", (*Cursor).Rewind, 5)
	f("give up", (*Cursor).GiveUp, 5)
	f("resume", (*Cursor).Resume, 5)
	f("restart", func(c *Cursor) { c.Restart() }, 0)
	f("it lost what it had", func(c *Cursor) { c.Have(2, 9) }, 2)
	f("nothing new", func(c *Cursor) { c.Have(5, 9) }, 9)
	f("further", func(c *Cursor) { c.Have(7, 9) }, 9)
	f("further than was sent", func(c *Cursor) { c.Have(12, 20) }, 12)
}

func TestHaveSaysWhatIsNew(t *testing.T) {
	f := func(version uint64, want News) {
		t.Helper()
		if got := mailed(5, 9).Have(version, 9); got != want {
			t.Errorf("it holds %d: %d, want %d", version, got, want)
		}
	}
	f(4, Less)
	f(5, Nothing)
	f(6, Further)
	f(9, All)
}

func TestOverdue(t *testing.T) {
	f := func(name string, c *Cursor, silence sched.Instant, want Next, lost bool) {
		t.Helper()
		if got, l := c.Overdue(9, silence); got != want || l != lost {
			t.Errorf("%s: %d, lost %v; want %d, %v", name, got, l, want, lost)
		}
	}
	waiting := func() *Cursor {
		c := mailed(5, 9)
		c.Expect(9)
		return c
	}
	f("all is acknowledged", mailed(9, 9), 0, Rest, false)
	c := mailed(5, 9)
	c.Expect(5)
	f("what was expected came", c, 0, Wait, false)
	f("heard lately", waiting(), heardMin, Again, true)
	f("not heard lately", waiting(), heardMin+1, Again, false)
	c = waiting()
	f("once and long silence", c, quietSpan+1, Again, false)
	f("twice and long silence", c, quietSpan+1, Quiet, false)
	c = waiting()
	for range quietAfter {
		f("several times", c, quietSpan, Again, false)
	}
	f("too often", c, quietSpan, Quiet, false)
	c = waiting()
	c.GiveUp()
	f("nothing flies", c, 0, Again, false)
}

// TestWaitDoubles: for a peer that is not heard with each timer, for one that is heard
// with each but the first; progress ends both.
func TestWaitDoubles(t *testing.T) {
	c := mailed(5, 9)
	c.Expect(9)
	for i := range uint8(20) {
		if got, want := c.Doubled(), min(i, triesMax); got != want {
			t.Errorf("after %d timers: %d, want %d", i, got, want)
		}
		c.Overdue(9, quietSpan)
	}
	c = mailed(5, 9)
	c.Expect(9)
	for i := range 300 {
		if got, want := int(c.Doubled()), max(0, min(i, noRoomMax)-1); got != want {
			t.Errorf("after %d late acknowledgements: %d, want %d", i, got, want)
		}
		if c.MayRewind() != (i < vainMax) {
			t.Errorf("after %d rewinds: %v", i, c.MayRewind())
		}
		c.Overdue(9, 0)
		c.Rewind()
		c.Mailed(9)
	}
	c.Have(6, 9)
	if c.Doubled() != 0 || !c.MayRewind() {
		t.Error("progress does not end the doubling")
	}
}

// TestCursorNeverPassesWhatIs: random calls keep acked <= at, and at moves back only
// to acked.
func TestCursorNeverPassesWhatIs(t *testing.T) {
	const seed = 7
	rand := new(sched.Rand)
	rand.Seed(seed)
	c := new(Cursor)
	own := uint64(1)
	for range 100_000 {
		before := c.At()
		switch rand.Uint32n(8) {
		case 0:
			own += uint64(rand.Uint32n(10))
		case 1:
			c.Mailed(before + rand.Uint64()%(own-min(before, own)+1))
		case 2:
			c.Have(rand.Uint64()%(own+1), own)
		case 3:
			c.Rewind()
		case 4:
			c.Expect(own)
		case 5:
			c.Overdue(own, rand.Between(0, 3*sched.Second))
		case 6:
			c.Resume()
		default:
			c.GiveUp()
		}
		if c.Acked() > c.At() || c.At() > own || c.At() < before && c.At() != c.Acked() {
			t.Fatalf("seed %d: at %d after %d, acknowledged %d, own %d", seed, c.At(), before, c.Acked(), own)
		}
	}
}

func TestCacheKeepsRunsOfOneVersion(t *testing.T) {
	var c Cache
	now, id := sched.Instant(sched.Second), codec.OriginID(1)
	find := func(own, from uint64, limit int) (run, place *Run) {
		c.Own(now, id, own)
		return c.Find(from, limit, codec.KindByRef)
	}
	write := func(own, from uint64) {
		t.Helper()
		run, place := find(own, from, 1400)
		if run != nil || place == nil {
			t.Fatalf("from %d: there is a run, or no place", from)
		}
		place.From, place.To, place.Limit, place.Entries, place.Knows = from, own, 1400, 1, codec.KindByRef
		c.Keep(place, len(append(place.Room(), byte(from))))
	}
	for from := range uint64(runsMax) {
		write(100, from)
	}
	for from := range uint64(runsMax) {
		if run, _ := find(100, from, 1400); run == nil || run.To != 100 || run.Bytes()[0] != byte(from) {
			t.Errorf("the run from %d is not there", from)
		}
	}
	if run, _ := find(100, 1, 1200); run != nil {
		t.Error("a run for long frames is given for short ones")
	}
	if run, _ := c.Find(1, 1400, codec.KindByRef-1); run != nil {
		t.Error("a run with references is given for who knows none")
	}
	if run, place := find(100, 99, 1400); run != nil || place != nil {
		t.Error("more runs than there are places")
	}
	write(101, 3)
	if run, _ := find(101, 4, 1400); run != nil {
		t.Error("a run of an older version")
	}
	now += runsAge
	if run, _ := find(101, 3, 1400); run == nil {
		t.Error("a run was not kept for its time")
	}
	now++
	if run, _ := find(101, 3, 1400); run != nil {
		t.Error("a run whose ages are those of before")
	}
	write(101, 3)
	id = 2
	if run, _ := find(101, 3, 1400); run != nil {
		t.Error("a run of another life")
	}
}

func TestMailDoesNotAllocate(t *testing.T) {
	var cache Cache
	c := mailed(5, 9)
	step := func() {
		c.Expect(9)
		c.Overdue(9, ms)
		c.Rewind()
		c.Mailed(9)
		c.Have(6, 9)
		c.Have(5, 9)
		for own := range uint64(3) {
			cache.Own(sched.Second, 1, own)
			if _, place := cache.Find(0, 1400, 0); place != nil {
				cache.Keep(place, 1)
			}
		}
	}
	step()
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
