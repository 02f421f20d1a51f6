package flow

import "github.com/quidnunc/quidnunc/sched"

// Exchange is what is remembered of the exchange that runs with a peer.
type Exchange struct {
	at   sched.Instant
	set  int32 // entries that the peer lacked, before truncation
	sent int32 // entries of answers
}

// Begin forgets the exchange before.
func (x *Exchange) Begin(now sched.Instant) { *x = Exchange{at: now} }

// At is the exchange that runs now: one that began half an interval ago is over.
func (x *Exchange) At(now, interval sched.Instant) *Exchange {
	if now-x.at >= interval/2 {
		x.Begin(now)
	}
	return x
}

// Lacks notes entries that the peer was found to lack.
func (x *Exchange) Lacks(n int) { x.set += int32(max(0, n)) }

// Sent notes entries that it was sent.
func (x *Exchange) Sent(n int) { x.sent += int32(n) }

// Over reports whether the peer lacks more than the exchange can hold.
func (x *Exchange) Over(limit int) bool { return int(x.set) > limit }

// Left is how many of so many entries may still be sent.
func (x *Exchange) Left(most int) int { return max(0, most-int(x.sent)) }

// Service is how a partner was served beside the exchange.
type Service struct {
	Starved bool   // its budget left it unserved for an interval
	Pushed  bool   // writes are sent as they come, not with exchanges alone
	Used    uint32 // rate at which own writes are published
	Rate    uint32 // of the partner's budget
}

// Load is what the exchange showed of what the peer lacks: over the limit, or left
// unserved. While writes are pushed and less of them is published than the budget
// takes, by an eighth, what the partner lacks is on its way out already: that is
// neither.
func (x *Exchange) Load(limit int, s Service) Load {
	load := LoadOf(int(x.set), limit)
	if s.Starved {
		load = Over
	}
	if load == Over && s.Pushed && uint64(s.Used)*8 < uint64(s.Rate)*7 {
		return Even
	}
	return load
}

// Partner is whom this node started its last exchange with, and what came of it.
type Partner struct {
	peer uint32 // 0: nobody
	over bool   // it said that its set for us is above the limit
	got  int    // entries that it sent
}

// Begin starts an exchange.
func (p *Partner) Begin(peer uint32) { *p = Partner{peer: peer} }

// Peer is the partner; 0: nobody.
func (p *Partner) Peer() uint32 { return p.peer }

// Got notes entries that a peer sent.
func (p *Partner) Got(peer uint32, n int) {
	if peer == p.peer {
		p.got += n
	}
}

// SaysOver notes that a peer says that its set for us is above the limit.
func (p *Partner) SaysOver(peer uint32) {
	if peer == p.peer {
		p.over = true
	}
}

// Load is what the exchange showed of the partner's set for us. A set above the
// limit is one that the partner told of and filled half its answer from: one that
// it only tells of is not believed, and counts as neither, as does an answer of
// just as many entries as are counted.
func (p *Partner) Load(limit, counted int) Load {
	switch {
	case p.over && 2*p.got >= limit:
		return Over
	case p.over || p.got == counted:
		return Even
	default:
		return Slack
	}
}
