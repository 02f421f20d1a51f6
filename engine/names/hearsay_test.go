package names

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// TestHearsayGrowsOlder: however often members repeat each other's word, and however
// short the pauses are, it ends in time; what somebody meets does not.
func TestHearsayGrowsOlder(t *testing.T) {
	const members = 5
	t.Log("seed 7")
	rand := new(sched.Rand)
	rand.Seed(7)
	var all [members]Hearsay
	begin := sched.Instant(100 * sched.Second)
	for i := range all {
		all[i].Told(begin, codec.OriginID(99), 0)
	}
	passed := 0
	for now := begin; now < begin+HearsayAge; now += rand.Jitter(10 * sched.Millisecond) {
		from, to := rand.Uint32n(members), rand.Uint32n(members)
		age, fresh := all[from].Age(now)
		if fresh {
			all[to].Told(now, codec.OriginID(1+from), age)
			passed++
		}
		if !fresh && now < begin+HearsayFresh-codec.IntroAgeUnit {
			t.Fatalf("not passed on after %d ms", (now-begin)/sched.Millisecond)
		}
	}
	for i := range all {
		if end, _, _, _ := all[i].Next(begin + HearsayAge); !end {
			t.Errorf("member %d still believes, after %d words", i, passed)
		}
	}
	h := new(Hearsay)
	for now := begin; now < begin+10*HearsayAge; now += HearsayFresh {
		h.Told(now, 3, 0)
		if end, ask, _, again := h.Next(now + HearsayFresh - 1); end || ask || again != now+HearsayFresh {
			t.Fatalf("end %v, ask %v", end, ask)
		}
	}
}

// TestHearsayAsks: from when it is no longer passed on others are asked, who said so
// and anybody in turn, until it ends.
func TestHearsayAsks(t *testing.T) {
	h, now := new(Hearsay), sched.Instant(sched.Second)
	h.Told(now, 8, 0)
	h.Told(now, 9, 200) // older word of another
	ended := now + HearsayAge
	var asked [2]int
	for {
		end, ask, by, again := h.Next(now)
		if end {
			break
		}
		if ask {
			asked[min(1, by)]++
		}
		if by != 0 && by != 8 || again <= now {
			t.Fatalf("asks %d, again after %d", by, again-now)
		}
		now = again
	}
	if now != ended || asked[0] != asked[1] || asked[0] < 5 {
		t.Errorf("ends %d ms late, asked %v", (now-ended)/sched.Millisecond, asked)
	}
	if got := unsafe.Sizeof(*h); got != HearsayBytes {
		t.Errorf("%d bytes", got)
	}
}
