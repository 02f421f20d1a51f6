package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/content"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Fetch says which large values are fetched as soon as one hears of them. The
// zero value fetches all.
type Fetch struct {
	// OnRead fetches a value when it is read here for the first time: that read
	// finds what was complete before, with Meta.Newer, and Watch tells when it came.
	OnRead bool
	// Prefixes are keys that are fetched at once all the same.
	Prefixes []string
}

// eager tells whether a key's value is fetched before it is read.
func (f *Fetch) eager(key []byte) bool {
	if !f.OnRead {
		return true
	}
	for _, p := range f.Prefixes {
		if strings.HasPrefix(string(key), p) {
			return true
		}
	}
	return false
}

// LargeStats are counts of large values and of the streams that carry them.
type LargeStats struct {
	// Refs are entries with a large value; Here and Missing are contents, each
	// counted once whatever refers to it; Bytes are those of what is here or on its way,
	// but for short values that are shown until a large one has come.
	Refs, Here, Missing, Bytes int
	// Fetched counts contents that came, Served those that were sent to others.
	Fetched, Served uint64
	// Unavailable counts references to values longer than Limits.LargeBytes, and
	// fetches that found no room below Limits.ContentBytes.
	Unavailable uint64
	// Absent counts answers of members that do not have what they were asked for.
	Absent uint64
	// Forgers are the members that sent something else than the contents they were asked for.
	Forgers []Forger
	// Port is the TCP port that this member tells the others. 0: there are no streams.
	Port uint16
	// Streams are the counts of the transport; Forged among them.
	Streams batch.StreamStats
}

// Ends yields how many streams ended for each cause.
func (s *LargeStats) Ends() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for cause, n := range s.Streams.Ended {
			if !yield(batch.StreamCause(cause).String(), n) {
				return
			}
		}
	}
}

// large is what an engine has of values that do not fit an entry.
type large struct {
	streams batch.Streams // nil: there are none
	salt    [batch.StreamSaltSize]byte

	mu     sync.Mutex // readers and writers against the loop; nobody holds it for work that grows
	table  content.Table
	misses []miss // for the loop
	missed atomic.Bool

	forgers blame // under mu, too

	fetched, served, unavailable, absent atomic.Uint64

	fetcher // the loop's own
	catchState
	complete completion
}

// contentKeep is how long a content stays here that nothing refers to: members
// that are behind still ask for it.
const contentKeep = 10 * sched.Second

// startLarge begins to listen for streams. It runs before the loop has the engine.
func (e *Engine) startLarge() error {
	l := &e.large
	if e.cfg.Streams == nil {
		return nil
	}
	rand.Read(l.salt[:]) // never fails
	keys, err := e.streamKeys()
	if err != nil {
		return err
	}
	if err = e.cfg.Streams.Start(batch.StreamSetup{
		Near: e.addr, Cluster: codec.ClusterTag([]byte(e.cfg.Cluster)), Salt: l.salt, Keys: keys,
		Wake: e.reactor.poller.Wake,
	}); err != nil {
		return bad("Streams", "", err.Error(), "let them listen, or leave Streams out: values up to EntryBytesMax need none")
	}
	l.streams = e.cfg.Streams
	e.uses.begin(useStreams)
	seed := binary.LittleEndian.Uint32(l.salt[:])
	l.table.Init(content.Limits{Bytes: e.cfg.Limits.ContentBytes, Each: e.cfg.Limits.LargeBytes, Keep: contentKeep}, uint64(seed), l.recycle)
	l.fetcher.init(seed)
	l.begin = sched.Never
	e.store.AttendKinds(kinds{e})
	e.core.Parts().Mail.Attend(contents{e})
	l.source.Init(e.core.Parts().View, e.core.Parts().Filler.Book)
	return nil
}

// stopLarge ends the streams. It waits for their loop.
func (e *Engine) stopLarge() {
	if e.large.streams != nil {
		e.large.streams.Close()
	}
}

// recycle is given the memory of contents that nobody can read any more. It runs
// under mu: on the loop the streams may have it at once, others leave it to the
// collector.
func (l *large) recycle(b []byte) {
	if l.onLoop {
		l.streams.Recycle(b)
	}
}

// streamKeys is the present set of keys for streams; nil in clear. For the loop.
func (e *Engine) streamKeys() (batch.StreamKeys, error) {
	if ring := e.core.Parts().Keys; ring != nil {
		return ring.Streams()
	}
	return nil, nil
}

// turnStreamKeys has streams use the keys as they are now.
func (e *Engine) turnStreamKeys() {
	if e.large.streams == nil {
		return
	}
	if keys, err := e.streamKeys(); err == nil {
		e.large.streams.SetKeys(keys)
	}
}

// putLarge is put for a value that does not fit an entry. The hash and the copy
// are the caller's work, not the loop's.
func (e *Engine) putLarge(ttl uint32, key string, value []byte) (Version, error) {
	l := &e.large
	if err := e.mayWrite(codec.KindContent); err != nil {
		return Version{}, err
	}
	if err := e.refuses(); err != nil {
		return Version{}, err
	}
	c := codec.Content{Length: uint32(len(value)), Sum: sha256.Sum256(value)}
	sum := content.Sum(c.Sum)
	l.mu.Lock()
	over := l.replaced(e.leases.tag, key)
	l.table.Squeeze(len(value)-over, squeezeMax)
	room := l.table.Having(&sum) != 0 || l.table.Stats().Bytes+len(value) <= e.cfg.Limits.ContentBytes+over
	l.mu.Unlock()
	if !room {
		return Version{}, ErrFull
	}
	kept, err := e.keepContent(&c.Sum, value)
	if err != nil {
		return Version{}, err
	}
	v, wake, err := e.stageLarge(ttl, key, value, &c, over)
	if kept {
		e.kept.log.Placed(&c.Sum, v.Seq)
	}
	return e.staged(v, wake, err)
}

// stageLarge stages the entry that refers to a value, which is here from then on.
func (e *Engine) stageLarge(ttl uint32, key string, value []byte, c *codec.Content, over int) (v Version, wake bool, err error) {
	l, sum, now := &e.large, content.Sum(c.Sum), e.reactor.poller.Now()
	copied := append(make([]byte, 0, len(value)), value...)
	l.mu.Lock()
	ok := l.table.Add(&sum, copied, over, now)
	h := l.table.Having(&sum)
	l.table.Hold(h) // until its entry is staged
	l.mu.Unlock()
	if !ok {
		return Version{}, false, ErrFull
	}
	var ref [codec.ContentBytesMax]byte
	v, wake, err = e.stage.write(opContent, ttl, key, codec.AppendContent(ref[:0], c))
	l.mu.Lock()
	l.table.Drop(h)
	l.mu.Unlock()
	return v, wake, err
}

// replaced is how many bytes of contents go when a key gets another value: overwrites that
// are not larger need no room. Under mu.
func (l *large) replaced(origin uint32, key string) int {
	x := l.table.Of(origin, []byte(key))
	if x == nil {
		return 0
	}
	return l.table.Freed(x)
}

// squeezeMax is how many contents are looked at for ones that can make room.
const squeezeMax = 256

// appendLarge appends the newest complete value of an entry whose own value is a
// reference, which is dst[at:]. meta is the entry's, and is changed to what is shown.
func (e *Engine) appendLarge(dst []byte, at int, origin uint32, key string, meta *Meta) (value []byte, ok bool) {
	l := &e.large
	var c codec.Content
	switch {
	case codec.ParseContent(dst[at:], &c) != nil:
		*meta = Meta{}
		return dst[:at], false
	case l.streams == nil: // it never comes here
		meta.Newer, meta.Version = meta.Version, Version{}
		return dst[:at], false
	}
	sum := content.Sum(c.Sum)
	l.mu.Lock()
	h := l.table.Find(&sum, int(c.Length))
	b, here := l.table.Hold(h)
	if !here {
		l.miss(h, origin)
		b, h, here = l.older(origin, key, meta)
	}
	l.mu.Unlock()
	if l.missed.Load() {
		e.reactor.poller.Wake()
	}
	if !here {
		meta.Version = Version{}
		return dst[:at], false
	}
	dst = append(dst[:at], b...)
	l.mu.Lock()
	l.table.Drop(h)
	l.mu.Unlock()
	return dst, true
}

// older holds what a key shows while its newest value is not here, and says of which version it is.
func (l *large) older(origin uint32, key string, meta *Meta) (b []byte, h content.Handle, ok bool) {
	meta.Newer = meta.Version
	x := l.table.Of(origin, []byte(key))
	if x == nil {
		return nil, 0, false
	}
	meta.Newer.Seq = max(meta.Newer.Seq, x.Version)
	h, version := l.table.Shown(x, 0)
	if meta.Version.Seq = version; version >= meta.Newer.Seq { // it came, or a newer one did, since the entry was read
		meta.Newer = Version{}
	}
	b, ok = l.table.Hold(h)
	return b, h, ok
}

// miss tells the loop of a content that a reader wanted. Under mu.
func (l *large) miss(h content.Handle, origin uint32) {
	if h != 0 && len(l.misses) < missesMax {
		l.misses = append(l.misses, miss{h, origin})
		l.missed.Store(true)
	}
}

const missesMax = 256

// miss is a content that a reader wanted, and the tag of the origin that refers to it.
type miss struct {
	content content.Handle
	origin  uint32
}

// kinds is what the store tells of entries that may be references.
type kinds struct{ e *Engine }

// Kinded implements state.Kinds: a reference comes, goes, or is another one. A value that fits
// an entry is kept as a content while a longer one takes its place that is not here yet.
func (k kinds) Kinded(o state.Origin, was, is *codec.Entry) {
	e := k.e
	l, now := &e.large, e.reactor.poller.Now()
	var next, last codec.Content
	refers, referred := e.reference(is, &next), e.reference(was, &last)
	if !refers && !referred {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onLoop = true
	defer func() { l.onLoop = false }()
	l.change(now)
	tag := e.store.Tag(o)
	if !refers {
		l.table.Unrefer(tag, was.Key, now)
		return
	}
	entry := content.Entry{Origin: tag, Key: is.Key, Version: is.Version, Sum: next.Sum, Length: int(next.Length)}
	h := l.table.Find((*content.Sum)(&next.Sum), int(next.Length))
	if was.Flags&(codec.EntryKinded|codec.EntryTombstone) == 0 && was.Version != 0 && !l.table.Here(h) {
		l.keepShort(&entry, was, now)
	}
	h = l.table.Refer(&entry, now)
	switch {
	case l.table.Here(h):
	case !l.table.Fits(int(next.Length)):
		l.unavailable.Add(1)
	case e.cfg.Fetch.eager(is.Key):
		l.lacks(tag, &entry, h)
		l.seek(h, o)
		l.takeTurn(h, l.table.Of(tag, is.Key))
	}
}

// reference reads what an entry refers to; false: it has a value of its own, or is none.
func (e *Engine) reference(x *codec.Entry, c *codec.Content) bool {
	return x != nil && x.Flags&codec.EntryKinded != 0 && x.Kind == codec.KindContent && x.Kind <= e.upgrade.own && codec.ParseContent(x.Value, c) == nil
}

// keepShort keeps the value of an entry that the reference x takes the place of. Under mu.
func (l *large) keepShort(x *content.Entry, was *codec.Entry, now sched.Instant) {
	short := content.Entry{Origin: x.Origin, Key: x.Key, Version: was.Version, Sum: sha256.Sum256(was.Value), Length: len(was.Value)}
	if l.table.AddShort((*content.Sum)(&short.Sum), slices.Clone(was.Value), now) {
		l.table.Refer(&short, now)
	}
}

// Large counts large values and what carries them.
func (e *Engine) Large() (s LargeStats) {
	l := &e.large
	if l.streams == nil {
		return s
	}
	l.mu.Lock()
	t := l.table.Stats()
	forgers := l.forgersSoFar()
	l.mu.Unlock()
	s = LargeStats{
		Refs: t.Refs, Here: t.Here, Missing: t.Missing, Bytes: t.Bytes,
		Fetched: l.fetched.Load(), Served: l.served.Load(), Unavailable: l.unavailable.Load(), Absent: l.absent.Load(),
		Forgers: forgers,
	}
	s.Port = l.streams.Port()
	l.streams.Stats(&s.Streams)
	return s
}
