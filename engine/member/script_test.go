package member

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/fuzz/golden"
	"github.com/quidnunc/quidnunc/sched"
)

const scriptMembers = 14

// TestTableScript: what one member believes of others who answer, are late, fall silent, vote, accuse
// it and each other, leave, are refused by a kernel, come back in another life and are forgotten;
// some of what it hears is made up.
func TestTableScript(t *testing.T) {
	for name, cfg := range map[string]Config{"lan": LAN(), "quick": quick()} {
		t.Run(name, func(t *testing.T) {
			golden.Run(t, 6000, func(s *golden.Script) {
				r, x, now := new(Ring), new(Table), sched.Instant(sched.Second)
				r.Init(scriptMembers+1, [2]uint64{5, 6})
				cfg.GraveAge = 20 * sched.Second
				x.Init(&cfg, DefaultLimits(scriptMembers+1), r, 1, testID(1), 7, now)
				lives := [scriptMembers + 1]uint32{}
				id := func(h uint32) codec.OriginID { return testID(h + 100*lives[h]) }
				for h := uint32(2); h <= scriptMembers; h++ {
					x.Add(now, h, id(h))
				}
				var asked []Send
				silent := uint32(0) // members up to this one say nothing
				buf := make([]byte, 0, 1400)
				for s.Next() {
					if now += sched.Instant(s.UpTo(uint64(60 * ms))); s.Chance(300) {
						now += sched.Instant(s.UpTo(uint64(3 * sched.Second)))
					}
					if s.Chance(60) {
						silent = []uint32{0, 0, 1, 2, 4, 9}[s.Rand.Uint32n(6)]
					}
					x.Tick(now)
					h, other := 1+s.Rand.Uint32n(scriptMembers), 1+s.Rand.Uint32n(scriptMembers)
					switch s.Rand.Uint32n(24) {
					case 0:
						f := codec.Fact{ID: id(other), Incarnation: x.Incarnation(other) + uint32(s.UpTo(3)), Status: Status(s.Rand.Uint32n(uint32(codec.Statuses)))}
						if s.Chance(3) {
							f.Status = Suspect
						}
						x.OnFacts(now, h, codec.AppendFact(nil, f))
					case 1:
						s.Say(x.Remove(now, h), x.Find(id(h)))
						if lives[h]++; h != 1 {
							x.Add(now, h, id(h))
						} else {
							lives[h]--
						}
					case 2:
						x.Refused(now, h)
					case 3:
						x.Long(h, sched.Instant(s.UpTo(uint64(sched.Second))))
					case 4:
						x.Zone(now, h, uint16(s.Rand.Uint32n(3)))
					case 5:
						x.Left(now, h)
					case 6:
						s.Say(x.BuryNow(now, h))
					case 7:
						x.SeenPrint(now, h, s.Rand.Uint64())
					case 8:
						v := codec.Vote{Subject: id(other), Incarnation: x.Incarnation(other), Round: uint32(s.UpTo(100)), Stance: codec.Stance(1 + s.Rand.Uint32n(3)), Reply: s.Chance(3)}
						x.OnVote(now, h, &v)
					case 9:
						var ack codec.ProbeAck
						p := codec.Probe{Target: id(1), Nonce: uint32(s.UpTo(9)), Incarnation: x.Incarnation(1), Status: Status(s.Rand.Uint32n(3))}
						s.Say(x.OnProbe(now, h, &p, &ack), ack)
					case 10:
						if s.Chance(20) {
							x.Lagged(now, sched.Instant(s.UpTo(uint64(sched.Second))))
						}
					case 11, 12:
						if h > silent {
							x.Heard(now, h)
						}
					default:
						for k := range asked {
							p := &asked[k]
							if p.To <= silent || s.Chance(20) {
								continue
							}
							x.Heard(now, p.To)
							ack := codec.ProbeAck{Nonce: p.Probe.Nonce, Incarnation: p.Probe.Incarnation, Status: Alive}
							if s.Chance(30) {
								ack.Nonce++
							}
							x.OnAck(now, p.To, &ack)
						}
						asked = asked[:0]
					}
					var out Send
					for n := 0; n < 20 && x.Next(now, &out); n++ {
						b := x.AppendSend(buf[:0], 1300, &out)
						s.Say(out.Kind, out.To, out.Grave, b)
						if out.Kind == SendProbe && len(asked) < 20 {
							asked = append(asked, out)
						}
					}
					for c := (Change{}); x.NextChange(&c); {
						s.Say(c)
					}
					var e Evidence
					x.Explain(now, h, &e)
					s.Say(x.counters, x.Deadline()-now, x.Health(), x.LivePrint(), x.RTT(h), e)
					if x.LivePrint() != x.recomputePrint() {
						t.Fatalf("the fingerprint of what is believed is %x, want %x", x.LivePrint(), x.recomputePrint())
					}
				}
			})
		})
	}
}
