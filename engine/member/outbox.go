package member

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Next gives the next frame to send: answers to probes before everything else, then
// pings, burials, and what the table wants. It is good until the next call; nil:
// nothing for now.
func (d *Detector) Next(now sched.Instant) *Send {
	if !d.on {
		return nil
	}
	s := &d.send
	if d.left.answers+d.left.pings+d.left.burials > 0 {
		*s = Send{}
		if d.nextAnswer(s) || d.nextPing(now, s) || d.nextBurial(s) {
			return s
		}
	}
	for d.Table.Next(now, s) {
		if s.Kind == SendGrave && d.graves.Addr(s.Grave).IsValid() || s.Kind != SendGrave && d.host.Reaches(s.To) {
			return s
		}
	}
	return nil
}

func (d *Detector) nextAnswer(s *Send) bool {
	for a, n := &d.answers, &d.left.answers; *n > 0; {
		*n--
		if to := a.to[*n]; d.host.Reaches(to) {
			s.Kind, s.To, s.ack = SendAnswer, to, a.ack[*n]
			return true
		}
	}
	return false
}

func (d *Detector) nextPing(now sched.Instant, s *Send) bool {
	for i := range d.pings.list {
		g := &d.pings.list[i]
		if !g.due {
			continue
		}
		g.due, g.sent = false, now
		d.left.pings--
		if d.host.Reaches(g.to) {
			s.Kind, s.To = SendPing, g.to
			s.Probe = codec.Probe{Target: g.id, Nonce: g.nonce, Incarnation: d.Incarnation(g.to), Health: d.Health()}
			return true
		}
	}
	return false
}

func (d *Detector) nextBurial(s *Send) bool {
	for n := &d.left.burials; *n > 0; *n-- {
		if to := d.burials.to[*n-1]; d.host.Contact(to).Proven && d.host.Reaches(to) {
			s.Kind, s.To = SendBurials, to
			return true
		}
	}
	return false
}

// AppendSend appends the records of what Next gave, in at most room bytes (see
// Table.AppendSend); nothing if there is nothing to send after all.
func (d *Detector) AppendSend(dst []byte, room int, s *Send) []byte {
	switch s.Kind {
	case SendAnswer:
		return d.AppendAnswer(dst, room, &s.ack)
	case SendPing:
		return codec.AppendProbe(dst, &s.Probe)
	case SendBurials:
		return d.appendBurials(dst, s.To)
	default:
		return d.Table.AppendSend(dst, room, s)
	}
}

// appendBurials tells one member of all burials that it should know of. A higher
// incarnation there is found by the comparison of facts.
func (d *Detector) appendBurials(dst []byte, to uint32) []byte {
	b, start, kept := &d.burials, len(dst), 0
	dst = codec.BeginRecord(dst, codec.TypeVerdict)
	for i := range d.left.burials {
		if b.to[i] != to {
			b.to[kept], b.id[kept] = b.to[i], b.id[i]
			kept++
			continue
		}
		dst = codec.AppendFact(dst, codec.Fact{ID: b.id[i], Status: Buried})
	}
	d.left.burials = kept
	return codec.EndRecord(dst, start)
}
