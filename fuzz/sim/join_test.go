package sim

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/sched"
)

// mass is a cluster into which as many members come at once as are there.
type mass struct {
	*World
	old, all int
}

// together tells whether all that are there know each other and hold the same.
func (m *mass) together(of int) bool {
	print := m.Nodes[0].Core.Fingerprint()
	for _, n := range m.Nodes[:of] {
		if n.Core.Fingerprint() != print || n.Core.Parts().Store.Stats().Origins != of {
			return false
		}
	}
	return true
}

// until runs until so many are together, and gives how long that took and what it cost each of them.
func (m *mass) until(of int, most sched.Instant) (took sched.Instant, bytes, frames uint64, ok bool) {
	at, s := m.Now(), m.Stats
	for !m.together(of) {
		if m.Now()-at > most {
			return m.Now() - at, 0, 0, false
		}
		m.Run(20 * sched.Millisecond)
	}
	return m.Now() - at, (m.Stats.Bytes - s.Bytes) / uint64(of), (m.Stats.Frames - s.Frames) / uint64(of), true
}

// TestMassJoin: as many as there are come at once, each with the address of another member. All know all
// within seconds. What it costs each of them, for each that there is in the end, still grows with how many
// there are: whoever meets somebody compares with them, and all meet all while everything differs.
// SIM_JOIN=500 has so many come into so many and shows what it takes: 4 GB of memory.
func TestMassJoin(t *testing.T) {
	const within = 3 * sched.Second
	f := func(old, each int) *mass { // bytes that a member sends, for each that there is in the end
		link := lan
		link.Loss = simnet.Probability(0.01)
		start := time.Now()
		m := &mass{New(Options{Nodes: 2 * old, Seed: 0x4a01, Link: link}), old, 2 * old}
		for i := 1; i < m.old; i++ {
			m.Join(i, i/2)
		}
		took, bytes, frames, ok := m.until(m.old, 60*sched.Second)
		t.Logf("%d form a cluster: %v, %d bytes and %d frames each (%v)", m.old, clock(took), bytes, frames, time.Since(start))
		if !ok {
			t.Fatal("they do not")
		}
		m.Run(5 * sched.Second)
		s, at := m.Stats, m.Now()
		m.Run(5 * sched.Second)
		t.Logf("idle: %d bytes a second each", (m.Stats.Bytes-s.Bytes)/uint64(m.all)/uint64((m.Now()-at)/sched.Second))
		for i := m.old; i < m.all; i++ {
			m.Join(i, i-m.old)
		}
		took, bytes, frames, ok = m.until(m.all, 60*sched.Second)
		var mem runtime.MemStats
		if each == 0 {
			runtime.GC()
		}
		runtime.ReadMemStats(&mem)
		t.Logf("%d come at once: %v, %d bytes and %d frames each; %d MB, %d bytes a pair (%v)", m.old, clock(took), bytes, frames, mem.HeapAlloc>>20, mem.HeapAlloc/uint64(m.all)/uint64(m.all), time.Since(start))
		if !ok || took > within {
			t.Errorf("%d come into %d: they know each other after %v", m.old, m.old, clock(took))
		}
		if most := uint64(each * m.all); bytes > most && each > 0 {
			t.Errorf("%d come into %d: %d bytes each, want at most %d", m.old, m.old, bytes, most)
		}
		if m.Err() != nil {
			t.Error(m.Err())
		}
		return m
	}
	if n, _ := strconv.Atoi(os.Getenv("SIM_JOIN")); n > 0 {
		f(n, 0).churn(t)
		return
	}
	f(10, 600)
	f(40, 850)
	f(100, 1100)
	if !testing.Short() {
		f(200, 1100) // 1,880 if each meeting began a comparison
	}
}

// churn ends one of a hundred members within a minute, and each comes back a second later.
func (m *mass) churn(t *testing.T) {
	gone := max(1, m.all/100)
	m.Run(5 * sched.Second)
	s, at, start := m.Stats, m.Now(), time.Now()
	for i := range gone {
		i = 1 + i*97%(m.all-1)
		m.Stop(i)
		m.Run(sched.Second)
		m.Start(i)
		m.Join(i, 0)
		m.Run(60*sched.Second/sched.Instant(gone) - sched.Second)
	}
	t.Logf("%d of %d end and come back in a minute: %d bytes a second each (%v)", gone, m.all, (m.Stats.Bytes-s.Bytes)/uint64(m.all)/uint64((m.Now()-at)/sched.Second), time.Since(start))
	took, _, _, ok := m.until(m.all, 60*sched.Second)
	t.Logf("all are together again %v after the last one: %v", clock(took), ok)
	if !ok {
		t.Error("they are not")
	}
}
