package door

import (
	"net/netip"
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// TestRefusalsAreRead: one that is cut off says nothing, and where the holder of a name is counts
// only where it is an address.
func TestRefusalsAreRead(t *testing.T) {
	_, body, _ := codec.NextRecord(codec.AppendRefusal(nil, &codec.Refusal{Reason: codec.RefusedName, Detail: 3}))
	intro := func(addr string) []byte {
		return codec.AppendIntro(nil, &codec.Intro{ID: 4, Gen: 6, Name: []byte("me"), Addr: netip.MustParseAddrPort(addr)})
	}
	var x Turned
	for addr, known := range map[string]bool{"10.0.0.2:7946": true, "0.0.0.0:7946": false} {
		if err := x.Parse(body, intro(addr)); err != nil || x.Reason != codec.RefusedName || x.Detail != 3 || x.Holder.IsValid() != known {
			t.Errorf("%s: %+v, %v", addr, x, err)
		}
	}
	if err := x.Parse(body, nil); err != nil || x.Holder.IsValid() {
		t.Errorf("of nobody: %+v, %v", x, err)
	}
	for n := range len(body) {
		if err := x.Parse(body[:n], intro("10.0.0.2:7946")); err == nil || x.Holder.IsValid() {
			t.Errorf("%d of %d bytes are a refusal", n, len(body))
		}
	}
}

// TestAnswersHaveTheirRoom: an answer to a padded greeting is no longer than that, one to a shorter
// greeting at most so many times longer.
func TestAnswersHaveTheirRoom(t *testing.T) {
	var h codec.Hello
	for size, want := range map[int]int{
		PaddedBytes - 1: Amplification * (PaddedBytes - 1), PaddedBytes: PaddedBytes, PaddedBytes + 1: PaddedBytes + 1,
	} {
		if r := Answer(elsewhere, size, &h, [codec.SaltBytes]byte{}); r.Room != want {
			t.Errorf("an answer to %d bytes may have %d, want %d", size, r.Room, want)
		}
	}
}

// TestTurnsOfTheQuiet: once the total is used up, a bucket has a turn if it had none for so long,
// and not a moment sooner.
func TestTurnsOfTheQuiet(t *testing.T) {
	const start = 100 * sched.Second
	for _, c := range []struct {
		later sched.Instant
		want  bool
	}{{fairTurn - 1, false}, {fairTurn, true}, {fairTurn + 1, true}} {
		var b Budget
		b.Init(start, Rate{Total: 1, Burst: 1, Each: 1 << 20, EachBurst: 1})
		if !b.Take(start, 1) || !b.Take(start, 2) || b.Take(start, 1) {
			t.Fatal("the first turns: one of the total, one of a bucket that never had any")
		}
		gap := sched.Second / (1 << 20)
		if got := b.Take(start+sched.Instant(gap)+c.later, 2); got != c.want {
			t.Errorf("%d after its turn is paid for: %v", c.later, got)
		}
	}
}

// TestFootprintIsThatOfTheTable: what Footprint says is what rejects take.
func TestFootprintIsThatOfTheTable(t *testing.T) {
	d := newDesk()
	if n := len(d.Rejects.sets) * int(unsafe.Sizeof(d.Rejects.sets[0])); n != Footprint {
		t.Errorf("%d bytes, and %d are said", n, Footprint)
	}
}

// TestRejectsUseTheirPlaces: a source has a place while its set has one, whichever that is; the
// reasons of one source do not stand in each other's way; and the fifth of a set has to wait until
// one of the four is forgotten.
func TestRejectsUseTheirPlaces(t *testing.T) {
	d := newDesk()
	var alike []int // sources of one set
	set := mixAddr(source(0)) % rejectSets
	for i := 0; len(alike) < rejectWays+1; i++ {
		if mixAddr(source(i))%rejectSets == set {
			alike = append(alike, i)
		}
	}
	for n, i := range alike {
		if e := d.Note(1, source(i), 0, 0); (e != nil) != (n < rejectWays) {
			t.Fatalf("source %d of its set: %+v", n, e)
		}
	}
	if e := d.Note(2, source(alike[rejectWays]), 0, 0); e == nil || e.Count != 1 {
		t.Errorf("those that came once are not forgotten: %+v", e)
	}
	sets := map[uint64]bool{}
	for why := range uint8(8) {
		d := newDesk()
		d.Note(1, source(1), why, 0)
		for i := range d.sets {
			if d.sets[i] != ([rejectWays]Entry{}) {
				sets[uint64(i)] = true
			}
		}
	}
	if len(sets) < 4 {
		t.Errorf("eight reasons of a source share %d sets", len(sets))
	}
}

// TestPlainRefusalsAnswerOurs: to a greeting of this span of time or the one before, at any time.
func TestPlainRefusalsAnswerOurs(t *testing.T) {
	d := newDesk()
	seed := source(1)
	for _, c := range []struct {
		later sched.Instant
		want  bool
	}{{0, true}, {challengeSpan, true}, {2 * challengeSpan, false}} {
		const sent = 1000 * challengeSpan
		x := Turned{Plain: true}
		x.Echo = d.Challenge(sent, seed)
		if d.Refused(sent+c.later, seed, &x) != c.want {
			t.Errorf("%d later: not %v", c.later, c.want)
		}
	}
}

// TestDeclaredElsewhere: whoever declares another address than frames go to is told so.
func TestDeclaredElsewhere(t *testing.T) {
	var c Contact
	c.Moved(elsewhere)
	if c.Declares(elsewhere) || !c.Declares(source(1)) {
		t.Error("where it is counts as elsewhere, or elsewhere as where it is")
	}
}

// TestASureReasonStandsForASecond: who said that the name is another's, and asks that one anew, says
// in the meantime that it is busy: the reason is the first one, for a second.
func TestASureReasonStandsForASecond(t *testing.T) {
	at := netip.MustParseAddrPort("10.0.0.1:1")
	var s Seeds
	s.Add(1, at, 1)
	says := func(now sched.Instant, r codec.RefusalReason) codec.RefusalReason {
		s.Turned(now, at, &Turned{Refusal: codec.Refusal{Reason: r}})
		why, _ := s.Why(at)
		return why.Reason
	}
	const busy, name, full = codec.RefusedBusy, codec.RefusedName, codec.RefusedFull
	for _, c := range []struct {
		now        sched.Instant
		said, then codec.RefusalReason
	}{
		{1, busy, busy}, {2, name, name}, {3, busy, name}, {2 + sched.Second, busy, name}, {3 + sched.Second, busy, busy}, {4 + sched.Second, full, full}, {5 + sched.Second, name, name},
	} {
		if got := says(c.now, c.said); got != c.then {
			t.Errorf("at %d, told %d: %d, want %d", c.now, c.said, got, c.then)
		}
	}
}
