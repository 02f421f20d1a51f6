package engine_test

import (
	"bytes"
	"flag"
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
)

var soakTime = flag.Duration("large.soak", 0, "of the soak of streams, behind its beginning; 0: none")

const (
	soakMembers = 3
	soakKeys    = 16
	soakWrites  = 48 // of 64 KiB in a round
	soakValue   = 64 << 10
	soakRoom    = 16 << 20         // by which the end may be above the highest of the beginning: rounds differ
	soakWarm    = 14 * time.Second // until pools and tables have their size: what was overwritten stays for ten
)

// usage is what a process holds, as runtime/metrics has it.
type usage struct{ bytes, objects, goroutines uint64 }

func holdsNow() usage {
	runtime.GC()
	runtime.GC() // what pools let go is seen as dead by the second
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/objects:objects"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(s)
	return usage{s[0].Value.Uint64(), s[1].Value.Uint64(), s[2].Value.Uint64()}
}

// Members that write values of 64 KiB over others, while one joins, is brought level and goes, again
// and again, hold no more after many rounds than after few: neither memory nor objects nor
// goroutines, and look for nothing that they lack.
func TestSoakOfStreams(t *testing.T) {
	if *soakTime == 0 {
		t.Skip("half a minute and more: with -large.soak")
	}
	config := func(name string) engine.Config {
		c := engine.Local()
		c.Name, c.Streams, c.LeaveTimeout = name, stream.New(stream.Options{PortsTried: 1024}), 100*time.Millisecond
		c.Detector.DeadAge, c.Detector.LeftAge = 5*time.Second, time.Second
		return c
	}
	var all []*engine.Engine
	join := func(name string) *engine.Engine {
		e, err := engine.Start(t.Context(), config(name))
		if err != nil {
			t.Fatal(err)
		}
		if len(all) > 0 {
			if _, err := e.Join(t.Context(), all[0].Addr().String()); err != nil {
				t.Fatal(err)
			}
		}
		return e
	}
	for i := range soakMembers {
		all = append(all, join(fmt.Sprint("m", i)))
		defer all[i].Close()
	}
	warm := max(soakWarm, *soakTime/4) // how much is overwritten in ten seconds differs, with what else the host does
	s := soak{t: t, value: make([]byte, soakValue)}
	var base, last usage
	for began, round := time.Now(), 0; time.Since(began) < warm+*soakTime || base == last; round++ {
		s.write(all)
		s.equal(all)
		guest := join("guest")
		s.equal(append(all[:soakMembers:soakMembers], guest))
		if err := guest.Close(); err != nil {
			t.Fatal(err)
		}
		s.gone(all)
		last = holdsNow()
		t.Logf("round %d: %+v", round, last)
		if time.Since(began) < warm {
			base = usage{max(base.bytes, last.bytes), max(base.objects, last.objects), max(base.goroutines, last.goroutines)}
		}
	}
	if last.bytes > base.bytes+soakRoom || last.objects > base.objects+2000 || last.goroutines > base.goroutines+4 {
		t.Errorf("%+v are held in the end, and %+v in the first %v", last, base, warm)
	}
	for _, e := range all {
		if left := e.LargeLeft(); left != "" {
			t.Errorf("%s: %s", e.Name(), left)
		}
	}
}

// soak writes.
type soak struct {
	t     *testing.T
	n     int
	value []byte
}

func (s *soak) write(all []*engine.Engine) {
	for range soakWrites {
		s.n++
		e, key := all[s.n%len(all)], fmt.Sprint("k", s.n/len(all)%soakKeys)
		for i := range s.value {
			s.value[i] = byte(s.n * (i%7 + 1)) // it differs from the last ones
		}
		copy(s.value, fmt.Sprintf("%020d", s.n))
		insist(s.t, e, func() (engine.Version, error) { return e.Set(key, s.value) })
	}
}

// equal waits until all members hold the same, contents too.
func (s *soak) equal(all []*engine.Engine) {
	s.t.Helper()
	eventually(s.t, "all hold the same", func() bool {
		for _, author := range all[:soakMembers] {
			for k := range soakKeys {
				want, _, has := author.Get(author.Name(), fmt.Sprint("k", k))
				for _, e := range all {
					if got, meta, ok := e.Get(author.Name(), fmt.Sprint("k", k)); ok != has || !meta.Newer.IsZero() || !bytes.Equal(got, want) {
						return false
					}
				}
			}
		}
		return true
	})
}

// gone waits until nobody knows of the guest.
func (s *soak) gone(all []*engine.Engine) {
	s.t.Helper()
	eventually(s.t, "the guest is forgotten", func() bool {
		for _, e := range all {
			if e.NumMembers() != soakMembers || e.Stats().Members != soakMembers {
				return false
			}
		}
		return true
	})
}
