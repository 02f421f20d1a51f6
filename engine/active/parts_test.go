package active

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/sched"
)

func TestPartBytes(t *testing.T) {
	if n := unsafe.Sizeof(lent[[16]byte]{}) + unsafe.Sizeof(place{}); n != 16+PartBytes-4 {
		t.Errorf("a part of 16 bytes takes %d", n)
	}
	if n := unsafe.Sizeof(lent[[2]uint64]{}) + unsafe.Sizeof(place{}); n != 16+PartBytes {
		t.Errorf("a part of two words takes %d", n)
	}
}

// TestAPartIsOfOneMember: whatever is taken and lost, a part is found by the last ticket that it was
// given for and by no older one; those that were talked with last keep theirs, and who was not for
// [RestAfter] gives its own to the next.
func TestAPartIsOfOneMember(t *testing.T) {
	const seed, most, members = 3, 7, 30
	t.Logf("seed %d", seed)
	rand := new(sched.Rand)
	rand.Seed(seed)
	var s Parts[int]
	s.Init(most)
	type member struct {
		ticket Ticket
		at     sched.Instant
		began  int // how often it was given a part
	}
	var all [members]member
	now, lost := sched.Instant(sched.Second), 0
	for range 50_000 {
		now += grain + rand.Between(0, 9*sched.Second)
		who := rand.Uint32n(members)
		if rand.Uint32n(50) == 0 {
			now += RestAfter
		}
		m := &all[who]
		had, newer := s.Look(m.ticket) != nil, 0
		for i := range all {
			if x := &all[i]; x.began > 0 && x.at > m.at {
				newer++
			}
		}
		if m.began > 0 && newer < most && now-m.at < RestAfter && !had {
			t.Fatalf("member %d lost its part, with %d others talked with since", who, newer)
		}
		x, fresh := s.Take(now, &m.ticket)
		if fresh == had {
			t.Fatalf("had one: %v, fresh: %v", had, fresh)
		}
		if fresh {
			if m.began++; m.began > 1 {
				lost++
			}
			*x = int(who) + 1
		}
		m.at = now
		n := 0
		for i := range all {
			if x := s.Look(all[i].ticket); x != nil {
				if n++; *x != i+1 {
					t.Fatalf("member %d finds the part of %d", i, *x-1)
				}
			}
		}
		if n != s.Len() || n > most {
			t.Fatalf("%d parts are found, %d are there, at most %d", n, s.Len(), most)
		}
	}
	if lost < 1000 {
		t.Errorf("only %d parts were lost", lost)
	}
}

// TestPartsDoNotAllocate: once there were as many as there may be.
func TestPartsDoNotAllocate(t *testing.T) {
	var s Parts[[40]byte]
	s.Init(50)
	var tickets [200]Ticket
	now, i := sched.Instant(1), 0
	step := func() {
		i, now = (i+1)%len(tickets), now+sched.Millisecond
		x, _ := s.Take(now, &tickets[i])
		x[0]++
	}
	for range tickets {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
