package detect

import (
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// Mass is what MassDeath has shown.
type Mass struct {
	Took      sched.Instant // until every survivor believed every one of the dead to be dead
	FalseDead int           // survivors that anybody believed dead
	Done      bool          // within the limit
	Late      int           // pairs of a survivor and a dead one that took longer than 0.6 s
}

// closedBound is how long a death may take to be known where ports are closed.
const closedBound = 600 * ms

// MassDeath lets some nodes die at once and watches until all survivors agree, or limit is over.
func MassDeath(cfg Config, die int, limit sched.Instant) (Mass, error) {
	cfg.Defaults()
	mc, err := cfg.times()
	if err != nil {
		return Mass{}, err
	}
	var res Mass
	n := cfg.Nodes
	w := start(n, cfg.Seed, mc, smallLimits(n, n), cfg.Network)
	w.closed, w.chat = cfg.Closed, cfg.Chat
	missing, killed := die*(n-die), map[uint32]bool{}
	w.change = func(at uint32, c *member.Change) {
		switch down := w.hosts[c.Member].down; {
		case c.To == member.Dead && down:
			missing--
		case c.To == member.Dead:
			killed[c.Member] = true
		}
	}
	w.run(5 * mc.Period)
	order := w.shuffled()
	for _, h := range order[:die] {
		w.crash(h)
	}
	for missing > 0 && res.Took < limit {
		w.chats()
		w.run(10 * ms)
		if res.Took += 10 * ms; res.Took == closedBound {
			res.Late = missing
		}
	}
	res.FalseDead, res.Done = len(killed), missing == 0
	return res, nil
}

// HealResult is what Partition has shown.
type HealResult struct {
	Cut       sched.Instant // from the cut until every node believed all beyond it dead; 0: not all did
	Healed    sched.Instant // from the end of the cut until every node believed every node alive
	Contact   sched.Instant // until the first node came back
	FalseDead int           // pairs of nodes never cut off from each other, of which one believed the other dead
	Done      bool          // all came back within the limit
}

// Partition cuts n nodes into parts that can't reach each other, heals after a time, and watches.
// oneWay lets frames through from lower to higher parts.
func Partition(n, parts int, seed uint64, profile string, cut, limit sched.Instant, oneWay bool) (HealResult, error) {
	mc, err := Profile(profile)
	if err != nil {
		return HealResult{}, err
	}
	var res HealResult
	w := start(n, seed, mc, smallLimits(n, n), Network{Delay: 50 * sched.Microsecond, Jitter: 100 * sched.Microsecond})
	part := func(h uint32) uint32 { return h % uint32(parts) }
	beyond := 0 // pairs that are dead and ought to be
	w.change = func(at uint32, c *member.Change) {
		switch cutOff := part(at) != part(c.Member); {
		case !cutOff && c.To == member.Dead:
			res.FalseDead++
		case cutOff && c.To == member.Dead:
			beyond++
		case cutOff && c.From == member.Dead:
			beyond--
		}
	}
	w.run(5 * mc.Period)
	w.cut = func(from, to uint32) bool {
		a, b := part(from), part(to)
		return a != b && (!oneWay || a > b)
	}
	all := w.pairsApart(part)
	for t := sched.Instant(0); t < cut; t += 10 * ms {
		w.run(10 * ms)
		if beyond == all && res.Cut == 0 {
			res.Cut = t + 10*ms
		}
	}
	w.cut = nil
	before := beyond
	for res.Healed < limit && !res.Done {
		w.run(10 * ms)
		res.Healed += 10 * ms
		if res.Contact == 0 && beyond < before {
			res.Contact = res.Healed
		}
		res.Done = beyond == 0 && w.allAlive()
	}
	return res, nil
}

func (w *world) pairsApart(part func(uint32) uint32) (pairs int) {
	for a := range w.hosts {
		for b := range w.hosts {
			if a > 0 && b > 0 && part(uint32(a)) != part(uint32(b)) {
				pairs++
			}
		}
	}
	return pairs
}

func (w *world) allAlive() bool {
	for a := range w.hosts {
		for b := range w.hosts {
			if a > 0 && b > 0 && w.hosts[a].table.Status(uint32(b)) != member.Alive {
				return false
			}
		}
	}
	return true
}

func (w *world) shuffled() []uint32 {
	order := make([]uint32, len(w.hosts)-1)
	for i := range order {
		order[i] = uint32(i + 1)
	}
	sched.Shuffle(&w.rand, order)
	return order
}
