package sched

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// slowWheel is the model: a list of times, nothing clever.
type slowWheel struct {
	at  map[uint32]Instant // when armed: the instant that is asked for
	set map[uint32]Instant // when it was armed
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// span draws time spans of every size, near ones most often.
func span(t *rapid.T, what string) Instant {
	width := rapid.IntRange(0, 50).Draw(t, what+" width")
	return Instant(rapid.Uint64Range(0, 1<<width).Draw(t, what))
}

func TestWheelAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const timers = 12
		now := Instant(rapid.Int64Range(0, 1<<40).Draw(t, "base"))
		var w Wheel
		w.Init(timers, now)
		m := slowWheel{at: map[uint32]Instant{}, set: map[uint32]Instant{}}
		id := rapid.Uint32Range(0, timers)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				i := id.Draw(t, "id")
				at := now + span(t, "in") - span(t, "ago")/1000
				w.Set(i, at)
				m.at[i], m.set[i] = at, now
			},
			"never": func(t *rapid.T) {
				i := id.Draw(t, "id")
				w.Set(i, Never)
				delete(m.at, i)
			},
			"cancel": func(t *rapid.T) {
				i := id.Draw(t, "id")
				_, want := m.at[i]
				if got := w.Cancel(i); got != want {
					t.Fatalf("Cancel(%d) = %v, want %v", i, got, want)
				}
				delete(m.at, i)
			},
			"wait": func(t *rapid.T) {
				now += span(t, "wait")
				m.drain(t, &w, now)
			},
			"wait for next": func(t *rapid.T) {
				if next := w.Next(); next != Never {
					now = max(now, next)
					m.drain(t, &w, now)
				}
			},
			"one": func(t *rapid.T) {
				now += span(t, "wait")
				if i, ok := w.Expire(now); ok {
					m.fired(t, i, now)
				}
			},
			"": func(t *rapid.T) { m.agrees(t, &w, timers) },
		})
	})
}

// Long scripts with many timers in one slot, which rapid seldom reaches.
func TestWheelLongRun(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var r Rand
	r.Seed(seed)
	const timers = 60
	now := Instant(0)
	var w Wheel
	w.Init(timers, now)
	m := slowWheel{at: map[uint32]Instant{}, set: map[uint32]Instant{}}
	for range 40000 {
		id := r.Uint32n(timers + 1)
		switch r.Uint32n(8) {
		case 0, 1:
			at := now + r.Between(0, 1<<r.Uint32n(50))
			w.Set(id, at)
			m.at[id], m.set[id] = at, now
		case 2: // near another one, on either side
			if far, ok := m.at[r.Uint32n(timers+1)]; ok {
				at := far + r.Between(-1, 1)<<r.Uint32n(30)
				w.Set(id, at)
				m.at[id], m.set[id] = at, now
			}
		case 3:
			w.Cancel(id)
			delete(m.at, id)
		case 4:
			now += r.Between(0, 1<<r.Uint32n(34))
			m.drain(t, &w, now)
		case 5:
			if i, ok := w.Expire(now); ok {
				m.fired(t, i, now)
			}
		default:
			if next := w.Next(); next != Never {
				now = max(now, next)
				m.drain(t, &w, now)
			}
		}
		m.agrees(t, &w, timers)
	}
}

// drain takes out all that is due and looks for what should have been.
func (m *slowWheel) drain(t fataler, w *Wheel, now Instant) {
	var last Instant
	for {
		i, ok := w.Expire(now)
		if !ok {
			break
		}
		due := max(m.at[i], m.set[i])
		if due+2*Tick < last {
			t.Fatalf("timer %d due at %d after one due at %d", i, due, last)
		}
		last = due
		m.fired(t, i, now)
	}
	for i, at := range m.at {
		if max(at, m.set[i])+Tick <= now {
			t.Fatalf("timer %d for %d, set at %d, is still armed at %d", i, at, m.set[i], now)
		}
	}
	if next := w.Next(); next <= now {
		t.Fatalf("Next is %d after all was taken out at %d", next, now)
	}
}

func (m *slowWheel) fired(t fataler, i uint32, now Instant) {
	at, ok := m.at[i]
	if !ok {
		t.Fatalf("timer %d fired and is not armed", i)
	}
	if at > now {
		t.Fatalf("timer %d for %d fired at %d", i, at, now)
	}
	delete(m.at, i)
}

func (m *slowWheel) agrees(t fataler, w *Wheel, timers uint32) {
	next := w.Next()
	if len(m.at) == 0 && next != Never {
		t.Fatalf("Next is %d, nothing is armed", next)
	}
	for i := range timers + 1 {
		at, want := m.at[i]
		if got := w.Armed(i); got != want {
			t.Fatalf("Armed(%d) = %v, want %v", i, got, want)
		}
		if want && next >= max(at, m.set[i])+Tick+1 {
			t.Fatalf("Next is %d, timer %d is for %d", next, i, at)
		}
	}
}

// Following Next is enough: it fires each timer in its tick, and how often it
// wakes for nothing is bounded by the cancels.
func TestNextMakesProgress(t *testing.T) {
	var r Rand
	r.Seed(11)
	const timers = 200
	var w Wheel
	w.Init(timers, 0)
	at := make([]Instant, timers)
	for id := range uint32(timers) {
		at[id] = r.Between(0, 1<<(10+id%45))
		w.Set(id, at[id])
	}
	wakes := 0
	for next := w.Next(); next != Never; next = w.Next() {
		wakes++
		fired := 0
		for id, ok := w.Expire(next); ok; id, ok = w.Expire(next) {
			fired++
			if late := next - at[id]; late < 0 || late > Tick {
				t.Fatalf("timer for %d fired at %d", at[id], next)
			}
		}
		if fired == 0 {
			t.Fatalf("woke at %d for nothing", next)
		}
	}
	if wakes > timers {
		t.Errorf("%d wakes for %d timers", wakes, timers)
	}
}

// A handler that re-arms its timer for now must not keep Expire busy for ever.
func TestRearmingAtOnceEnds(t *testing.T) {
	var w Wheel
	w.Init(3, 0)
	for id := range uint32(4) {
		w.Set(id, 0)
	}
	for round := Instant(1); round < 100; round++ {
		var fired []uint32
		for id, ok := w.Expire(round * Tick); ok; id, ok = w.Expire(round * Tick) {
			fired = append(fired, id)
			w.Set(id, round*Tick)
		}
		if !slices.Equal(fired, []uint32{0, 1, 2, 3}) {
			t.Fatalf("round %d: %v", round, fired)
		}
	}
}

// What is set in the past fires one tick after the wheel's time, not at once.
func TestPastFiresNextTick(t *testing.T) {
	var w Wheel
	w.Init(1, 0)
	w.Expire(10 * Tick)
	w.Set(1, 3*Tick)
	if _, ok := w.Expire(10 * Tick); ok {
		t.Error("fired in the tick that was already worked off")
	}
	if got := w.Next(); got != 11*Tick {
		t.Errorf("Next = %d ticks", got/Tick)
	}
	if _, ok := w.Expire(11 * Tick); !ok {
		t.Error("did not fire")
	}
}

// The ends of the scale: no overflow, no early fire.
func TestWheelFarTimers(t *testing.T) {
	var w Wheel
	w.Init(4, -5*Second)
	w.Set(1, Never-1)
	w.Set(2, 1<<62)
	w.Set(3, -9*Second)
	f := func(now Instant, want uint32, wantOK bool) {
		t.Helper()
		if id, ok := w.Expire(now); ok != wantOK || ok && id != want {
			t.Errorf("Expire(%d) = %d, %v", now, id, ok)
		}
	}
	f(-5*Second, 0, false)
	f(-5*Second+Tick, 3, true)
	f(1<<62-1, 0, false)
	f(1<<62+Tick, 2, true)
	f(Never-Tick, 0, false)
	if !w.Armed(1) || w.Next() < Never-Tick {
		t.Errorf("armed %v, next %d", w.Armed(1), w.Next())
	}
}

func TestWheelAllocs(t *testing.T) {
	var w Wheel
	var r Rand
	now := Instant(0)
	w.Init(100, now)
	got := testing.AllocsPerRun(1000, func() {
		w.Set(r.Uint32n(101), now+r.Between(0, Second))
		w.Cancel(r.Uint32n(101))
		now = max(now, min(w.Next(), now+Millisecond))
		for _, ok := w.Expire(now); ok; _, ok = w.Expire(now) {
		}
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkWheelSetCancel(b *testing.B) {
	var w Wheel
	var r Rand
	w.Init(10000, 0)
	for id := range uint32(10000) {
		w.Set(id, r.Between(0, 60*Second))
	}
	id := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		id = (id + 7919) % 10000
		w.Cancel(id)
		w.Set(id, Instant(id)<<22)
	}
}

// One op is one timer of a thousand that fires and is set again 200 ms ahead.
func BenchmarkWheelFire(b *testing.B) {
	var w Wheel
	w.Init(1000, 0)
	for id := range uint32(1000) {
		w.Set(id, Instant(id)*200*Microsecond)
	}
	now := Instant(0)
	b.ReportAllocs()
	for b.Loop() {
		id, ok := w.Expire(now)
		for !ok {
			now = w.Next()
			id, ok = w.Expire(now)
		}
		w.Set(id, now+200*Millisecond)
	}
}

// TestWheelTakesWhatIsArmed: a timer that is not armed takes four bytes, and links are used again: there
// are as many as were armed at once.
func TestWheelTakesWhatIsArmed(t *testing.T) {
	const timers, most = 10_000, 300
	var w Wheel
	var r Rand
	w.Init(timers, 0)
	now := Instant(0)
	for range 200 {
		for range most {
			w.Set(r.Uint32n(timers+1), now+r.Between(0, Second))
		}
		for id := range uint32(timers + 1) {
			if r.Uint32n(2) == 0 {
				w.Cancel(id)
			}
		}
		now += 2 * Second
		for _, ok := w.Expire(now); ok; _, ok = w.Expire(now) {
		}
	}
	if n := len(w.links) - slots; n > most || n < most/2 {
		t.Errorf("there are %d links, at most %d timers were armed", n, most)
	}
	is := len(w.armed)*int(unsafe.Sizeof(w.armed[0])) + len(w.links)*int(unsafe.Sizeof(link{}))
	if got := WheelBytes(timers, len(w.links)-slots); got != is {
		t.Errorf("WheelBytes = %d, it takes %d", got, is)
	}
}
