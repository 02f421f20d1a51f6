package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// order is what the driver tells a member, a line of JSON each. The first one starts it.
type order struct {
	Do string // start, report, members, rate, join, leave; fill, arrive

	Name, Bind, Profile string
	Seeds               []string
	Secret              []byte
	Rate                int  // writes a second
	Blind               bool // start: it looks at nobody's keys until it is asked for a report

	Keys    int           // fill, arrive: of the full one
	Streams bool          // likewise: it has them
	Seq     uint64        // arrive: the full one's newest version
	Wait    time.Duration // arrive: until it gives up
}

// sight is how a member sees another: the last of its states that it saw whole, and the newest
// write of which it shows anything. Part is 0 where that is no later one.
type sight struct {
	standing
	Part  uint64
	State string
}

// has tells whether it has all news of the other up to a write, or shows that whole, too.
func (s sight) has(own standing, whole bool) bool {
	return s.Life == own.Life && (s.N >= own.N || !whole && s.Part > 0 && shows(min(s.Part, own.N), own.N))
}

// death is a member that was declared dead, by whom the word came.
type death struct {
	Member, By string
	At         time.Time
}

// report is what a member answers.
type report struct {
	Name, Addr string
	Own        standing
	Sees       map[string]sight
	Broken     []string       // laws, since the last report
	Deaths     []death        // since the last report
	Refused    map[string]int // writes and views that failed, by error
	Late       time.Duration  // the longest that this process stood still since the last report
	Joined     int
	Error      string

	Seq      uint64        // of fill: the newest version; of arrive that gave up: what it has
	Took     time.Duration // of arrive: from the start until it had all; 0: it gave up
	Streamed uint64        // of that, bytes over streams
	Peak     int           // most memory, in bytes
}

const (
	scanEvery = 200 * time.Millisecond
	viewWait  = 50 * time.Millisecond
	tickEvery = 50 * time.Millisecond
	brokenMax = 20               // in one report
	patience  = 20 * time.Second // for what has to happen soon, on a machine that may be busy
)

// member is the process: an engine, a writer and a scanner.
type member struct {
	engine *engine.Engine
	ledger
	rate  atomic.Int64
	write sync.Mutex // held by who writes
	wrote atomic.Uint64
	look  sync.Mutex // held by who scans: views are judged in the order in which they were had

	mu     sync.Mutex
	seen   map[string]mark
	report report
}

// mark is how far a member was seen.
type mark struct {
	standing
	gen uint64
}

// runMember obeys the driver until it hangs up.
func runMember(in io.Reader, out io.Writer) error {
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	m := &member{seen: map[string]mark{}}
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		var o order
		if err = cmp.Or(err, json.Unmarshal(line, &o)); err != nil {
			return err
		}
		r := m.obey(&o)
		if err := answers.Encode(r); err != nil {
			return err
		}
	}
}

func (m *member) obey(o *order) (r report) {
	var err error
	joined := 0
	switch o.Do {
	case "start":
		err = m.start(o)
	case "rate":
		m.write.Lock() // no write is on its way any more
		m.rate.Store(int64(o.Rate))
		m.write.Unlock()
	case "join":
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		joined, err = m.engine.Join(ctx, o.Seeds...)
		cancel()
	case "leave":
		err = m.engine.Close()
	case "report":
		r = m.tell(m.scan(viewWait))
	case "members": // and no look at anybody's keys, which takes a processor while it is waited for
		r = m.tell(m.states())
	case "fill":
		r, err = m.fill(o)
	case "arrive":
		r, err = m.arrive(o)
	default:
		err = fmt.Errorf("no such order: %q", o.Do)
	}
	if r.Joined = joined; err != nil {
		r.Error = err.Error()
	}
	return r
}

// start begins a life: all keys are written at once, so that what an earlier life wrote ends at
// once too.
func (m *member) start(o *order) (err error) {
	c := engine.LAN()
	if o.Profile == "wan" {
		c = engine.WAN()
	}
	c.Name, c.Cluster, c.Bind, c.Seeds, c.Throttle = o.Name, "wire", o.Bind, o.Seeds, engine.ThrottleRefuse
	if c.Insecure = len(o.Secret) == 0; !c.Insecure {
		c.Secrets = []engine.Secret{{ID: 1, Bytes: o.Secret}}
	}
	c.OnEvent = m.hear
	m.ledger = ledger{o.Name, uint64(time.Now().UnixNano())}
	if m.engine, err = engine.Start(context.Background(), c); err != nil {
		return err
	}
	for range keysOfEach {
		m.next()
	}
	m.rate.Store(int64(o.Rate))
	go m.writes()
	if !o.Blind {
		go m.scans()
	}
	go m.watchesItself()
	return nil
}

func (m *member) hear(e engine.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.Kind == engine.EventDead {
		m.report.Deaths = append(m.report.Deaths, death{e.Member.Name, e.Member.By, time.Now()})
	}
}

// next makes the next write of the ledger, or finds that it has to be tried again.
func (m *member) next() {
	m.write.Lock()
	defer m.write.Unlock()
	n := m.wrote.Load() + 1
	if n > keysOfEach && m.rate.Load() == 0 {
		return
	}
	var err error
	if deletes(n) {
		_, err = m.engine.Delete(keyOf(n))
	} else {
		_, err = m.engine.Set(keyOf(n), m.value(n))
	}
	if err != nil {
		m.refused(err)
		return
	}
	m.wrote.Store(n)
}

// refused counts an error by what it is.
func (m *member) refused(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.report.Refused == nil {
		m.report.Refused = map[string]int{}
	}
	for _, known := range []error{engine.ErrBackpressure, engine.ErrBehind, engine.ErrNameConflict, engine.ErrClosed} {
		if errors.Is(err, known) {
			err = known
		}
	}
	m.report.Refused[err.Error()]++
}

func (m *member) writes() {
	for {
		rate := m.rate.Load()
		if rate == 0 {
			time.Sleep(tickEvery)
			continue
		}
		time.Sleep(time.Second / time.Duration(rate))
		m.next()
	}
}

// watchesItself finds out for how long this process stood still.
func (m *member) watchesItself() {
	for {
		began := time.Now()
		time.Sleep(tickEvery)
		m.mu.Lock()
		m.report.Late = max(m.report.Late, time.Since(began)-tickEvery)
		m.mu.Unlock()
	}
}

func (m *member) scans() {
	for {
		time.Sleep(scanEvery)
		m.scan(0)
	}
}

// tell is a report of what was seen now; what it counts begins anew.
func (m *member) tell(sees map[string]sight) report {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.report
	m.report = report{}
	r.Name, r.Own, r.Sees, r.Addr = m.name, m.seen[m.name].standing, sees, m.engine.Addr().String()
	return r
}

// states are those of all members.
func (m *member) states() map[string]sight {
	sees := map[string]sight{}
	for x := range m.engine.Members() {
		sees[x.Name] = sight{State: x.State.String()}
	}
	return sees
}

// scan looks at all members, for so long at each that is between two states, and holds the laws.
func (m *member) scan(wait time.Duration) map[string]sight {
	m.look.Lock()
	defer m.look.Unlock()
	sees := map[string]sight{}
	for x := range m.engine.Members() {
		if x.Self {
			m.write.Lock() // or the view could be of a write that is not counted yet
		}
		now, wrote, err := m.lookAt(x.Name, wait), m.wrote.Load(), error(nil)
		if x.Self {
			m.write.Unlock()
			if !shows(now.N, wrote) {
				err = fmt.Errorf("its own keys are as after write %d, and it made %d", now.N, wrote)
			}
		}
		m.broken(x.Name, err)
		sees[x.Name] = sight{now, m.part(x.Name, now), x.State.String()}
	}
	return sees
}

// part finds the newest write of a member that any of its keys shows, of the life that was seen
// last. Where a view is of that write there is nothing to find.
func (m *member) part(name string, now standing) (newest uint64) {
	for key, entry := range m.engine.Range(name) {
		if life, n, err := number(name, string(key), entry.Value); err == nil && life == now.Life && n > now.N {
			newest = max(newest, n)
		}
	}
	return newest
}

// shows tells whether keys are after write n as they are after a later one: all in between delete.
func shows(n, later uint64) bool {
	for n < later && deletes(n+1) {
		n++
	}
	return n == later
}

// lookAt tries to see a member; where it can't, it stands where it was seen last.
func (m *member) lookAt(name string, wait time.Duration) standing {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	view, err := m.engine.View(ctx, name)
	cancel()
	if err != nil {
		m.refused(err)
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.seen[name].standing
	}
	m.mu.Lock()
	now, err := judge(name, m.seen[name], view)
	m.seen[name] = now
	m.mu.Unlock()
	m.broken(name, err)
	return now.standing
}

// broken keeps a breach of a law for the next report.
func (m *member) broken(name string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && len(m.report.Broken) < brokenMax {
		m.report.Broken = append(m.report.Broken, fmt.Sprintf("%s shows of %s: %v", m.name, name, err))
	}
}

// judge holds a view of a member against the laws, and against how it was seen before.
func judge(name string, was mark, view *engine.View) (now mark, err error) {
	shown := make(map[string][]byte, view.Len())
	for key, entry := range view.All() {
		shown[key] = entry.Value
	}
	now.gen = view.At.Gen
	if now.standing, err = stands(name, shown); err != nil {
		return was, err
	}
	switch {
	case now.gen < was.gen:
		err = fmt.Errorf("generation %d after %d", now.gen, was.gen)
	case now.Life == was.Life && now.N < was.N, now.gen == was.gen && now.Life == 0 && was.Life != 0:
		err = fmt.Errorf("write %d after write %d", now.N, was.N)
	case now.gen == was.gen && now.Life != was.Life && was.Life != 0:
		err = fmt.Errorf("generation %d is of the lives %d and %d", now.gen, was.Life, now.Life)
	case now.Life != 0 && now.Life < was.Life:
		err = fmt.Errorf("life %d after %d", now.Life, was.Life)
	}
	return now, err
}
