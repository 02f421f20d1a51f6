package demo

import (
	"context"
	"encoding/base64"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// Options say what to show.
type Options struct {
	Nodes int
	Seed  uint64
	Rate  int // writes a second, of all members
}

// Demo is a running demo. Close ends it.
type Demo struct {
	opt        Options
	cluster    *cluster
	life       context.Context
	end        context.CancelFunc
	all        sync.WaitGroup
	rate       atomic.Int64
	overloaded atomic.Bool
	healed     atomic.Int64 // when all harm ended last
}

// Start starts the members and the writer.
func Start(ctx context.Context, o Options) (*Demo, error) {
	c, err := startCluster(ctx, o.Nodes, o.Seed)
	if err != nil {
		return nil, err
	}
	d := &Demo{opt: o, cluster: c}
	d.life, d.end = context.WithCancel(context.Background())
	d.rate.Store(int64(o.Rate))
	d.all.Go(d.keepWriting)
	d.all.Go(d.keepUp)
	c.log("ok", "all members know each other")
	return d, nil
}

// Close ends the members without a word.
func (d *Demo) Close() {
	d.end()
	d.all.Wait()
	d.cluster.close()
}

// keepWriting writes at an even rate.
func (d *Demo) keepWriting() {
	const slice = 10 * time.Millisecond
	again := time.NewTicker(slice)
	defer again.Stop()
	due := 0.0
	for {
		select {
		case <-again.C:
		case <-d.life.Done():
			return
		}
		for due += float64(d.rate.Load()) * slice.Seconds(); due >= 1; due-- {
			if i := d.pick(-1); i >= 0 {
				d.cluster.write(i)
			}
		}
	}
}

const renewEvery = 250 * time.Millisecond

// keepUp follows the members' generations.
func (d *Demo) keepUp() {
	again := time.NewTicker(renewEvery)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			d.cluster.renew()
		case <-d.life.Done():
			return
		}
	}
}

// Picture is what the page shows.
type Picture struct {
	At         float64            `json:"t"`
	Nodes      []Node             `json:"nodes"`
	Behind     string             `json:"behind"` // base64, [observer*n+owner]: versions behind, at most 254; 255 unknown
	Seen       string             `json:"seen"`   // base64, [observer*n+member]: what is believed: 0 unknown, 1 alive, 2 suspect, 3 dead, 4 left
	Spreads    []Spread           `json:"spreads"`
	Events     []Event            `json:"events"`
	Faults     Faults             `json:"faults"`
	Converged  bool               `json:"converged"`
	Suspect    int                `json:"suspect"` // pairs of an observer and a member
	Dead       int                `json:"dead"`
	Bytes      map[string]uint64  `json:"bytes"`
	Frames     map[string]uint64  `json:"frames"` // sent, by what they carry, all members together
	Drops      map[string]uint64  `json:"drops"`
	Detector   map[string]uint64  `json:"detector"`
	Flow       map[string]float64 `json:"flow"`
	Lost       uint64             `json:"lost"` // datagrams, on purpose
	Overloaded bool               `json:"overloaded"`
	Rate       int64              `json:"rate"`
}

// Node is one member.
type Node struct {
	Name  string `json:"name"`
	State string `json:"state"` // up, killed or frozen
	Addr  string `json:"addr"`
	Keys  int    `json:"keys"`
	Group int    `json:"group"`
	Deaf  bool   `json:"deaf"`
}

// Faults are what is wrong on purpose.
type Faults struct {
	Cut     bool    `json:"cut"`
	Loss    float64 `json:"loss"`
	DelayMs float64 `json:"delay_ms"`
	OneWay  []int   `json:"one_way"`
	Frozen  []int   `json:"frozen"`
}

// unknownCell is a cell of Behind without a number.
const unknownCell = 255

// Look makes a picture with the writes and events after two numbers.
func (d *Demo) Look(turn, event uint64) *Picture {
	c := d.cluster
	living := c.living()
	p := &Picture{
		At: float64(clock()) / 1e9, Spreads: c.tracks.after(turn, living), Events: c.since(event),
		Lost: c.network.Lost(), Overloaded: d.overloaded.Load(), Rate: d.rate.Load(),
		Bytes: map[string]uint64{}, Frames: map[string]uint64{}, Drops: map[string]uint64{}, Detector: map[string]uint64{}, Flow: map[string]float64{},
	}
	for i := range p.Spreads {
		c.via(&p.Spreads[i])
	}
	p.faults(c)
	behind, seen := make([]byte, c.n*c.n), make([]byte, c.n*c.n)
	for i := range c.n {
		p.node(c, i, behind, seen)
	}
	p.Converged = level(behind)
	p.Behind, p.Seen = base64.StdEncoding.EncodeToString(behind), base64.StdEncoding.EncodeToString(seen)
	return p
}

// level reports whether no member that runs is behind another one. The members' fingerprints can't
// tell while there are writes: each is up to a sample's age old, so two of them are of different
// moments.
func level(behind []byte) bool {
	return !slices.ContainsFunc(behind, func(versions byte) bool { return versions != 0 && versions != unknownCell })
}

func (p *Picture) faults(c *cluster) {
	r := c.network.Rules()
	p.Faults = Faults{Loss: r.Loss, DelayMs: float64(r.Delay) / 1e6, Cut: slices.Max(r.Group) > 0, OneWay: []int{}, Frozen: []int{}}
	for i := range c.n {
		if r.OneWay[i] {
			p.Faults.OneWay = append(p.Faults.OneWay, i)
		}
		if r.Frozen[i] {
			p.Faults.Frozen = append(p.Faults.Frozen, i)
		}
	}
}

// node fills in one member, and its row of both pictures.
func (p *Picture) node(c *cluster, i int, behind, seen []byte) {
	c.mu.Lock()
	eng, frozen := c.members[i].eng, c.members[i].frozen
	c.mu.Unlock()
	r := c.network.Rules()
	n := Node{Name: name(i), State: "up", Group: r.Group[i], Deaf: r.OneWay[i]}
	row := behind[i*c.n : (i+1)*c.n]
	switch {
	case eng == nil:
		n.State = "killed"
	case frozen:
		n.State = "frozen"
	}
	for owner := range c.n {
		row[owner] = unknownCell
		newest := c.known[owner*c.n+owner].Load()
		if has := c.known[i*c.n+owner].Load(); eng != nil && c.engineOf(owner) != nil {
			row[owner] = byte(min(newest-min(newest, has), unknownCell-1))
		}
	}
	if eng != nil {
		s := eng.Sample()
		n.Addr, n.Keys = eng.Addr().String(), s.Keys
		p.count(&s)
		if !frozen { // who is frozen can't be asked, only its numbers can be read
			p.beliefs(eng, seen[i*c.n:(i+1)*c.n])
		}
	}
	p.Nodes = append(p.Nodes, n)
}

func (p *Picture) beliefs(eng *engine.Engine, row []byte) {
	for m := range eng.Members() {
		i := indexOf(m.Name)
		if i < 0 || i >= len(row) {
			continue
		}
		row[i] = byte(m.State) + 1
		switch m.State {
		case engine.StateSuspect:
			p.Suspect++
		case engine.StateDead:
			p.Dead++
		case engine.StateUnknown:
			row[i] = 0
		}
	}
}

func indexOf(name string) int {
	n := 0
	for _, c := range []byte(name[min(1, len(name)):]) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func (p *Picture) count(s *engine.Stats) {
	p.Bytes["sent"] += s.BytesSent
	p.Bytes["received"] += s.BytesReceived
	p.Bytes["entries"] += s.RunBytes
	for kind, n := range map[string]uint64{
		"mail": s.MailSent, "rumors": s.RumorsSent, "acknowledgements": s.AcksSent, "digests": s.DigestsSent, "sketches": s.SketchesSent,
		"pulls": s.PullsSent, "probes": s.Detector.Probes, "all": s.FramesSent,
	} {
		p.Frames[kind] += n
	}
	for reason, n := range s.Drops {
		p.Drops[reason] += n
	}
	for what, n := range map[string]uint64{
		"probes": s.Detector.Probes, "missed rounds": s.Detector.Missed, "votes": s.Detector.VotesSent, "suspicions": s.Detector.Suspicions,
		"deaths": s.Detector.Deaths, "revivals": s.Detector.Revived, "refutations": s.Detector.Refutations,
	} {
		p.Detector[what] += n
	}
	p.Flow["published"] += float64(s.Flow.Used)
	p.Flow["wished"] += float64(s.Flow.Desired)
	p.Flow["arriving"] += float64(s.Flow.Receiving)
	p.Flow["deferred bytes"] += float64(s.Flow.Deferred)
	p.Flow["writes held"] += float64(s.Flow.WritesHeld)
}
