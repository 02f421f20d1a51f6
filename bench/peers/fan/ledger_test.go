package main

import (
	"testing"
	"time"
)

// A write counts as everywhere when the last holder other than its writer has it, by its value or by its
// version; replicas differ until they hold what was written last; an older value never comes back.
func TestLedgerCounts(t *testing.T) {
	l := newLedger(3, 2, 1000, time.Second)
	var v [valueBytes]byte
	put := func(stamp uint64, writer, key int) []byte {
		fillValue(v[:], stamp, writer, key)
		l.newest[writer*l.keys+key] = stamp
		return v[:]
	}
	first := measuredBit | uint64(1)
	l.due[0] = clock()
	b := put(first, 0, 1)
	for h := range 3 { // its own holder does not count
		l.arrived(h, b)
		if done := l.took[0].Load() > 0; done != (h == 2) {
			t.Errorf("everywhere is %v after holder %d", done, h)
		}
	}
	if n := l.differ(); n != 0 || l.delivered() != 2 {
		t.Errorf("%d keys differ after %d deliveries", n, l.delivered())
	}
	second := measuredBit | uint64(2)
	old := append([]byte(nil), b...)
	b = put(second, 0, 1)
	l.arrived(1, b)
	l.arrived(1, old)
	if n := l.differ(); n != 1 {
		t.Errorf("%d keys differ, want the one at holder 2", n)
	}
	l.foresee(1, 7, measuredBit|3)
	l.reached(0, 1, 6, clock())
	l.reached(0, 1, 7, clock())
	l.reached(2, 1, 9, clock())
	if list, missed := l.times(3); len(list) != 2 || missed != 1 {
		t.Errorf("%d have times and %d have none", len(list), missed)
	}
}

// What limits a rate is told, and a rate that misses nothing is sustained.
func TestWhatLimits(t *testing.T) {
	good := cell{Rate: 1000, Written: 1000, P99: 3}
	if !good.sustained() {
		t.Error("a good cell is not sustained")
	}
	for _, bad := range []cell{
		{Rate: 1000, Written: 980, P99: 3},
		{Rate: 1000, Written: 1000, Overtaken: 0.03},
		{Rate: 1000, Written: 1000, Differ: 1},
		{Rate: 1000, Written: 1000, P99: 501},
		{Skipped: "not there"},
	} {
		if bad.sustained() || bad.limit() == "" {
			t.Errorf("%+v: %q", bad, bad.limit())
		}
	}
}
