package engine

import (
	"crypto/rand"
	"crypto/sha256"
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
	// counted once whatever refers to it; Bytes are those of what is here or on its way.
	Refs, Here, Missing, Bytes int
	// Fetched counts contents that came, Served those that were sent to others.
	Fetched, Served uint64
	// Unavailable counts references to values longer than Limits.LargeBytes, and
	// fetches that found no room below Limits.ContentBytes.
	Unavailable uint64
	// Absent counts answers of members that do not have what they were asked for.
	Absent uint64
	// Port is the TCP port that this member tells the others. 0: there are no streams.
	Port uint16
	// Streams are the counts of the transport; Forged among them.
	Streams batch.StreamStats
}

// large is what an engine has of values that do not fit an entry.
type large struct {
	streams batch.Streams // nil: there are none
	salt    [batch.StreamSaltSize]byte

	mu     sync.Mutex // readers and writers against the loop; nobody holds it for work that grows
	table  content.Table
	misses []miss // for the loop
	missed atomic.Bool

	fetched, served, unavailable, absent atomic.Uint64

	fetcher // the loop's own
	catching
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
	l.table.Init(content.Limits{Bytes: e.cfg.Limits.ContentBytes, Each: e.cfg.Limits.LargeBytes, Keep: contentKeep},
		uint64(l.salt[0])|uint64(l.salt[1])<<8|uint64(l.salt[2])<<16|uint64(l.salt[3])<<24, l.recycle)
	l.fetcher.init()
	l.begin = sched.Never
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
	c := codec.Content{Length: uint32(len(value)), Sum: sha256.Sum256(value)}
	sum := content.Sum(c.Sum)
	now := e.reactor.poller.Now()
	l.mu.Lock()
	room := l.table.Stats().Bytes+len(value) <= e.cfg.Limits.ContentBytes || l.table.Squeeze(len(value), squeezeMax)
	h := l.table.Find(&sum)
	have := h != 0 && l.table.Here(h)
	l.mu.Unlock()
	if !room && !have {
		return Version{}, ErrFull
	}
	if err := e.keepContent(&c.Sum, value); err != nil {
		return Version{}, err
	}
	copied := append(make([]byte, 0, len(value)), value...)
	l.mu.Lock()
	ok := l.table.Add(&sum, copied, now)
	l.mu.Unlock()
	if !ok {
		return Version{}, ErrFull
	}
	var ref [codec.ContentBytesMax]byte
	v, wake, err := e.stage.write(opContent, ttl, key, codec.AppendContent(ref[:0], &c))
	return e.staged(v, wake, err)
}

// squeezeMax is how many contents are looked at for ones that can make room.
const squeezeMax = 256

// appendLarge appends the newest complete value of an entry whose own value is a
// reference, which is dst[at:]. meta is the entry's, and is changed to what is shown.
func (e *Engine) appendLarge(dst []byte, at int, origin uint32, key string, meta *Meta) (value []byte, ok bool) {
	l := &e.large
	var c codec.Content
	if l.streams == nil || codec.ParseContent(dst[at:], &c) != nil {
		*meta = Meta{}
		return dst[:at], false
	}
	sum := content.Sum(c.Sum)
	newest := meta.Version
	l.mu.Lock()
	h := l.table.Find(&sum)
	b, here := l.table.Hold(h)
	if !here {
		b, h, here = l.older(origin, key, meta)
		meta.Newer = newest
		l.miss(l.table.Find(&sum), origin)
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

// older holds what a key shows while its newest value is not here.
func (l *large) older(origin uint32, key string, meta *Meta) (b []byte, h content.Handle, ok bool) {
	x := l.table.Of(origin, []byte(key))
	if x == nil {
		return nil, 0, false
	}
	h, version := l.table.Shown(x, 0)
	meta.Version.Seq = version
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

// refers takes in what an origin newly says, after version from. It runs on the loop.
func (e *Engine) refers(now sched.Instant, o state.Origin, from uint64) {
	l := &e.large
	if !e.store.Kinded() { // to look at each entry once more costs as much as to apply it
		return
	}
	tag := e.store.Tag(o)
	e.store.After(o, from, &l.cursor)
	for l.cursor.Next(&l.entry) {
		if l.refs > 0 || l.entry.Flags&codec.EntryKinded != 0 {
			l.mu.Lock()
			l.onLoop = true
			e.refer(now, tag, &l.entry)
			l.refs = l.table.Stats().Refs
			l.onLoop = false
			l.mu.Unlock()
		}
	}
}

// refer takes in one entry. Under mu.
func (e *Engine) refer(now sched.Instant, tag uint32, entry *codec.Entry) {
	l := &e.large
	var c codec.Content
	if entry.Flags&codec.EntryKinded == 0 || entry.Kind != codec.KindContent || entry.Kind > e.upgrade.own || codec.ParseContent(entry.Value, &c) != nil {
		if l.table.Unrefer(tag, entry.Key, now) {
			l.complete.lacks(tag, string(entry.Key), 0)
			l.change(now)
		}
		return
	}
	l.change(now)
	h := l.table.Refer(&content.Entry{
		Origin: tag, Key: entry.Key, Version: entry.Version, Sum: c.Sum, Length: int(c.Length),
	}, now)
	l.complete.lacks(tag, string(entry.Key), 0)
	switch {
	case l.table.Here(h):
	case !l.table.Fits(int(c.Length)):
		l.unavailable.Add(1)
	case e.cfg.Fetch.eager(entry.Key):
		l.complete.lacks(tag, string(entry.Key), entry.Version)
		l.seek(h, e.store.Tagged(tag))
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
	l.mu.Unlock()
	s = LargeStats{
		Refs: t.Refs, Here: t.Here, Missing: t.Missing, Bytes: t.Bytes,
		Fetched: l.fetched.Load(), Served: l.served.Load(), Unavailable: l.unavailable.Load(), Absent: l.absent.Load(),
	}
	s.Port = l.streams.Port()
	l.streams.Stats(&s.Streams)
	return s
}
