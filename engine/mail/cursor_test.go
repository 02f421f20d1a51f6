package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestToldAnotherWay: what was told another way is not mailed, but never less than before, and a
// peer that was sent nothing begins at the beginning.
func TestToldAnotherWay(t *testing.T) {
	var c Cursor
	if c.Told(9); c.At() != 0 {
		t.Errorf("a peer that was sent nothing begins at %d", c.At())
	}
	c.Mailed(5)
	if c.Told(9); c.At() != 9 {
		t.Errorf("what was told is mailed from %d on", c.At())
	}
	if c.Told(7); c.At() != 9 {
		t.Errorf("it goes back to %d", c.At())
	}
}

// TestNoRoomIsGoodForOneWord: a peer without room is done with our writes up to where it says,
// until it acknowledges without saying so; then what it lacks is sent again.
func TestNoRoomIsGoodForOneWord(t *testing.T) {
	var c Cursor
	c.Mailed(20)
	c.NoRoom(&codec.FullAt{Through: 15, Missing: 3})
	if news := c.Have(10, 20); news != Further || c.Seen() != 15 || c.Acked() != 10 {
		t.Fatalf("news %d, seen %d, holds %d", news, c.Seen(), c.Acked())
	}
	if missing, full := c.Full(); missing != 3 || !full {
		t.Errorf("it lacks %d, %v", missing, full)
	}
	c.NoRoom(&codec.FullAt{Through: 20, Missing: 8})
	if news := c.Have(10, 20); news != All || c.Flying() {
		t.Errorf("news %d, flying %v", news, c.Flying())
	}
	if news := c.Have(10, 20); news != Less || c.At() != 10 || c.Seen() != 10 {
		t.Errorf("it has room again: news %d, sent up to %d, seen %d", news, c.At(), c.Seen())
	}
	if _, full := c.Full(); full {
		t.Error("it has no room for ever")
	}
	c.Mailed(20)
	c.NoRoom(&codec.FullAt{Through: 18})
	c.Have(10, 20)
	if c.Restart(); c.Seen() != 0 || c.At() != 0 {
		t.Errorf("another life: seen %d, sent %d", c.Seen(), c.At())
	}
}

// TestSignsOfLifeCount: timers in vain add up only while nothing comes: what was acknowledged, or
// had nothing to wait for, begins anew.
func TestSignsOfLifeCount(t *testing.T) {
	silent := func() *Cursor {
		c := new(Cursor)
		c.Mailed(20)
		c.Have(5, 20)
		c.Expect(10)
		for range quietAfter {
			if next, _ := c.Overdue(20, heardMin+1); next != Again {
				t.Fatalf("after %d timers: %d", c.tries, next)
			}
		}
		return c
	}
	if next, _ := silent().Overdue(20, heardMin+1); next != Quiet {
		t.Errorf("one timer too many: %d", next)
	}
	for what, sign := range map[string]func(c *Cursor){
		"an acknowledgement of what was expected": func(c *Cursor) { c.acked = 10 },
		"one of everything":                       func(c *Cursor) { c.acked = 20 },
	} {
		c := silent()
		sign(c)
		next, _ := c.Overdue(20, heardMin+1)
		if want := map[bool]Next{true: Rest, false: Wait}[c.acked == 20]; next != want || c.Doubled() != 0 {
			t.Errorf("%s: %d, doubled %d", what, next, c.Doubled())
		}
		c.acked, c.expected = 10, 15
		for range quietAfter {
			if next, _ := c.Overdue(20, heardMin+1); next != Again {
				t.Fatalf("%s counts for nothing: %d", what, next)
			}
		}
	}
	c := silent()
	c.Stop()
	if c.Doubled() != 0 {
		t.Error("who is not mailed is waited for")
	}
	c = silent()
	c.Resume()
	if c.Doubled() != 0 || c.At() != 5 {
		t.Errorf("mail is taken up again from %d, doubled %d", c.At(), c.Doubled())
	}
	c = silent()
	if c.Have(6, 20); c.Doubled() != 0 {
		t.Error("progress counts for nothing")
	}
	c = new(Cursor)
	c.Mailed(20)
	c.Expect(10)
	for range 2 {
		if next, _ := c.Overdue(20, quietSpan); next != Again {
			t.Errorf("two timers within the span: %d", next)
		}
	}
	if next, _ := c.Overdue(20, quietSpan+1); next != Quiet {
		t.Errorf("silent for longer: %d", next)
	}
}

// TestRewindsInVain: a single loss sends again what flies, at most four times without progress.
func TestRewindsInVain(t *testing.T) {
	var c Cursor
	c.Mailed(20)
	c.Have(5, 20)
	for range vainMax {
		if !c.MayRewind() {
			t.Fatal("it may not go back")
		}
		if c.Rewind(); c.At() != 5 || c.MayRewind() {
			t.Fatalf("back to %d, and again with nothing sent: %v", c.At(), c.MayRewind())
		}
		c.Mailed(20)
	}
	if c.MayRewind() {
		t.Error("it goes back for ever")
	}
	if c.Have(6, 20); !c.MayRewind() {
		t.Error("progress counts for nothing")
	}
	for range 1000 {
		c.Rewind()
	}
	if c.Mailed(20); c.MayRewind() {
		t.Error("it forgot that going back is in vain")
	}
}
