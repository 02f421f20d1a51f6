package codec

import "encoding/binary"

// Interval is what somebody holds of an origin's versions above From, up to To: how many of its
// entries live there, and the print of their versions.
type Interval struct {
	From, To uint64
	Count    uint64 // at most To - From
	Print    uint64 // 0 if Count is
}

// IntervalPull asks for the intervals of a part of a log: those of Step entries each, in the order
// of versions.
type IntervalPull struct {
	From, To uint64
	Step     uint64 // entries, at least 1
}

// intervalsHead is what both records begin with: whose log it is, and what the sender holds of it.
const intervalsHeadBytesMax = RecordBytes + 8 + 8

// spans writes and reads the parts of a log: each begins at or above the end of the one before.
type spans struct{ end uint64 }

func (s *spans) fits(from, to uint64) bool { return from >= s.end && to > from && to <= VersionMax }

func (s *spans) bytes(from, to uint64) int { return uvarintBytes(from-s.end) + uvarintBytes(to-from-1) }

// append appends a part. It panics on one that is empty or begins below the end of the last.
func (s *spans) append(dst []byte, from, to uint64) []byte {
	if !s.fits(from, to) {
		panic("codec: intervals out of order")
	}
	dst = appendUvarint(appendUvarint(dst, from-s.end), to-from-1)
	s.end = to
	return dst
}

func (s *spans) cut(b []byte) (from, to uint64, rest []byte, err error) {
	skip, n := uvarint(b)
	if n == 0 || skip > VersionMax {
		return 0, 0, nil, ErrVarint
	}
	span, m := uvarint(b[n:])
	if m == 0 || span > VersionMax {
		return 0, 0, nil, ErrVarint
	}
	from, to = s.end+skip, s.end+skip+span+1
	if to > VersionMax {
		return 0, 0, nil, ErrOrder
	}
	s.end = to
	return from, to, b[n+m:], nil
}

// IntervalWriter appends an Intervals or an IntervalPull record part by part. A caller keeps one
// and uses it again.
type IntervalWriter struct {
	dst          []byte
	start, limit int
	count        int
	spans        spans
}

// Begin starts a record of type TypeIntervals or TypeIntervalPull, TypeAudits or TypeAuditPull,
// about the log of id, of which the sender holds max. limit bounds the length that dst may reach.
// It reports false, and leaves dst alone, if not even an empty record fits.
func (w *IntervalWriter) Begin(dst []byte, limit int, t Type, id OriginID, max uint64) bool {
	limit = min(limit, len(dst)+RecordBytes+RecordBodyMax)
	if len(dst)+intervalsHeadBytesMax > limit {
		return false
	}
	*w = IntervalWriter{start: len(dst), limit: limit}
	w.dst = appendUvarint(binary.LittleEndian.AppendUint64(BeginRecord(dst, t), uint64(id)), max)
	return true
}

// Add appends an interval. It reports false, and appends nothing, if that does not fit. It panics
// on one that is empty, begins below the end of the last, or counts more entries than it has
// versions.
func (w *IntervalWriter) Add(x *Interval) bool {
	if !w.spans.fits(x.From, x.To) || x.Count > x.To-x.From || x.Count == 0 && x.Print != 0 {
		panic("codec: not an interval")
	}
	n := w.spans.bytes(x.From, x.To) + uvarintBytes(x.Count) + 8
	if len(w.dst)+n > w.limit {
		return false
	}
	w.dst = appendUvarint(w.spans.append(w.dst, x.From, x.To), x.Count)
	w.dst = binary.LittleEndian.AppendUint64(w.dst, x.Print)
	w.count++
	return true
}

// Ask appends a part that is asked for; as Add.
func (w *IntervalWriter) Ask(x *IntervalPull) bool {
	if x.Step == 0 || x.Step > VersionMax {
		panic("codec: intervals of no size")
	}
	if len(w.dst)+w.spans.bytes(x.From, x.To)+uvarintBytes(x.Step) > w.limit {
		return false
	}
	w.dst = appendUvarint(w.spans.append(w.dst, x.From, x.To), x.Step)
	w.count++
	return true
}

// Count is the number of parts so far. A record without any is not valid: Cancel it.
func (w *IntervalWriter) Count() int { return w.count }

// End completes the record and gives the extended dst.
func (w *IntervalWriter) End() []byte {
	if w.count == 0 {
		panic("codec: no intervals")
	}
	return EndRecord(w.dst, w.start)
}

// Cancel gives dst as it was before Begin.
func (w *IntervalWriter) Cancel() []byte { return w.dst[:w.start] }

// Intervals is the checked body of an Intervals or an IntervalPull record, a view of the frame.
type Intervals struct {
	ID    OriginID
	Max   uint64 // what the sender holds of the origin
	rest  []byte
	spans spans
}

// ParseIntervals checks the body of an Intervals record. Next can't fail then.
func ParseIntervals(body []byte, l *Intervals) error {
	if err := l.head(body); err != nil {
		return err
	}
	var x Interval
	for c := *l; len(c.rest) > 0; {
		if err := c.interval(&x); err != nil {
			return err
		}
	}
	return nil
}

// ParseIntervalPull checks the body of an IntervalPull record. NextPull can't fail then.
func ParseIntervalPull(body []byte, l *Intervals) error {
	if err := l.head(body); err != nil {
		return err
	}
	var x IntervalPull
	for c := *l; len(c.rest) > 0; {
		if err := c.pull(&x); err != nil {
			return err
		}
	}
	return nil
}

// Next gives the next interval, or false at the end.
func (l *Intervals) Next(x *Interval) bool { return len(l.rest) > 0 && l.interval(x) == nil }

// NextPull gives the next part that is asked for, or false at the end.
func (l *Intervals) NextPull(x *IntervalPull) bool { return len(l.rest) > 0 && l.pull(x) == nil }

func (l *Intervals) head(b []byte) error {
	if len(b) < 8+1 {
		return ErrBody
	}
	*l = Intervals{ID: OriginID(binary.LittleEndian.Uint64(b))}
	if l.ID == 0 {
		return ErrOrigin
	}
	n := 0
	if l.Max, n = uvarint(b[8:]); n == 0 || l.Max > VersionMax {
		return ErrVarint
	}
	if l.rest = b[8+n:]; len(l.rest) == 0 {
		return ErrBody
	}
	return nil
}

func (l *Intervals) interval(x *Interval) (err error) {
	var b []byte
	if x.From, x.To, b, err = l.spans.cut(l.rest); err != nil {
		return err
	}
	n := 0
	if x.Count, n = uvarint(b); n == 0 {
		return ErrVarint
	}
	if len(b) < n+8 {
		return ErrBody
	}
	x.Print, l.rest = binary.LittleEndian.Uint64(b[n:]), b[n+8:]
	if x.Count > x.To-x.From || x.Count == 0 && x.Print != 0 {
		return ErrOrder
	}
	return nil
}

func (l *Intervals) pull(x *IntervalPull) (err error) {
	var b []byte
	if x.From, x.To, b, err = l.spans.cut(l.rest); err != nil {
		return err
	}
	n := 0
	if x.Step, n = uvarint(b); n == 0 || x.Step-1 >= VersionMax {
		return ErrVarint
	}
	l.rest = b[n:]
	return nil
}
