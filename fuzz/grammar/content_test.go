package grammar

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/fuzz/rogue"
)

// script reads an input as choices. After its end all choices are the first.
type script struct{ b []byte }

func (s *script) pick(n int) int {
	if len(s.b) == 0 {
		return 0
	}
	v := int(s.b[0]) % n
	s.b = s.b[1:]
	return v
}

func choose[T any](s *script, from []T) T { return from[s.pick(len(from))] }

var (
	versions = []uint64{
		1, 2, 3, 4, 5, 0, 7, 100, 1<<14 - 1, 1 << 32, 1<<55 + 1, codec.VersionMax - 2, codec.VersionMax - 1, codec.VersionMax,
	}
	numbers = []uint32{0, 1, 2, 5, 1000, 1<<31 - 1, 1 << 31, 1<<32 - 2, 1<<32 - 1}
	stamps  = []int64{0, 1, -1, 1 << 40, 1<<62 - 1, -1 << 63, 1<<63 - 1}
	gens    = []uint64{1, 2, 0, 1 << 40, 1<<63 - 1, 1 << 63, 1<<64 - 2, 1<<64 - 1}
	keys    = [][]byte{
		[]byte("k"),
		{0},
		[]byte("\x00zone"), []byte("\x00addr"), []byte("\x00left"), []byte("\x00lease/\x03"), []byte("a"),
		[]byte("k0"),
		{0xff, 0xfe},
		bytes.Repeat([]byte("k"), codec.KeyBytesMax), bytes.Repeat([]byte{0}, codec.KeyBytesMax),
		[]byte("\x00tag/x"), []byte("fresh"), []byte("\x00\x00"),
	}
	values = [][]byte{
		nil, []byte("v"), []byte("127.0.0.1:1"), bytes.Repeat([]byte{0xff}, 300), {0}, bytes.Repeat([]byte("v"), codec.EntryBytesMax-codec.KeyBytesMax),
	}
	names = []string{"node-0", "node-1", "spy", "x", strings.Repeat("n", codec.NameBytesMax), "y"}
	addrs = []netip.AddrPort{
		{},
		netip.MustParseAddrPort("127.0.0.1:7946"), netip.MustParseAddrPort("0.0.0.0:0"), netip.MustParseAddrPort("[::]:1"),
		netip.MustParseAddrPort("255.255.255.255:65535"), netip.MustParseAddrPort("[ff02::1]:9"),
	}
)

// liar builds records of hostile content.
type liar struct {
	*script
	spy    *rogue.Rogue
	names  []string
	honest []codec.OriginID // whom it may lie about
	forged bool             // it did
	said   uint64           // the last version of its own that it told
}

func (l *liar) id() codec.OriginID {
	k := l.pick(6)
	if k < 2 {
		return l.spy.ID
	}
	if k < 4 && k-2 < len(l.honest) {
		l.forged = true
		return l.honest[k-2]
	}
	return l.spy.IDOf(l.name(), choose(l.script, gens))
}

// name is that of somebody.
func (l *liar) name() string {
	n := choose(l.script, l.names)
	l.forged = l.forged || len(l.honest) > 0 && (n == names[0] || n == names[1])
	return n
}

func (l *liar) entry(after uint64) codec.Entry {
	e := codec.Entry{Key: choose(l.script, keys), Value: choose(l.script, values)}
	if e.Version = after + 1 + choose(l.script, versions)%7; l.pick(4) == 3 {
		e.Version = choose(l.script, versions)
	}
	flags := codec.EntryFlags(l.pick(256))
	if l.pick(3) == 0 {
		flags = 0
	}
	e.Flags = flags & (codec.EntryTombstone | codec.EntryTTL | codec.EntryStamp | codec.EntryLeased | codec.EntryKinded)
	if e.Flags&codec.EntryTombstone != 0 {
		e.Flags, e.Value = e.Flags&^codec.EntryKinded, nil
	}
	if e.Flags&codec.EntryKinded != 0 {
		if e.Kind = codec.Kind(1 + l.pick(255)); l.pick(2) == 0 {
			e.Kind = codec.KindLease
		}
		if e.Kind == codec.KindLease { // the only valid form
			e.Key, e.Value = codec.AppendLeaseKey(nil, choose(l.script, numbers)), nil
			e.Flags = e.Flags&^codec.EntryLeased | codec.EntryTTL
		}
	}
	if e.Flags&codec.EntryTTL != 0 {
		e.TTL, e.Age = choose(l.script, numbers), choose(l.script, numbers)
	}
	if e.Flags&codec.EntryStamp != 0 {
		e.Stamp = choose(l.script, stamps)
	}
	if e.Flags&codec.EntryLeased != 0 {
		e.Lease = choose(l.script, numbers)
	}
	if len(e.Key)+len(e.Value) > codec.EntryBytesMax {
		e.Value = nil
	}
	return e
}

func (l *liar) run(limit int) []byte {
	var w codec.RunWriter
	head := codec.RunHead{
		ID: l.id(), From: choose(l.script, versions), Floor: choose(l.script, versions) * uint64(l.pick(2)),
		Max: choose(l.script, versions), Dirty: l.pick(4) == 3,
	}
	if l.pick(3) > 0 {
		head.From = uint64(l.pick(3))
	}
	if l.pick(2) == 0 { // one of its own that follows the one before
		head.ID, head.From = l.spy.ID, l.said
	}
	if !w.Begin(nil, limit, head) {
		return nil
	}
	end := head.From // of the batch
	for range l.pick(7) {
		e := l.entry(w.Last())
		if e.Version <= w.Last() || e.Version > codec.VersionMax-codec.BatchMax {
			break
		}
		switch {
		case e.Version <= end:
			e.EndAt(end)
		case l.pick(3) == 0:
			e.Flags, e.Rest = e.Flags|codec.EntryMore, uint8(1+l.pick(codec.BatchMax-1))
		}
		if !w.Entry(&e) {
			break
		}
		end = max(end, e.End())
	}
	to := max(w.Last(), end, choose(l.script, versions)*uint64(l.pick(2)))
	if l.pick(4) > 0 {
		to = max(w.Last(), end)
	}
	if head.ID == l.spy.ID && head.From == l.said {
		l.said = to
	}
	return w.End(to)
}

func (l *liar) preciseRun(limit int) []byte {
	var w codec.PreciseRunWriter
	if !w.Begin(nil, limit, l.id()) {
		return nil
	}
	last := uint64(0)
	for range l.pick(7) {
		e := l.entry(last)
		if e.Version <= last || e.Version > codec.VersionMax || !w.Entry(&e) {
			break
		}
		last = e.Version
	}
	return w.End()
}

// ids are a few identifiers, ascending.
func (l *liar) ids() []codec.OriginID {
	list := make([]codec.OriginID, l.pick(6))
	for i := range list {
		list[i] = max(1, l.id())
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (l *liar) digest(limit int) []byte {
	var w codec.DigestWriter
	ids, lo, hi := l.ids(), codec.OriginID(0), codec.OriginID(1<<64-1)
	if len(ids) > 0 && l.pick(2) == 1 {
		lo, hi = ids[0], ids[len(ids)-1]
	}
	if !w.Begin(nil, limit, codec.DigestFlags(l.pick(32))&^codec.PreciseEnd, lo) {
		return nil
	}
	for _, id := range ids {
		w.Add(codec.DigestEntry{ID: id, Max: choose(l.script, versions), Floor: choose(l.script, versions), Dirty: l.pick(2) == 1})
	}
	return w.End(hi)
}

func (l *liar) preciseDigest(limit int) []byte {
	var w codec.PreciseDigestWriter
	if !w.Begin(nil, limit, codec.Place{}) {
		return nil
	}
	sorted := slices.Clone(keys)
	slices.SortFunc(sorted, bytes.Compare)
	for _, id := range l.ids() {
		if !w.Origin(id) {
			break
		}
		for _, key := range sorted[:l.pick(len(sorted))] {
			if !w.Key(key, max(1, choose(l.script, versions))) {
				break
			}
		}
	}
	return w.End(codec.DigestFlags(l.pick(16)))
}

func (l *liar) precisePull(limit int) []byte {
	var w codec.PrecisePullWriter
	if !w.Begin(nil, limit) {
		return nil
	}
	for _, id := range l.ids() {
		if !w.Origin(id) {
			break
		}
		for v := uint64(1); v < uint64(1+l.pick(9)); v++ {
			w.Version(v)
		}
		if l.pick(2) == 1 {
			w.Version(codec.VersionMax)
		}
	}
	return w.End(l.pick(2) == 1)
}

func (l *liar) pull(limit int) []byte {
	var w codec.PullWriter
	if !w.Begin(nil, limit) {
		return nil
	}
	for range l.pick(9) {
		w.Add(max(1, l.id()), choose(l.script, versions))
	}
	return w.End()
}
