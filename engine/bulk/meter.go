package bulk

import "github.com/quidnunc/quidnunc/sched"

// The law of a meter.
const (
	MeterSpan   = 100 * sched.Millisecond // over which is measured
	meterFall   = 8                       // what is held falls by one part in so many a span
	meterFaster = 2                       // datagrams are, that bring so many times as much
	meterSlower = 3                       // than at their best they are, that bring one part in so many
	meterTrial  = 2                       // spans for which datagrams don't make way, to be measured anew
	meterWait   = 8                       // spans before the first trial, and twice as many before each next
)

// Meter measures how much of what is missing comes by streams, and how much by datagrams, at a
// member that is brought up to date by both. Each brings what the other brings too, so the slower
// one only stands in the other's way, and makes way for it:
//
//   - Streams ask for nothing (Rests) while datagrams bring twice as much as they do, as on a path
//     that is wide and loses nothing, until that falls to a third of what it was: then both are compared
//     anew.
//   - Datagrams are held to a share of what comes by streams (Beside) otherwise, but now and then, ever
//     more rarely: they may have stumbled when they were measured.
//
// Beside each other both are slower than alone, streams more so, since an answer comes whole: hence
// twice. What a way brings rises at once and falls slowly, so that one that stumbles at its start is
// not given up, and is not measured while it makes way. The zero Meter is ready.
type Meter struct {
	at        sched.Instant // the start of the span; 0: nothing is missing
	seen      uint64        // entries that were news by any way, at at
	bytes     int           // by streams since then
	entries   int           // and entries
	news      int           // of which were news
	rate      uint64        // bytes a second by streams
	streams   uint64        // entries a second by streams
	datagrams uint64        // that were news, by datagrams
	best      uint64        // of these, while streams rest
	rests     bool
	beside    uint16 // spans since datagrams make way, or were tried
	wait      uint16 // until they are tried
}

// Took notes what streams brought.
func (m *Meter) Took(bytes, entries, news int) {
	m.bytes, m.entries, m.news = m.bytes+bytes, m.entries+entries, m.news+news
}

// Turn ends a span when it is over: all are the entries that were news so far, by any way; asked tells
// that a stream has something to bring. It reports whether a span ended.
func (m *Meter) Turn(now sched.Instant, all uint64, asked bool) bool {
	if m.at == 0 {
		*m = Meter{at: max(1, now), seen: all}
		return false
	}
	span := uint64(now - m.at)
	if now < m.Next() {
		return false
	}
	if m.Beside() == 0 {
		hold(&m.datagrams, max(all-m.seen, uint64(m.news))-uint64(m.news), span)
	}
	if asked || m.entries > 0 {
		hold(&m.rate, uint64(m.bytes), span)
		hold(&m.streams, uint64(m.entries), span)
	}
	m.judge()
	m.at, m.seen, m.bytes, m.entries, m.news = now, all, 0, 0, 0
	return true
}

// judge says who makes way.
func (m *Meter) judge() {
	switch slower := m.streams == 0 || m.datagrams <= meterFaster*m.streams; {
	case slower:
		m.rests, m.best = false, 0
		m.next()
	case m.datagrams < m.best/meterSlower:
		m.rests, m.best, m.rate, m.streams = false, 0, 0, 0
	default:
		m.rests, m.best = true, max(m.best, m.datagrams)
	}
}

// next goes on to the next trial of datagrams while they make way.
func (m *Meter) next() {
	if m.rate == 0 {
		return
	}
	m.wait = max(m.wait, meterWait)
	if m.beside++; m.beside == m.wait+meterTrial {
		m.beside, m.wait = 0, min(2*m.wait, 1<<14)
	}
}

// hold moves a rate to so many in a span: up at once, down in steps.
func hold(rate *uint64, n, span uint64) {
	now := n * uint64(sched.Second) / span
	*rate = max(now, *rate-(*rate-min(now, *rate))/meterFall)
}

// Next is when the span ends.
func (m *Meter) Next() sched.Instant { return m.at.After(MeterSpan) }

// Runs tells whether something is measured.
func (m *Meter) Runs() bool { return m.at != 0 }

// Rests tells whether streams should ask for nothing now.
func (m *Meter) Rests() bool { return m.rests }

// Beside is what comes by streams, in bytes a second, that datagrams have to make way for; 0: they
// have not.
func (m *Meter) Beside() uint64 {
	if m.rests || m.wait > 0 && m.beside >= m.wait {
		return 0
	}
	return m.rate
}
