package sched

// Instant is a point in monotonic time: nanoseconds since an arbitrary origin,
// the same origin for all instants that meet. The difference of two instants,
// a span, has the same type.
type Instant int64

// Never is later than every other instant. It is what "no deadline" looks like.
const Never Instant = 1<<63 - 1

// Wall is a point in civil time: nanoseconds since 1 January 1970 UTC. It may
// jump either way, so it is carried as data and never used to measure a span.
type Wall int64

// Spans. They are untyped, so that they mix with Instant and Wall alike.
const (
	Microsecond = 1000
	Millisecond = 1000 * Microsecond
	Second      = 1000 * Millisecond
)

// After returns the instant that lies span behind t, or Never where the sum
// does not fit. The span must not be negative.
func (t Instant) After(span Instant) Instant {
	if t > Never-span {
		return Never
	}
	return t + span
}
