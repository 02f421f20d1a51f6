package engine

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Engine is one running member. All its methods are safe for any number of
// goroutines, from OnEvent too. After Close every call that can fail gives
// ErrClosed; reads find nothing.
type Engine struct {
	// The loop's own, which every turn asks for: one after the other in few cache lines.
	deadline   sched.Instant
	touched    bool
	stale      bool          // members has to be made anew
	uses       uses          // of any goroutine
	stage      stage         // and writers'
	makeAt     sched.Instant // not before
	glanceAt   sched.Instant // when what happens rarely is looked for again
	tidyAt     sched.Instant // when the store may be tidied again
	retryAt    sched.Instant // when a write that finds no memory is tried again; 0: none
	socketAt   sched.Instant // when the kernel's numbers are looked at again
	taken      state.Taken   // of the store, when the stage was told what room is left
	parts      core.Parts    // of the core
	drained    sched.Instant // when the socket was found empty
	head, tail int           // send[head:tail] is encoded and not yet sent
	encoded    sched.Instant // when the first of them was
	send       []batch.Msg
	sampled    sampled // and readers'
	expiry     expiry

	cfg      Config
	name     []byte
	reactor  *Reactor
	release  func() // gives the reactor back
	conn     batch.Conn
	addr     netip.AddrPort
	store    *state.Store
	herald   *herald
	seeker   seeker
	bg       sync.WaitGroup
	life     context.Context // ends with the engine
	end      context.CancelFunc
	closing  atomic.Bool
	closed   chan struct{} // Close is through
	closeErr error         // with this, valid then
	done     chan struct{} // the loop has let go
	runs     atomic.Bool   // from Start on, until the loop lets go
	final    Stats         // valid once done is closed

	members atomic.Pointer[memberList]
	told    atomic.Bool // members is older than what events told: see outdate
	watches watchList
	held    heldWrites
	subs    subscribers
	events  fan[Event]
	large   large
	shared  Shared
	leases  leases
	kept    keeper
	upgrade upgrade
	merges  mergeWatch // the loop's own
	signing signState
	started time.Time
	here    netip.AddrPort // what others are told, else the bound address

	tagsMu sync.Mutex
	tags   map[string]string // as last written

	blamedMu sync.Mutex
	blamed   blame // for entries that were not their owners'

	// The loop's own from here.
	core       *core.Core
	reports    [batch.ReportsMax]batch.Report
	unsent     uint64 // frames that waited for a full socket, and were given up
	rec        record
	op         core.Op
	event      core.Event
	names      []string   // by state.Origin
	declared   []declared // by state.Origin
	pingers    []*pinger
	pinged     uint64 // number of the last ping
	waiters    []*waiter
	repairs    []*repairWait
	reads      []*freshRead
	readAt     sched.Instant // when members are asked again
	joins      []*joinWait
	askAt      sched.Instant // when waiting members are asked again
	leftAt     uint64        // version of the leave; 0: not leaving
	refused    uint64
	lost       []lostWrites // the last of them, ascending
	drains     []*drained
	appliedTo  uint64        // own writes that have left the stage
	stuckAt    sched.Instant // a write finds no memory since then; 0: none
	fullAt     sched.Instant // when who holds most is looked up again
	fullErrors [3]*FullError
	limits     Limits // KeysPerOrigin and BytesPerOrigin as last set
	entry      codec.Entry
	auditAt    sched.Instant
	socket     batch.Stats
	audited    tally // at the last audit

	fullness fullness
}

// Start makes a member and runs it. ctx bounds the start only: looking up
// Advertise and binding. With no Seeds the member is a cluster of one until it
// joins or is joined. The error names the field of cfg that is to blame.
func Start(ctx context.Context, cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.Resolver == nil {
		cfg.Resolver = defaultResolver
	}
	cfg.Resolver = promptly(cfg.Resolver)
	ring, err := cfg.keyring(codec.ClusterTag([]byte(cfg.Cluster)))
	if err != nil {
		return nil, err
	}
	cfg.Secrets = nil // the ring has what it needs of them
	e, err := start(ctx, cfg, ring)
	if err != nil && ring != nil {
		ring.Close()
	}
	return e, err
}

// start is Start with a configuration that is complete. The ring is the core's
// once there is no error.
func start(ctx context.Context, cfg Config, ring *seal.Keyring) (*Engine, error) {
	e := &Engine{cfg: cfg, name: []byte(cfg.Name), done: make(chan struct{}), closed: make(chan struct{})}
	e.runs.Store(true)
	if err := e.bind(); err != nil {
		return nil, err
	}
	e.life, e.end = context.WithCancel(context.Background())
	e.seeker.wake = make(chan struct{}, 1)
	e.herald = newHerald(e)
	if err := e.boot(ctx, ring); err != nil {
		e.end()
		e.closeDisk()
		e.conn.Close()
		e.release()
		return nil, err
	}
	e.herald.info("started", "member", cfg.Name, "addr", e.addr, "sealed", ring != nil, "memory_max_bytes", cfg.Limits.Footprint())
	e.logDisk()
	joined := e.reactor.do(func(sched.Instant) bool { e.reactor.add(e); return true })
	if !joined {
		e.stopLarge()
		e.closeDisk()
		e.end()
		e.conn.Close()
		e.release()
		return nil, fmt.Errorf("engine: Config.Reactor: %w", ErrClosed)
	}
	e.logNotices()
	e.startSeeker()
	return e, nil
}

// boot makes the core and everything that the loop owns.
func (e *Engine) boot(ctx context.Context, ring *seal.Keyring) error {
	advertise, err := e.advertise(ctx)
	if err != nil {
		return err
	}
	e.nameShared()
	if err := e.openDisk(); err != nil {
		return err
	}
	if err := e.loadSecrets(ring); err != nil {
		return err
	}
	now, wall := e.reactor.poller.Now(), sched.Wall(time.Now().UnixNano())
	cc := e.coreConfig()
	cc.Advertise, cc.Keys = advertise, ring
	if err := e.initSigning(&cc); err != nil {
		return err
	}
	e.upgrade.init(e.cfg.kinds, &cc)
	randomness(&cc)
	cc.Generation = e.generation(wall, &cc.Salt)
	e.core = new(core.Core)
	e.core.Init(&cc, now, wall)
	e.expiry.list.Start(now)
	e.parts, e.started, e.here = e.core.Parts(), time.Now(), advertise
	e.store = e.parts.Store
	e.uses.begin(useShared)
	e.leases.uses = &e.uses
	if err := e.startLarge(); err != nil {
		return err
	}
	e.store.KeepBearers()
	e.startSigning()
	e.startShared()
	if err := e.speak(now, advertise); err != nil {
		e.stopLarge()
		return err
	}
	e.open(now)
	e.declareAll()
	e.publishMembers(now)
	return nil
}

// coreConfig is what the configuration says to the core.
func (e *Engine) coreConfig() core.Config {
	cc := core.Config{
		Name: e.name, Cluster: []byte(e.cfg.Cluster),
		Seed:     e.cfg.Seed,
		Options:  e.cfg.Tune,
		Interval: sched.Instant(e.cfg.Interval), RepairEvery: sched.Instant(e.cfg.RepairInterval), AuditEvery: sched.Instant(e.cfg.AuditInterval),
		Frame: e.cfg.FrameBytes, Detector: e.cfg.Detector.config(),
		Refuse: e.cfg.Throttle == ThrottleRefuse, ReceiveMax: e.cfg.ReceiveRate,
		Admit: e.cfg.Admit, Limits: e.cfg.coreLimits(),
	}
	if weight := e.cfg.Weight; weight != nil {
		cc.Weight = func(name []byte) uint8 { return uint8(min(max(weight(string(name)), 1), 255)) }
	}
	return cc
}

// open lets writes in, and makes room for the frames that they leave in.
func (e *Engine) open(now sched.Instant) {
	e.stage.init(e.cfg.StageBytes, Version{Gen: e.core.Parts().Self.Gen, Seq: e.newest()})
	e.leases.tag = e.store.Tag(e.store.Owner())
	e.stage.known, e.stage.gate.clock = e.knows, e.reactor.poller.Now
	e.stage.grant(e.room(now))
	e.limits = e.cfg.Limits
	e.send = make([]batch.Msg, sendBatch)
	slab := make([]byte, sendBatch*codec.FrameBytesMax)
	for i := range e.send {
		e.send[i].Buf = slab[i*codec.FrameBytesMax : (i+1)*codec.FrameBytesMax : (i+1)*codec.FrameBytesMax]
	}
	e.deadline = now
}

// speak makes what this member has to say at its start: what its disk holds, and what the
// configuration says of it.
func (e *Engine) speak(now sched.Instant, advertise netip.AddrPort) error {
	if err := e.restore(now); err != nil {
		return err
	}
	first, err := e.declareSelf(now, advertise)
	if err != nil {
		return err
	}
	shared, err := e.judgeHeld(now)
	if err != nil {
		return err
	}
	return e.beginDisk(append(first, shared...))
}

// randomness fills the salt, the secret of cookies, and the seed unless one is
// given.
func randomness(cc *core.Config) {
	crand.Read(cc.Salt[:]) // never fails
	crand.Read(cc.Secret[:])
	if cc.Seed == 0 {
		var b [8]byte
		crand.Read(b[:])
		cc.Seed = binary.LittleEndian.Uint64(b[:])
	}
}

func (c *Config) coreLimits() core.Limits {
	l, own := core.DefaultLimits(), &c.Limits
	l.State = state.LimitsDefault()
	l.State.Origins, l.State.Keys, l.State.ValueBytes = own.Origins, own.Keys, own.ValueBytes
	l.State.KeysPerOrigin, l.State.BytesPerOrigin = own.KeysPerOrigin, own.BytesPerOrigin
	l.State.Tombstones, l.State.Staged = own.Tombstones, 5*c.StageBytes
	l.Peers, l.Introduced = own.Origins, own.Introduced
	return l
}

// advertise is the address that others are told: as configured, else the
// bound one. An unspecified one stays so: others then use what they see.
func (e *Engine) advertise(ctx context.Context) (netip.AddrPort, error) {
	if e.cfg.Advertise == "" {
		return e.addr, nil
	}
	a, err := parseAddress(e.cfg.Advertise)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port := a.portOr(0)
	if port == 0 { // the bound one is meant
		port = e.addr.Port()
	}
	if a.ip.IsValid() {
		return netip.AddrPortFrom(a.ip, port), nil
	}
	addrs, err := resolveHost(ctx, e.cfg.Resolver, a.name, port)
	if err != nil {
		return netip.AddrPort{}, &bindError{
			ConfigError{"Advertise", fmt.Sprintf("%q", e.cfg.Advertise), err.Error(), "write an IP address, or a name that resolves"}, err,
		}
	}
	return addrs[0], nil
}

// Name is the member's name.
func (e *Engine) Name() string { return e.cfg.Name }

// Addr is the bound address, with the port that the system chose.
func (e *Engine) Addr() netip.AddrPort { return e.addr }

// ID is the origin id of this member's present generation, as Trace reports
// it. It blocks for one turn of the loop, and is 0 after Close.
func (e *Engine) ID() (id uint64) {
	e.ask(func(sched.Instant) { id = uint64(e.core.Parts().Self.ID) })
	return id
}

// unstarted ends the walk of a sequence of an Engine that Start did not make.
func unstarted[T any](e *Engine, yield func(T, error) bool) bool {
	if e.done != nil {
		return false
	}
	var none T
	yield(none, ErrClosed)
	return true
}

// ask runs f on the loop between two turns and waits for it. It reports false
// after Close.
func (e *Engine) ask(f func(now sched.Instant)) bool {
	if !e.runs.Load() {
		return false
	}
	answered := make(chan bool, 1)
	queued := e.reactor.do(func(now sched.Instant) bool {
		if e.runs.Load() {
			f(now)
			e.touched = true
			answered <- true
		} else {
			answered <- false
		}
		return true
	})
	return queued && <-answered
}
