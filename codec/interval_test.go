package codec

import "testing"

// recodeIntervals is the recoder's part for repair by intervals.
func (c *recoder) recodeIntervals(dst []byte, t Type, body []byte) ([]byte, error) {
	l, pulls := &c.intervals, t == TypeIntervalPull || t == TypeAuditPull
	err := error(nil)
	if pulls {
		err = ParseIntervalPull(body, l)
	} else {
		err = ParseIntervals(body, l)
	}
	if err != nil {
		return dst, err
	}
	c.iw.Begin(dst, 1<<20, t, l.ID, l.Max)
	if !pulls {
		for x := (Interval{}); l.Next(&x); {
			c.iw.Add(&x)
		}
		return c.iw.End(), nil
	}
	for x := (IntervalPull{}); l.NextPull(&x); {
		c.iw.Ask(&x)
	}
	return c.iw.End(), nil
}

// addIntervals adds samples of the records that recodeIntervals knows, boundary values among them.
func addIntervals(add func(name string, b []byte)) {
	var w IntervalWriter
	w.Begin(nil, 200, TypeIntervals, 7, 300)
	w.Add(&Interval{0, 64, 60, 0xfeed})
	w.Add(&Interval{64, 65, 0, 0})
	w.Add(&Interval{200, 300, 100, 1})
	add("record/intervals", w.End())
	w.Begin(nil, 200, TypeIntervals, 1<<64-1, VersionMax)
	w.Add(&Interval{0, VersionMax, VersionMax, 1<<64 - 1})
	add("record/intervals-most", w.End())
	w.Begin(nil, 200, TypeIntervalPull, 7, 300)
	w.Ask(&IntervalPull{0, 64, 1})
	w.Ask(&IntervalPull{64, 300, 4096})
	add("record/interval-pull", w.End())
	w.Begin(nil, 200, TypeIntervalPull, 1<<64-1, VersionMax)
	w.Ask(&IntervalPull{VersionMax - 1, VersionMax, VersionMax})
	add("record/interval-pull-most", w.End())
	w.Begin(nil, 200, TypeAudits, 7, 300)
	w.Add(&Interval{10, 74, 64, 0xfeed})
	add("record/audits", w.End())
	w.Begin(nil, 200, TypeAuditPull, 7, 300)
	w.Ask(&IntervalPull{10, 74, 1})
	w.Ask(&IntervalPull{74, 300, 64})
	add("record/audit-pull", w.End())
	var r RunWriter
	r.BeginPart(nil, 200, RunHead{ID: 7, From: 2, Floor: 1, Max: 9})
	r.Entry(&Entry{Version: 4, Key: []byte("addr"), Value: []byte("x")})
	add("record/part", r.End(5))
}

// TestIntervalsFit: a writer stops where the room ends, and an interval that can't be is refused.
func TestIntervalsFit(t *testing.T) {
	var w IntervalWriter
	if w.Begin(nil, intervalsHeadBytesMax-1, TypeIntervals, 1, 1) {
		t.Error("an empty record fits nowhere")
	}
	w.Begin(nil, 100, TypeIntervals, 1, VersionMax)
	n := uint64(0)
	for w.Add(&Interval{From: n, To: n + 1, Count: 1, Print: 1}) {
		n++
	}
	b := w.End()
	if len(b) > 100 || w.Count() != int(n) || n < 7 {
		t.Errorf("%d bytes, %d of %d intervals", len(b), w.Count(), n)
	}
	for _, bad := range []Interval{{3, 3, 0, 0}, {4, 3, 0, 0}, {5, 6, 2, 1}, {5, 6, 0, 1}, {5, VersionMax + 1, 0, 0}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v is taken", bad)
				}
			}()
			w.Begin(nil, 100, TypeIntervals, 1, 1)
			w.Add(&bad)
		}()
	}
}
