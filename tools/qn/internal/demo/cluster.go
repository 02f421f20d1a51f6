package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/portable"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/faults"
)

// Limits of a demo.
const (
	nodesMax   = 64
	nodeKeys   = 16 // of each member, written by chance
	eventsKept = 200
)

var clockBase = time.Now()

// clock is nanoseconds since the process began.
func clock() int64 { return int64(time.Since(clockBase)) }

// member is one engine with its place in the cluster.
type member struct {
	eng     *engine.Engine // nil while it is dead
	reactor *engine.Reactor
	poller  batch.Poller
	killed  int64 // when, 0 if it lives
	frozen  bool

	newest [nodeKeys]written // as acknowledged by Set, in any life
}

// written is the newest value of a key that a member was told is written.
type written struct {
	value   string
	version engine.Version
}

// cluster is all members.
type cluster struct {
	n       int
	network *faults.Network
	seed    uint64
	tracks  tracks
	known   []atomic.Uint64 // [observer*n+owner]: version that the observer has
	ids     sync.Map        // engine.ID → owner
	falsely atomic.Int64    // deaths of members that lived and could be reached

	mu      sync.Mutex
	members []member
	events  []Event
	number  uint64
	dice    *rand.Rand
	harm    int64 // until when verdicts may be wrong because of what was done
}

// Event is a line of the log.
type Event struct {
	Number uint64  `json:"n"`
	At     float64 `json:"t"` // seconds since the start
	Text   string  `json:"text"`
	Kind   string  `json:"kind"` // ok, warn, bad or act
}

// startCluster starts n members and joins them.
func startCluster(ctx context.Context, n int, seed uint64) (*cluster, error) {
	c := &cluster{
		n: n, network: faults.NewNetwork(n), seed: seed, known: make([]atomic.Uint64, n*n), members: make([]member, n),
		dice: rand.New(rand.NewPCG(seed, 1)),
	}
	c.tracks.init(n)
	for i := range n {
		if err := c.start(ctx, i); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, c.formed(ctx)
}

func name(i int) string { return "n" + strconv.Itoa(i) }

// number is that of a member by its name, -1 for "".
func number(name string) int32 {
	if i, err := strconv.Atoi(strings.TrimPrefix(name, "n")); err == nil {
		return int32(i)
	}
	return -1
}

// start makes a member; the mutex must not be held.
func (c *cluster) start(ctx context.Context, i int) error {
	poller := portable.New(batch.PollerOptions{})
	wrapped := c.network.Poller(poller, i, c.seed)
	reactor := engine.NewReactor(engine.ReactorOptions{Transport: wrapped})
	cfg := engine.Local()
	cfg.Name, cfg.Cluster, cfg.Reactor, cfg.LeaveTimeout = name(i), "qn-demo", reactor, -1
	cfg.Detector = engine.LAN().Detector // as between machines: the demo is about those
	cfg.OnEvent = func(e engine.Event) { c.event(i, e) }
	cfg.Trace = &engine.Trace{Advanced: func(a engine.Advance) { c.advanced(i, a) }}
	cfg.Seeds = c.seeds(i)
	eng, err := engine.Start(ctx, cfg)
	if err != nil {
		reactor.Close()
		poller.Close()
		return err
	}
	c.forget(i)
	c.ids.Store(eng.ID(), i)
	c.mu.Lock()
	m := &c.members[i]
	m.eng, m.reactor, m.poller, m.killed, m.frozen = eng, reactor, poller, 0, false
	c.mu.Unlock()
	return nil
}

// forget drops what is noted of a member's former life.
func (c *cluster) forget(i int) {
	c.ids.Range(func(id, owner any) bool {
		if owner.(int) == i {
			c.ids.Delete(id)
		}
		return true
	})
	for j := range c.n {
		c.known[i*c.n+j].Store(0)
		c.known[j*c.n+i].Store(0)
	}
}

// renew notes the members' present generations: one that was taken for another life begins a new
// one.
func (c *cluster) renew() {
	for _, i := range c.living() {
		if eng := c.engineOf(i); eng != nil {
			if id := eng.ID(); id != 0 {
				c.ids.Store(id, i)
			}
		}
	}
}

// seeds are three members that live.
func (c *cluster) seeds(but int) (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.members {
		if e := c.members[i].eng; e != nil && i != but && len(list) < 3 {
			list = append(list, e.Addr().String())
		}
	}
	return list
}

const formWait = 20 * time.Second

// formed waits until all members see all others.
func (c *cluster) formed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, formWait)
	defer cancel()
	if !c.until(ctx, func() bool { return c.allSee(engine.StateAlive, c.living()) }) {
		return fmt.Errorf("the %d members do not find each other: %w", c.n, context.Cause(ctx))
	}
	return nil
}

const lookEvery = 5 * time.Millisecond

// until waits for something to be so.
func (c *cluster) until(ctx context.Context, so func() bool) bool {
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for !so() {
		select {
		case <-again.C:
		case <-ctx.Done():
			return so()
		}
	}
	return true
}

// living are the members that run.
func (c *cluster) living() (list []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.members {
		if c.members[i].eng != nil && !c.members[i].frozen {
			list = append(list, i)
		}
	}
	return list
}

// engineOf is nil for a member that does not run.
func (c *cluster) engineOf(i int) *engine.Engine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.members[i].eng
}

// allSee reports whether every one of the members sees each of them in a state.
func (c *cluster) allSee(state engine.MemberState, of []int) bool {
	for _, i := range c.living() {
		if !c.sees(i, state, of) {
			return false
		}
	}
	return true
}

func (c *cluster) sees(observer int, state engine.MemberState, of []int) bool {
	eng := c.engineOf(observer)
	if eng == nil {
		return true
	}
	found := 0
	for m := range eng.Members() {
		for _, i := range of {
			if m.Name == name(i) && m.State == state {
				found++
			}
		}
	}
	return found == len(of)
}

// equal reports whether all members that run hold the same.
func (c *cluster) equal() bool {
	var first uint64
	for at, i := range c.living() {
		eng := c.engineOf(i)
		if eng == nil {
			continue
		}
		s := eng.Sample()
		if at == 0 {
			first = s.Fingerprint
		} else if s.Fingerprint != first {
			return false
		}
	}
	return true
}

// advanced notes what a replica holds now. It runs on that member's loop.
func (c *cluster) advanced(observer int, a engine.Advance) {
	owner, ok := c.ids.Load(a.Origin)
	if !ok {
		return // an origin that is being made
	}
	c.known[observer*c.n+owner.(int)].Store(a.To)
	c.tracks.saw(observer, owner.(int), a.To)
}

// event keeps a line for the log, and counts deaths that were none.
func (c *cluster) event(observer int, e engine.Event) {
	kind, text := "", ""
	switch e.Kind {
	case engine.EventDead:
		kind, text = "bad", fmt.Sprintf("%s: %s is dead, told by %s", name(observer), e.Member.Name, e.Member.By)
		c.judge(observer, e.Member.Name)
	case engine.EventSuspected:
		kind, text = "warn", fmt.Sprintf("%s: %s is suspected", name(observer), e.Member.Name)
	case engine.EventLeft:
		kind, text = "warn", fmt.Sprintf("%s: %s has left", name(observer), e.Member.Name)
	case engine.EventNameConflict:
		kind, text = "warn", fmt.Sprintf("%s: another life of %s", name(observer), e.Member.Name)
	default:
		return
	}
	c.log(kind, text)
}

// judge counts a verdict about a member that lives, while nothing was done that would explain it.
func (c *cluster) judge(observer int, of string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.members {
		m := &c.members[i]
		if name(i) != of || m.eng == nil || m.frozen || c.members[observer].frozen || clock() < c.harm {
			continue
		}
		c.falsely.Add(1)
	}
}

// log keeps a line.
func (c *cluster) log(kind, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	c.events = append(c.events, Event{c.number, float64(clock()) / 1e9, text, kind})
	if len(c.events) > eventsKept {
		c.events = append(c.events[:0], c.events[len(c.events)-eventsKept:]...)
	}
}

// since are the lines after a number.
func (c *cluster) since(number uint64) (list []Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if e.Number > number {
			list = append(list, e)
		}
	}
	return list
}

// close ends everything.
func (c *cluster) close() {
	c.network.Change(func(r *faults.Rules) { clear(r.Frozen) })
	for i := range c.members {
		c.stop(i)
	}
}

// stop ends a member without a word to the others.
func (c *cluster) stop(i int) {
	c.mu.Lock()
	m := &c.members[i]
	eng, reactor, poller := m.eng, m.reactor, m.poller
	m.eng = nil
	c.mu.Unlock()
	if eng == nil {
		return
	}
	_ = eng.Close()
	_ = reactor.Close()
	_ = poller.Close()
}
