package flow

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/fuzz/golden"
	"github.com/quidnunc/quidnunc/sched"
)

// TestBudgetScript: a budget through all that a path does to it: quick and slow
// answers, loss, marks, credits, silence, absurd acknowledgements.
func TestBudgetScript(t *testing.T) {
	golden.Run(t, 40_000, func(s *golden.Script) {
		var b Budget
		now := sched.Instant(sched.Second)
		b.Init(now, frameBytes, 1<<32-40) // its numbers go round
		seq, loss := uint32(1<<32-40), uint32(0)
		var got uint64 // what the peer saw of the last 64
		asks := []uint32{}
		for s.Next() {
			now += sched.Instant(s.UpTo(uint64(3 * sched.Millisecond)))
			if s.Chance(400) {
				loss = []uint32{0, 0, 1, 3, 12, 50}[s.Rand.Uint32n(6)]
			}
			if s.Chance(2000) {
				now += sched.Instant(s.UpTo(uint64(5 * sched.Second)))
			}
			switch s.Rand.Uint32n(8) {
			case 0:
				c := Class(s.Rand.Uint32n(uint32(Classes)))
				s.Say(c, b.Allow(now, c), b.When(c), b.RepairFirst(), b.Starved(now, 10*sched.Millisecond), b.Stalled())
			case 1:
				b.Hold(now)
			case 2:
				b.Release()
				b.Charge(int(s.Rand.Uint32n(200)))
			case 3:
				a := Ack{
					High: seq - uint32(s.UpTo(70)), Map: got, Sent: seq, Marked: s.Chance(30),
					Peers: int(s.UpTo(100)), Lag: sched.Instant(s.UpTo(uint64(4 * sched.Millisecond))),
				}
				a.Map >>= seq - a.High
				if len(asks) > 0 && s.Chance(2) {
					a.High, asks = asks[0], asks[1:]
					a.Map = got >> min(63, seq-a.High)
				}
				if s.Chance(20) {
					a.Credit = uint16(s.Rand.Uint64())
				}
				if s.Chance(100) {
					a.High = seq + 1 + uint32(s.UpTo(1000))
				}
				s.Say(b.Acked(now, &a))
			default:
				if !b.Allow(now, Normal) {
					b.Hold(now)
					break
				}
				ask := b.Ask(now)
				seq++
				b.Spend(now, int(100+s.Rand.Uint32n(frameBytes-100)), seq, ask)
				got <<= 1
				if s.Rand.Uint32n(100) >= loss {
					got |= 1
				}
				if ask {
					asks = append(asks, seq)
				}
			}
			s.Say(b, b.Rate(), b.Own(), b.Credit(), b.Loss(), b.RTT())
		}
	})
}

// TestSourcesScript: sources that share what they may publish over frames that are
// lost, late and doubled, some of which lie.
func TestSourcesScript(t *testing.T) {
	for name, plan := range map[string]Plan{
		"paper": PaperPlan(100, sched.Second), "default": DefaultPlan(frameBytes, 100*sched.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			golden.Run(t, 20_000, func(s *golden.Script) { sources(s, plan) })
		})
	}
}

func sources(s *golden.Script, plan Plan) {
	const n = 4
	var all [n]Source
	var pairs [n][n]Pair
	var late []codec.Rates
	for i := range all {
		all[i].Init(plan)
	}
	now := sched.Instant(sched.Second)
	for s.Next() {
		now += sched.Instant(s.UpTo(uint64(200 * sched.Millisecond)))
		i := int(s.Rand.Uint32n(n))
		j := (i + 1 + int(s.Rand.Uint32n(n-1))) % n
		x := &all[i]
		switch s.Rand.Uint32n(6) {
		case 0:
			x.Want(uint32(s.UpTo(RateMax)), uint32(s.UpTo(RateMax)))
		case 1:
			x.Exchange(Load(s.Rand.Uint32n(3)), Load(s.Rand.Uint32n(3)))
		case 2:
			x.Exchange(Slack, Slack)
		default:
			var h codec.Rates
			all[j].Tell(&pairs[j][i], &h, s.Chance(5))
			fresh := true
			switch s.Rand.Uint32n(20) {
			case 0: // lost
				continue
			case 1:
				late = append(late, h)
				continue
			case 2:
				if len(late) > 0 {
					h, late, fresh = late[0], late[1:], s.Chance(2)
				}
			case 3:
				h = codec.Rates{Rho: uint32(s.UpTo(1<<32 - 1)), Tau: uint32(s.UpTo(1<<32 - 1)), Given: int64(s.UpTo(1 << 62)), Taken: int64(s.UpTo(1<<62)) - 1000}
			}
			s.Say(x.Meet(now, &pairs[i][j], &h, fresh, int(s.UpTo(100)), sched.Second))
		}
		if s.Chance(1000) {
			x.SetLimit(uint32(s.UpTo(RateMax)))
		}
		s.Say(i, *x, x.Rates(), x.Free(), pairs[i][j], both(Share(Rates{uint32(s.UpTo(50)), uint32(s.UpTo(50))}, Rates{uint32(s.UpTo(50)), uint32(s.UpTo(50))})))
	}
}

// both makes one of two results.
func both(a, b uint32) [2]uint32 { return [2]uint32{a, b} }

// TestReceiverScript: a receiver under all loads, pressures and drops.
func TestReceiverScript(t *testing.T) {
	for name, limit := range map[string]uint64{"free": 0, "limited": 4 << 20} {
		t.Run(name, func(t *testing.T) {
			golden.Run(t, 40_000, func(s *golden.Script) {
				var r Receiver
				now, drops := sched.Instant(sched.Second), uint64(0)
				r.Init(now, limit)
				rate, foreign := uint32(3), uint32(0)
				for s.Next() {
					if s.Chance(3000) {
						rate, foreign = 1+s.Rand.Uint32n(40), s.Rand.Uint32n(2)*s.Rand.Uint32n(8)
					}
					now += sched.Instant(s.UpTo(uint64(sched.Millisecond)))
					if s.Chance(50) {
						if s.Chance(4) {
							drops += s.UpTo(10)
						}
						r.Pressure(int(s.UpTo(1<<20)), int(s.Rand.Uint32n(2))<<20, drops)
					}
					if s.Chance(2000) {
						r.Beside(s.UpTo(8 << 20))
					}
					for range rate {
						if !r.Arrived(now, s.Chance(4)) && (foreign == 0 || s.Chance(foreign)) {
							r.Took(int(s.Rand.Uint32n(frameBytes)))
						}
					}
					s.Say(r, r.Credit(), r.Level(), r.Rate(), r.Hot())
				}
			})
		})
	}
}

// TestMetersScript: meters, gates, exchanges, partners and credits.
func TestMetersScript(t *testing.T) {
	golden.Run(t, 20_000, func(s *golden.Script) {
		var m Meter
		var g Gate
		var x Exchange
		var p Partner
		now := sched.Instant(sched.Second)
		m.Init(now)
		g.Init(now, 1000, 5000)
		for s.Next() {
			now += sched.Instant(s.UpTo(uint64(sched.Second)))
			switch s.Rand.Uint32n(8) {
			case 0:
				m.Published(int(s.UpTo(1 << 20)))
			case 1:
				m.Wished(s.UpTo(1 << 20))
			case 2:
				s.Say(m.Look(now, s.UpTo(1<<20)), m.Used(), m.Wants())
			case 3:
				g.SetRate(now, uint32(s.UpTo(RateMax)))
			case 4:
				s.Say(g.Pass(now, int(s.UpTo(10_000))), g.When())
			case 5:
				g.Spend(now, int(s.UpTo(10_000)))
			case 6:
				x.At(now, sched.Second).Lacks(int(s.UpTo(100)) - 10)
				x.Sent(int(s.UpTo(100)))
				s.Say(x.Over(50), x.Left(80), x.Load(50, Service{s.Chance(3), s.Chance(2), uint32(s.UpTo(100)), uint32(s.UpTo(100))}))
			default:
				if s.Chance(5) {
					p.Begin(uint32(s.UpTo(3)))
				}
				p.Got(uint32(s.UpTo(3)), int(s.UpTo(100)))
				if s.Chance(4) {
					p.SaysOver(uint32(s.UpTo(3)))
				}
				s.Say(p.Peer(), p.Load(50, int(s.UpTo(100))))
			}
			c := uint16(s.Rand.Uint64())
			s.Say(m, x, p, Rate16(c), Credit16(uint32(s.UpTo(1<<32-1))), LoadOf(int(s.UpTo(5)), int(s.UpTo(5))))
		}
	})
}
