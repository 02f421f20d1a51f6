package flow

import "github.com/quidnunc/quidnunc/sched"

// Meter measures what the writer of the own origin uses and would like, in the
// unit of its rate. Both are smoothed over the last looks, by half each.
type Meter struct {
	published uint64 // since the last look
	wished    uint64 // refused since then
	used      uint32
	wants     uint32
	looked    sched.Instant
}

// Init begins to measure.
func (m *Meter) Init(now sched.Instant) { *m = Meter{looked: now} }

// Published notes the cost of a write that peers are told of.
func (m *Meter) Published(cost int) { m.published += uint64(cost) }

// Wished notes the cost of writes that were refused.
func (m *Meter) Wished(cost uint64) { m.wished += cost }

// Look ends a span of measuring, when so much waits to be published. It reports
// false when no time has passed.
func (m *Meter) Look(now sched.Instant, waiting uint64) bool {
	span := uint64(now - m.looked)
	if span == 0 {
		return false
	}
	smooth := func(v *uint32, cost uint64) {
		rate := min(cost*sched.Second/span, RateMax)
		*v = uint32((uint64(*v) + rate + 1) / 2)
	}
	smooth(&m.used, m.published)
	smooth(&m.wants, m.published+m.wished+waiting)
	m.published, m.wished, m.looked = 0, 0, now
	return true
}

// Used is the rate at which writes are published.
func (m *Meter) Used() uint32 { return m.used }

// Wants is the rate at which the writer would like to publish.
func (m *Meter) Wants() uint32 { return m.wants }
