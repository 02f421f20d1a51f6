package epidemic

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// news is the one rumor of a run: origin 1, version 1.
const news = 1

// meeting is news that reached a site in this cycle and takes effect at its end.
type meeting struct {
	to, from uint32
	counter  uint8
}

// Cluster is n sites that run synchronous cycles over one update. It keeps one
// rumor.Table a site and nothing that the sites could not know, except for the
// measurement itself. A Cluster is reused from run to run.
type Cluster struct {
	policy   tune.RumorPolicy
	tables   []rumor.Table // by site
	knows    []bool        // by site; what the store would tell it
	arrivals []meeting     // of this cycle
	hot      []uint32      // sites that were infective when the cycle began
	rand     sched.Rand
	pairs    bool // on a call both sides send, also what the other one just sent

	// Serial makes contacts take effect one after the other, by infective sites
	// in random order: the differential equations' world. Push only.
	Serial bool

	cycle int
	run   Run
}

// Run is what one run measured.
type Run struct {
	Sent     int // updates sent
	Contacts int // contacts made, also those with nothing to send
	Refused  int // contacts that the connection limit refused
	Missed   int // sites still susceptible
	DelaySum int // cycles from injection to arrival, over the sites reached
	Last     int // cycle of the last arrival
	Cycles   int // cycles that were run
}

// NewCluster makes n sites that follow policy.
func NewCluster(n int, policy tune.RumorPolicy) *Cluster {
	c := &Cluster{
		policy:   policy,
		tables:   make([]rumor.Table, n),
		knows:    make([]bool, n),
		arrivals: make([]meeting, 0, n),
		hot:      make([]uint32, 0, n),
		pairs:    policy.Loss == tune.LossMedian,
	}
	for i := range c.tables {
		c.tables[i].Init(1, policy, 0)
	}
	return c
}

// start injects the update at site 0 before cycle 1.
func (c *Cluster) start(seed uint64) {
	c.rand.Seed(seed)
	clear(c.knows)
	for i := range c.tables {
		c.tables[i].Reset(c.rand.Uint64())
	}
	c.cycle, c.run = 0, Run{Missed: len(c.tables)}
	c.hot = c.hot[:0]
	c.infect(meeting{})
}

// Spread runs one update until nobody is infective or limit cycles have passed.
func (c *Cluster) Spread(seed uint64, limit int) Run {
	c.start(seed)
	for len(c.hot) > 0 && c.cycle < limit {
		c.step()
	}
	c.run.Cycles = c.cycle
	return c.run
}

// Inform runs one update until every site knows it.
func (c *Cluster) Inform(seed uint64, limit int) Run {
	c.start(seed)
	for c.run.Missed > 0 && c.cycle < limit {
		c.step()
	}
	c.run.Cycles = c.cycle
	return c.run
}

// step is one synchronous cycle: every contact sees the state at its beginning.
func (c *Cluster) step() {
	c.cycle++
	if c.Serial {
		c.serial()
		return
	}
	for range max(1, c.policy.Fanout) {
		if c.policy.Shape == tune.ShapePush {
			c.callHot()
		} else {
			c.callAll()
		}
	}
	c.end()
}

// serial is one cycle of contacts that take effect at once.
func (c *Cluster) serial() {
	for range len(c.hot) {
		if len(c.hot) == 0 {
			return
		}
		at := c.below(len(c.hot))
		s := c.hot[at]
		c.call(s)
		if c.tables[s].State(news) != rumor.Infective {
			last := len(c.hot) - 1
			c.hot[at] = c.hot[last]
			c.hot = c.hot[:last]
		}
		c.arrive()
	}
}

// callHot lets every infective site call somebody.
func (c *Cluster) callHot() {
	n := len(c.hot)
	at := c.below(n)
	for range n {
		c.call(c.hot[at])
		if at++; at == n {
			at = 0
		}
	}
}

// callAll lets every site call somebody, from a random one on, because the
// connection limit serves the first callers first.
func (c *Cluster) callAll() {
	n := len(c.tables)
	at := c.below(n)
	for range n {
		c.call(uint32(at))
		if at++; at == n {
			at = 0
		}
	}
}

// call connects site a to a random other one, hunting as the policy says.
func (c *Cluster) call(a uint32) {
	for refused := 0; ; {
		b := c.other(a)
		if c.tables[b].Accept() {
			c.meet(a, b)
			return
		}
		c.run.Refused++
		// Only its own place may be free: a hunt ends, however long.
		if refused++; !c.tables[a].Hunts(refused) || refused > 8*len(c.tables) {
			return
		}
	}
}

// meet is one contact: a called b.
func (c *Cluster) meet(a, b uint32) {
	c.run.Contacts++
	sent := false
	if c.policy.Shape != tune.ShapePull {
		sent = c.offer(a, b)
	}
	if c.policy.Shape != tune.ShapePush && (c.pairs || !sent) {
		c.offer(b, a)
	}
}

// offer sends what is hot at site from to site to, which answers.
func (c *Cluster) offer(from, to uint32) bool {
	var out [1]rumor.Offer
	giver, taker := &c.tables[from], &c.tables[to]
	if giver.Select(to+1, out[:]) == 0 {
		return false
	}
	giver.Sent(news)
	c.run.Sent++
	kind, counter := codec.FeedbackNeeded, uint8(0)
	if c.knows[to] {
		kind, counter = codec.FeedbackKnown, taker.Counter(news)
		if !c.pairs { // with pairs its own offer's answer tells it
			taker.Shown(news, out[0].Hi, from+1, out[0].Counter)
		}
	} else {
		c.arrivals = append(c.arrivals, meeting{to: to, from: from, counter: out[0].Counter})
	}
	if !c.policy.Blind {
		giver.Feedback(news, out[0].Hi, to+1, kind, counter)
	}
	return true
}

// end lets the cycle's effects happen.
func (c *Cluster) end() {
	keep := c.hot[:0]
	for _, s := range c.hot {
		if c.tables[s].CycleEnd(); c.tables[s].State(news) == rumor.Infective {
			keep = append(keep, s)
		}
	}
	c.hot = keep
	if c.policy.Limit != 0 { // the cold ones too accept anew
		for i := range c.tables {
			if c.tables[i].State(news) != rumor.Infective {
				c.tables[i].CycleEnd()
			}
		}
	}
	c.arrive()
}

// arrive applies the news that was sent.
func (c *Cluster) arrive() {
	for _, m := range c.arrivals {
		c.infect(m)
	}
	c.arrivals = c.arrivals[:0]
}

// infect makes a site know the update. Cycle 0 is the injection.
func (c *Cluster) infect(m meeting) {
	source := m.from + 1
	if c.cycle == 0 {
		source = 0
	}
	if c.knows[m.to] {
		c.tables[m.to].Learned(news, 0, 1, source, m.counter) // a second sender
		return
	}
	c.knows[m.to] = true
	c.tables[m.to].Learned(news, 0, 1, source, m.counter)
	c.hot = append(c.hot, m.to)
	c.run.Missed--
	c.run.DelaySum += c.cycle
	c.run.Last = c.cycle
}

// other returns a random site but a.
func (c *Cluster) other(a uint32) uint32 {
	b := uint32(c.below(len(c.tables) - 1))
	if b >= a {
		b++
	}
	return b
}

// below returns a random number in [0, n).
func (c *Cluster) below(n int) int { return int(c.rand.Uint32n(uint32(n))) }
