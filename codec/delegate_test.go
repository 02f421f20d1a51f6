package codec

import "testing"

// recodeDelegate is the recoder's part for delegation.
func (c *recoder) recodeDelegate(dst []byte, t Type, body []byte) ([]byte, error) {
	if t == TypeDelegate {
		var d Delegate
		if err := ParseDelegate(body, &d); err != nil {
			return dst, err
		}
		return AppendDelegate(dst, &d), nil
	}
	l, err := ParseCovered(body)
	if err != nil {
		return dst, err
	}
	start := len(dst)
	dst = BeginCovered(dst, l.Covers)
	for {
		serial, ok := l.Next()
		if !ok {
			return EndRecord(dst, start), nil
		}
		dst = AppendSerial(dst, serial)
	}
}

// addDelegate adds samples of its records.
func addDelegate(add func(name string, b []byte)) {
	add("record/delegate", AppendDelegate(nil, &Delegate{Serial: 7}))
	add("record/delegate-range", AppendDelegate(nil, &Delegate{Serial: 8, Ranged: true, Lo: 1, Hi: 1 << 60}))
	add("record/delegate-same", AppendDelegate(nil, &Delegate{Serial: 9, Same: true, Lazy: true, Back: 3}))
	add("record/delegate-most", AppendDelegate(nil, &Delegate{Serial: 1<<32 - 1, Back: VersionMax, Ranged: true, Lo: 1<<64 - 1, Hi: 1<<64 - 2}))
	add("record/covered", EndRecord(AppendSerial(BeginCovered(nil, true), 7), 0))
	add("record/covered-not", EndRecord(AppendSerial(AppendSerial(BeginCovered(nil, false), 1<<32-1), 1), 0))
}

// What no writer makes is refused.
func TestDelegateBodies(t *testing.T) {
	var d Delegate
	f := func(name string, body []byte, want error) {
		t.Helper()
		if got := ParseDelegate(body, &d); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	good := AppendDelegate(nil, &Delegate{Serial: 1, Ranged: true, Lo: 2, Hi: 3})[RecordBytes:]
	if len(good)+RecordBytes > DelegateBytesMax {
		t.Errorf("%d bytes", len(good))
	}
	f("good", good, nil)
	f("short", good[:4], ErrBody)
	f("cut", good[:len(good)-1], ErrBody)
	f("long", append(good[:len(good):len(good)], 0), ErrBody)
	f("no serial", append([]byte{0, 0, 0, 0}, good[4:]...), ErrOrder)
	f("two ranges", []byte{1, 0, 0, 0, 3<<1 | 1}, ErrFlags)
	f("no number", []byte{1, 0, 0, 0, 2}, ErrVarint)
	f("a range that is not there", []byte{1, 0, 0, 0, 1<<1 | 1}, ErrBody)
	c := func(name string, body []byte, want error) {
		t.Helper()
		if _, got := ParseCovered(body); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	c("good", []byte{1, 1, 0, 0, 0}, nil)
	c("empty", nil, ErrBody)
	c("without a serial", []byte{1}, ErrBody)
	c("half a serial", []byte{1, 1, 0, 0, 0, 2, 0}, ErrBody)
	c("another answer", []byte{2, 1, 0, 0, 0}, ErrFlags)
}
