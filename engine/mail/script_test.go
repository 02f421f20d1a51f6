package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/fuzz/golden"
	"github.com/quidnunc/quidnunc/sched"
)

// TestFlushScript: flushes of a node that is busy, quiet, late and busy again, with a loop of its own
// and in one that is shared with another.
func TestFlushScript(t *testing.T) {
	for name, shared := range map[string]bool{"own": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			golden.Run(t, 20_000, func(s *golden.Script) {
				var w sched.Wheel
				var loop Credit
				var all [2]Flush
				w.Init(2, 0)
				for i := range all {
					all[i].Init(w.Timer(uint32(i)), 10*sched.Millisecond)
					if shared {
						all[i].loop = &loop
					}
				}
				now := sched.Instant(sched.Second)
				for s.Next() {
					if now += sched.Instant(s.UpTo(uint64(2 * sched.Millisecond))); s.Chance(2000) {
						now += sched.Instant(s.UpTo(uint64(100 * sched.Second)))
					}
					i := s.Rand.Uint32n(2)
					f := &all[i]
					switch s.Rand.Uint32n(8) {
					case 0:
						f.Own()
					case 1:
						f.End(now)
					case 2:
						f.Rest(now, int(s.UpTo(3)), int(s.UpTo(3)))
					case 3:
						loop.Slept(sched.Instant(s.UpTo(uint64(3 * sched.Millisecond))))
						s.Say(loop.Look(now))
					case 4, 5:
						s.Say(f.Arm(now, s.Chance(2)))
					default:
						s.Say(f.Begin())
						f.Sent(now, int(s.UpTo(60)), sched.Instant(s.UpTo(uint64(12*sched.Millisecond))))
					}
					s.Say(w.Next(), f.paid-now, f.peers, f.given, f.own, f.armed, f.idle, loop)
				}
			})
		})
	}
}

// TestMailScript: own news of all classes for peers that acknowledge it, lose it, say that they lack
// some, are late, have no room, rest and come back.
func TestMailScript(t *testing.T) {
	golden.Run(t, 6000, func(s *golden.Script) {
		n := newNode(t, usual())
		now := sched.Instant(sched.Second)
		for s.Next() {
			now += sched.Instant(s.UpTo(uint64(30 * sched.Millisecond)))
			p := 1 + s.Rand.Uint32n(peers)
			top := n.store.Max(n.own)
			switch s.Rand.Uint32n(10) {
			case 0, 1, 2:
				if s.Chance(2) {
					n.mail.Class(tune.Class(s.Rand.Uint32n(3)))
				}
				n.write(t, now)
			case 3:
				s.Say(n.have(now, p, top-min(top, s.UpTo(4)), !s.Chance(5)))
			case 4:
				s.Say(n.have(now, p, top, true))
			case 5:
				n.mail.Lost(now, p)
			case 6:
				n.mail.Owe(now, p)
			case 7:
				n.mail.Resend(now, p)
			case 8:
				n.mail.FlushNow(now)
			default:
				now = max(now, min(n.wheel.Next(), now+sched.Second))
			}
			n.fire(s, now)
			for p := uint32(1); p <= peers; p++ {
				if !s.Chance(3) {
					s.Say(n.send(now, p))
				}
			}
			s.Say(n.count, n.shared, n.cursors, n.debts, n.wheel.Next(), n.mail.flush.armed, n.learnt)
		}
	})
}

// fire has what the timers wake happen.
func (n *node) fire(s *golden.Script, now sched.Instant) {
	for id, ok := n.wheel.Expire(now); ok; id, ok = n.wheel.Expire(now) {
		p := (id - 1) / 2
		switch {
		case id == timerFlush:
			n.mail.FlushNow(now)
		case id%2 == timerResend:
			s.Say(p, n.mail.Resend(now, p))
		default:
			n.page.Now, n.page.Limit, n.page.Peer = now, 1200, p
			out, done := n.mail.AppendHave(n.buf[:0], &n.page)
			s.Say(p, len(out), done)
		}
	}
}
