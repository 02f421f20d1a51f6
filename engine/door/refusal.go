package door

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Who is not let in is told why, in the place of the answer: so nobody takes
// somebody for a member who does not take them. A refusal of a greeting that was
// read is sealed as the answer would be. One that could not be read, for it is of
// another version, another cluster, or under another key, is refused by a datagram
// whose form never changes; anybody who sees the greeting can make that one, so it
// is advice: it is told, and changes nothing.

// Refuse answers a greeting, from which Answer made r, with the reason and its
// detail. It reports false when the budget for that is used up.
func (d *Door) Refuse(now sched.Instant, r Reply, why codec.RefusalReason, detail uint64) bool {
	r.Kind, r.Why, r.Known = codec.TypeRefusal, why, detail
	return d.refusals.Take(now, d.Bucket(r.To)) && d.Push(&r)
}

// RefusePlain answers a greeting that can't be read. It reports false where the
// datagram is none, or there is no budget for it.
func (d *Door) RefusePlain(now sched.Instant, to netip.AddrPort, datagram []byte, why codec.RefusalReason) bool {
	nonce, ok := codec.RefusalNonce(datagram)
	if !ok {
		return false
	}
	r := Reply{To: to, Plain: true}
	copy(r.Echo[:], nonce[:])
	return d.Refuse(now, r, why, 0)
}

// Turned is why somebody does not take us.
type Turned struct {
	codec.Refusal
	Holder netip.AddrPort // RefusedName: where the one is that has our name, if it was said
	Plain  bool           // anybody may have said so
	At     sched.Instant  // 0: it was never said
}

// Parse reads the body of a refusal, and what stands behind it in its frame: the
// introduction of the one that has our name.
func (t *Turned) Parse(body, rest []byte) error {
	*t = Turned{}
	if err := codec.ParseRefusal(body, &t.Refusal); err != nil {
		return err
	}
	var in codec.Intro
	if kind, body, _ := codec.NextRecord(rest); kind == codec.TypeIntro && codec.ParseIntro(body, &in) == nil && codec.Dialable(in.Addr) {
		t.Holder = in.Addr
	}
	return nil
}

// ParsePlain reads the datagram of a refusal; an error: it is none.
func (t *Turned) ParsePlain(datagram []byte) error {
	*t = Turned{Plain: true}
	_, _, err := codec.ParseRefusalDatagram(datagram, &t.Refusal)
	return err
}

// Refused tells whether a refusal is one of a greeting of ours, to the address
// that it came from, a moment ago.
func (d *Door) Refused(now sched.Instant, from netip.AddrPort, t *Turned) bool {
	if !t.Holder.IsValid() {
		t.Holder = from
	}
	if !t.Plain {
		here, _ := d.Answers(now, from, &t.Echo)
		return here
	}
	epoch := uint64(now) / challengeSpan
	for ago := range uint64(2) {
		k := d.challenge(epoch-ago, from)
		if same(k[:codec.NonceBytes], t.Echo[:codec.NonceBytes]) {
			return true
		}
	}
	return false
}

// fullAgain is after what time a seed is asked again that had no seat.
const fullAgain = 2 * sched.Second

// Turned notes why a seed does not take us. Where that is sure it is asked seldom
// from now on.
func (s *Seeds) Turned(now sched.Instant, addr netip.AddrPort, why *Turned) {
	i := s.find(addr)
	if i < 0 {
		return
	}
	x := &s.list[i]
	if sure := &x.why; why.Reason != codec.RefusedBusy || sure.At == 0 || sure.Plain || sure.Reason == codec.RefusedBusy || now-sure.At > sched.Second {
		x.why, x.why.At = *why, max(1, now) // whoever asks the holder of a name anew is busy until that one has answered
	}
	switch {
	case why.Plain:
	case why.Reason == codec.RefusedBuried:
		x.next, x.tries = now+HelloFirst, 0
	case why.Reason == codec.RefusedBusy:
		x.next, x.tries = now+min(sched.Instant(min(why.Detail, 1<<20))*sched.Millisecond, BackoffMax), 0
	case why.Reason == codec.RefusedFull: // who is killed gives way once that is known
		x.next, x.tries = now+fullAgain, 0
	default:
		x.next, x.tries = max(x.next, now+BackoffMax/2), 30
	}
}

// Refusing lists the seeds that do not take us, as they said last since we were in touch, for a
// reason that lasts.
func (s *Seeds) Refusing() (addrs []netip.AddrPort) {
	for i := range s.list {
		if why := &s.list[i].why; why.At != 0 && why.Reason != codec.RefusedBusy && why.Reason != codec.RefusedBuried {
			addrs = append(addrs, s.list[i].addr)
		}
	}
	return addrs
}

// Why is the last reason that a seed gave since we were in touch; false if it
// gave none.
func (s *Seeds) Why(addr netip.AddrPort) (why Turned, ok bool) {
	if i := s.find(addr); i >= 0 {
		why = s.list[i].why
	}
	return why, why.At != 0
}
