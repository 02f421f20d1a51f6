package engine

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// Limits bound what one replica holds. Memory grows from small up to them.
type Limits struct {
	// Origins is how many members are known at once, also the dead that are
	// remembered. They take 1.2 KiB each while they are there, 0.5 more where they were talked with
	// within a minute, and where frames are sealed 1.8 KiB more for each of the 1,024 that were
	// talked with last: 20 MiB for all. Default 8,192.
	Origins int
	// Keys is how many live keys the members may have together. Default 131,072.
	// A sixteenth more is kept for members that have less than an equal share of
	// it, so that nobody can lock the others out.
	Keys int
	// Tombstones is how many deleted keys are remembered until everybody has
	// heard of them. Default a quarter of Keys.
	Tombstones int
	// ValueBytes bounds all keys and values together, in the unit in which they
	// are stored: each with 20 bytes beside it, rounded up by up to an eighth. A
	// sixteenth more is kept as for Keys. Default 32 MiB, at least 16 KiB.
	ValueBytes int
	// KeysPerOrigin and BytesPerOrigin bound what one member may write: live
	// keys, and bytes of them and their values. Default 0: as much as there is.
	KeysPerOrigin, BytesPerOrigin int
	// Introduced is how many members a second become known because another one
	// names them. Default 2,048. A quarter of Origins is kept for members that
	// answer this one themselves.
	Introduced int
	// LargeBytes is the longest value that Set takes where there are Config.Streams,
	// and that is fetched from others. Default 1 MiB; up to 16 MiB, and -1 for none.
	LargeBytes int
	// ContentBytes bounds the large values that are kept, each once whoever refers
	// to it, beside ValueBytes. What does not fit is not fetched until there is room;
	// what is no longer than the value that it takes the place of fits, with up to
	// LargeBytes more while both are here. Default 64 MiB; at least LargeBytes.
	ContentBytes int
	// Watchers is how many Watch may run at once. Default 1,024.
	Watchers int
}

// Footprint is about how much memory a replica with these limits takes when all
// of them are reached: what to give a container, beside what the program needs
// itself. Zero fields count with their defaults, and sealing is included. With
// Config.Streams come ContentBytes and some MiB for what is on its way.
func (l Limits) Footprint() (bytes int) {
	c := Config{Limits: l}.withDefaults()
	cl := c.coreLimits()
	bytes += cl.Footprint()              // state, members, lives, tables
	bytes += 2 * c.StageBytes            // writes on their way
	bytes += c.Limits.Origins * 256      // names and snapshots of members
	bytes += c.Limits.Watchers * 1 << 10 // each with a few names
	return bytes
}

// Config says what to start. Name is required; every other zero field means
// the default of LAN. The profiles LAN, WAN and Local fill the fields that
// differ between networks.
//
// In JSON, a Config is all but its functions, its parts that run and its Secrets: those
// come from SecretFiles. Choices are written by their names, times in nanoseconds.
type Config struct {
	// Name is this member's stable name, unique in the cluster: 1 to 128
	// bytes of printable UTF-8: letters, marks, digits, punctuation, symbols, the space.
	Name string
	// Cluster is the name of the cluster. Members of different clusters never
	// merge, even when they reach each other. Default "default": two clusters that
	// nobody named are one, so beyond loopback and without keys a warning asks for a name.
	Cluster string
	// Bind is the UDP address to listen on: "host:port", ":port" for every
	// interface, port 0 for a free one. Default "127.0.0.1:7946".
	Bind string
	// Advertise is the address that others are told to use: "host:port" or
	// "host" (the bound port is added). Default: the bound address, or, when
	// that is unspecified, the source address that others see.
	Advertise string
	// Zone is the failure domain that this member says it is in, such as a rack or
	// an availability zone: news is told once to each other zone, and one member there
	// tells the rest; most comparisons stay in a zone, and so does about half of who watches
	// a member. Tags are short things that it
	// says of itself; SetTags changes them. Both show in Members of all others.
	Zone string
	Tags map[string]string
	// Seeds are joined in the background after Start and asked again for ever:
	// "host:port", "dns://host:port", "dns+srv://_service._udp.name". Names are
	// resolved again on every retry. Join takes the same.
	Seeds []string
	// Secrets seal all traffic with AES-GCM: who does not hold one of them can
	// neither read nor say anything. Members accept all of theirs and seal with
	// the first; see Engine.Secrets for how to replace one. They are not
	// kept: the caller may erase their bytes after Start. Default: none, and then only
	// loopback addresses can be bound.
	Secrets []Secret `json:"-"`
	// SecretFiles name files with secrets, see ReadSecretFile. They come after Secrets.
	SecretFiles []string
	// Insecure allows traffic beyond loopback without secrets.
	Insecure bool

	// Signing lets members sign what they wrote: who holds a secret can't write in another
	// one's name then, and stay unnoticed. Default: nothing is signed.
	Signing *Signing

	// Generation is the generation of this name's previous life, when the
	// embedder keeps it. The new one is higher than it, than the highest seen
	// in the cluster and than the wall clock in nanoseconds. Default 0; below 1<<63.
	Generation uint64

	// Interval is the period of the comparison that repairs what fast
	// spreading missed. Default 100 ms; 1 ms to 1 min.
	Interval time.Duration
	// RepairInterval is the period of ring repair, see Engine.Repair. The first
	// member of the ring starts it, so all may have the same. Default 0: never; at
	// least ten times Interval.
	RepairInterval time.Duration
	// AuditInterval is how often a part of another member's log, some 1,000 entries,
	// is held against what its owner holds: what memory or a bug has damaged is fetched
	// again, counted and logged. Default 1 s; at least Interval; negative: never. A precise
	// order has no audit.
	AuditInterval time.Duration
	// FrameBytes is the largest UDP payload sent. Default 1,400; 1,200 to 1,472.
	FrameBytes int

	// Detector has the times of the failure detector.
	Detector Detector

	// Throttle says what becomes of writes above the rate that it allows.
	// Default ThrottleCoalesce.
	Throttle Throttle
	// ReceiveRate is how many bytes a second all peers together may send to
	// this member; they divide it fairly. Default 0: as many as it can take.
	ReceiveRate int
	// Weight is a member's share where frames are divided fairly, by its name: 1 to 255. It
	// is asked on the loop, once for each life of a member. Default: 1 for all.
	Weight func(member string) int `json:"-"`

	// Tune is what the literature varies: how members compare, in which order entries go,
	// how a write leaves its author. The zero Options are right for nearly everybody.
	Tune tune.Options

	// Limits bound the replica.
	Limits Limits
	// StageBytes bounds the writes that wait for the loop; above it writes
	// get ErrBackpressure. Default 256 KiB; at least 16 KiB. Twice this is allocated.
	StageBytes int
	// LeaveTimeout bounds how long Close announces the leave. Default 500 ms;
	// negative means that Close does not announce. At most an hour.
	LeaveTimeout time.Duration

	// ClockOffsetMax is how far ahead of this member's wall clock a write of a shared
	// key may be: one that is further ahead waits until its time has come. Default
	// 500 ms; 1 ms to an hour.
	ClockOffsetMax time.Duration

	// Merge are rules for shared keys that the value decides, and not the time. All members
	// need the same. Default: none.
	Merge []MergeRule `json:"-"`

	// Disk keeps this member's state over restarts. Default: it is kept in memory alone.
	Disk Disk

	// Admit says whether somebody who is no member may become one, by the name that they
	// greet or are introduced with and their address. Whoever may not is told so: their Join
	// fails with a RefusedError of the reason "banned". It is called on the loop, maybe for
	// each greeting, and must return at once; the bytes are borrowed. All members need the
	// same rule: one that is kept out by some is half a member. Members are not affected; with
	// Forget one that is dead stays out. Default: everybody.
	Admit func(member []byte, from netip.AddrPort) bool `json:"-"`

	// Logger gets what an operator should know, rate-limited. The attribute member is
	// who reports, always this member, and peer whom the line is about. What wants a
	// look is WARN: a dead member, seeds that refuse or do not resolve, wrong keys, a
	// rival for the name. nil is silent.
	Logger *slog.Logger `json:"-"`
	// OnEvent is called for every member event, one at a time, on a goroutine
	// of its own: never on the loop, and it may call back into the engine. A
	// slow one loses events (EventOverflow), never time of the protocol.
	OnEvent func(Event) `json:"-"`

	kinds codec.Kind // the last kind of entries that is known, as by an older version; 0: all. Tests set it

	// Reactor runs this engine together with others on one goroutine. Default:
	// one of the process's, of which there are as many as GOMAXPROCS, or as
	// engines; that which has least to do.
	Reactor *Reactor `json:"-"`
	// Transport replaces the sockets, for instance by a network in memory.
	// The engine gets a reactor of its own over it. Not together with Reactor.
	Transport batch.Poller `json:"-"`
	// Streams carry what does not fit an entry between members: stream.New of
	// package batch/stream, or the in-memory ones of batch/simnet. nil: values end
	// at EntryBytesMax, and neither is compiled in. One for each engine.
	Streams batch.Streams `json:"-"`
	// Fetch says which large values are fetched before they are read. Default: all.
	Fetch Fetch
	// Resolver looks seeds up. Default net.DefaultResolver. A lookup that outlasts its
	// context is left behind: neither Join nor Close waits for it.
	Resolver Resolver `json:"-"`
	// Seed makes choices repeatable in tests. Default: random.
	Seed uint64
	// Trace is for measuring tools; see Trace.
	Trace *Trace `json:"-"`
}

// LAN is the profile for one data centre: what a zero Config means, written out, but for
// what follows from other fields. As there, Bind is for others to reach only once it is set.
func LAN() Config {
	return Config{
		Cluster: "default", Bind: fmt.Sprintf("127.0.0.1:%d", PortDefault),
		Interval: 100 * time.Millisecond, FrameBytes: codec.FrameBytesDefault,
		Limits: Limits{
			Origins: 1 << 13, Keys: 1 << 17, ValueBytes: 32 << 20,
			Introduced: 2048, Watchers: 1024, LargeBytes: 1 << 20,
		},
		StageBytes: 256 << 10, LeaveTimeout: 500 * time.Millisecond, ClockOffsetMax: 500 * time.Millisecond,
		Disk:     Disk{Every: time.Second},
		Detector: detectorOf(member.LAN()),
	}
}

// WAN is the profile for members far apart: rarer comparison, smaller frames
// (tunnels on the way), a longer leave.
func WAN() Config {
	c := LAN()
	c.Interval, c.FrameBytes = time.Second, 1200
	c.Detector = detectorOf(member.WAN())
	c.LeaveTimeout = 2 * time.Second
	return c
}

// Local is the profile for members on one machine, for development and tests:
// loopback, a free port, frequent comparison.
func Local() Config {
	c := LAN()
	c.Bind, c.Interval = "127.0.0.1:0", 50*time.Millisecond
	c.Detector = detectorOf(member.Local())
	c.LeaveTimeout = 100 * time.Millisecond
	return c
}

// or is v, or the default when v is zero.
func or[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// withDefaults fills the zero fields from LAN.
func (c Config) withDefaults() Config {
	d := LAN()
	or(&c.Cluster, d.Cluster)
	or(&c.Bind, d.Bind)
	or(&c.Interval, d.Interval)
	or(&c.AuditInterval, max(time.Second, c.Interval))
	or(&c.FrameBytes, d.FrameBytes)
	c.Limits = c.Limits.withDefaults(&d.Limits)
	or(&c.StageBytes, d.StageBytes)
	or(&c.ClockOffsetMax, d.ClockOffsetMax)
	or(&c.LeaveTimeout, d.LeaveTimeout)
	or(&c.Disk.Every, d.Disk.Every)
	c.Detector = c.Detector.withDefaults(d.Detector)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// withDefaults fills the zero fields from d.
func (l Limits) withDefaults(d *Limits) Limits {
	or(&l.Origins, d.Origins)
	or(&l.Keys, d.Keys)
	or(&l.ValueBytes, d.ValueBytes)
	or(&l.Introduced, d.Introduced)
	or(&l.Watchers, d.Watchers)
	or(&l.LargeBytes, d.LargeBytes)
	or(&l.ContentBytes, max(64<<20, l.LargeBytes))
	return l
}
