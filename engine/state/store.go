package state

import "github.com/quidnunc/quidnunc/codec"

// Status is the outcome of a write.
type Status uint8

// The outcomes. Whatever is not OK changed nothing.
const (
	OK       Status = iota
	Exists          // the origin is here already
	Old             // this version or a newer one is here already
	Full            // a memory limit is reached
	TooMany         // a limit on the number of origins or keys is reached
	TooLarge        // the entry or name is longer than the protocol allows
	NoOrigin        // the handle is not one of an origin
	Invalid         // version 0 or above codec.VersionMax, no key, or no name
	Gap             // the run begins above max
	Unnamed         // the entry refers to a key by a version that is not here
)

var statusNames = [...]string{"ok", "exists", "old", "full", "too many", "too large", "no origin", "invalid", "gap", "unnamed"}

func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "unknown"
}

// Store is the replica of a node: what it knows of all origins. Init comes first. All methods are
// for one goroutine, the writer, except those that say that they are for readers.
type Store struct {
	// What every turn of a loop and every run asks for: one after the other in few cache lines.
	secret [2]uint64
	now    int64  // as last told, in nanoseconds: ages count by it
	hop    int64  // what entries that are applied have aged on their way here
	owner  Origin // 0: nobody's
	owned  int64  // when that one began to live
	denied uint64 // version of its last denial, 0: none
	shut   shut

	origins  []*originChunk // by handle; nil up to the limit
	made     uint32         // handles ever given out
	freed    Origin         // head of the list of handles to use again, linked by older
	dying    Origin         // head of the list of removed origins whose entries are still to be swept, linked by older
	clearing Origin         // head of the list of origins with tombstones to collect, linked by toClear
	entries  int            // live, tombstones included
	live     int            // keys: live and not deleted
	system   int            // of live, those with reserved keys
	bytes    int            // of keys and values of live entries
	dirty    int            // origins
	held     int            // bytes of the cells of live entries, and of removed ones that are not swept yet
	below    uint64         // floor of the run that is applied; 0: none is
	print    uint64
	order    order
	retired  retired
	echoes   echoes
	holes    []hole   // in the order of identifiers
	sums     []summed // by origin
	witness  Witness
	kinded   bool   // see Kinded
	touched  uint64 // so that the loads of resolve are not left out
	ids      index  // origin by identifier
	keys     index  // cell by origin and key
	log      slab
	cells    arena

	names    index // origin of the highest generation by name
	limits   Limits
	most     Limits                // what SetLimits may raise them to
	parts    [1 << partBits]uint64 // of print, by the leading bits of the identifier
	keyed    keyPrints
	compacts Compactions
	bearers  bearers
	kinds    Kinds
	epochs   epochs
	release  release
	batch    [runBatch]write
	formers  formers                 // what the owner's writes of late replaced
	proven   []proven                // by origin
	name     [codec.KeyBytesMax]byte // of the entry that named looked up last
}

// Compactions counts the work on version logs and pages of cells that writes caused.
type Compactions struct {
	Rebuilt uint64 // tails rewritten because they were full of dead words
	Merged  uint64 // neighbours merged
	Dropped uint64 // segments without a live word
	Moved   uint64 // words moved by all of these
	Cells   uint64 // cells moved so that pages became free
}

// Init makes an empty store. The seed need not be secret for correctness; a secret one keeps others
// from choosing keys that collide in the index. Init may be called again to start over, but not
// while there are readers.
func (s *Store) Init(l Limits, seed uint64) {
	l = l.normal()
	most := l.raised()
	*s = Store{limits: l, most: most}
	s.secret = [2]uint64{mix(seed ^ 0x9e3779b97f4a7c15), mix(seed ^ 0xd1b54a32d192ed03)}
	s.origins = make([]*originChunk, l.Handles()>>originChunkBits+1)
	s.cells.init(l.pages(), most.pages())
	words := 6*most.entries() + 4*blockWordsMin*l.Origins // twice what logs of all shapes need: a bound, not a plan
	s.log.init(words>>wordPageBits + subsPerPage)
	s.retired.init()
	s.ids.init(l.Origins)
	s.names.init(l.Origins)
	s.keys.init(most.entries())
}

// Tell says what time it is, in nanoseconds of any clock that does not go back: entries with a TTL
// age by it. Entries that are applied after Hop were underway for so long, also in nanoseconds, and
// came from a member; 0: they are written here.
func (s *Store) Tell(now int64) { s.now = now }

// Hop is for Tell.
func (s *Store) Hop(underway int64, from codec.OriginID) { s.hop, s.bearers.from = underway, from }

// Limits returns the limits as the store obeys them.
func (s *Store) Limits() Limits { return s.limits }

// Stats is a count of what a store holds.
type Stats struct {
	Origins    int
	Entries    int // live entries: keys and tombstones
	LiveKeys   int // keys that are not deleted
	ValueBytes int // of keys and values of the entries
	CellBytes  int // of the cells of the entries, heads and rounding included: what Limits.ValueBytes bounds
	LogBytes   int // of the blocks of version logs in use
	IndexBytes int
	Footprint  int // bytes that the store holds mapped
	Compactions
}

// Stats returns the counts.
func (s *Store) Stats() Stats {
	return Stats{
		Origins: s.order.len(), Entries: s.entries, LiveKeys: s.live, ValueBytes: s.bytes, CellBytes: s.held,
		LogBytes: s.log.used * 8, IndexBytes: s.indexBytes(), Footprint: s.Footprint(), Compactions: s.compacts,
	}
}

func (s *Store) indexBytes() int {
	return s.ids.mapped() + s.names.mapped() + s.keys.mapped()
}

// Footprint is the bytes that the store holds mapped now.
func (s *Store) Footprint() int {
	chunks := int(s.made+1<<originChunkBits-1) >> originChunkBits
	return storeBytes + s.indexBytes() + s.cells.mapped() + s.log.mapped() + s.order.mapped() + s.retired.mapped() +
		len(s.origins)*8 + chunks*originBytes<<originChunkBits + cap(s.sums)*summedBytes +
		cap(s.proven)*provenBytes + len(s.formers)*formerBytes
}

// Fingerprint is the sum over all origins of a hash of (identifier, max, floor, dirty). Two
// replicas with equal ones know the same, but for a chance of 2^-64.
func (s *Store) Fingerprint() uint64 { return s.print }

// Recompute computes the fingerprint from scratch, for tests and audits: O(origins).
func (s *Store) Recompute() (print uint64) {
	for o := s.FirstAtOrAfter(0); o != 0; o = s.Following(o) {
		print += s.rec(o).print()
	}
	return print
}

// partBits is how finely the store keeps parts of its fingerprint: what RangePrint looks up and
// does not compute.
const partBits = 6

// fold changes the fingerprint by what an origin contributes more.
func (s *Store) fold(r *origin, more uint64) {
	s.print += more
	s.parts[r.id>>(64-partBits)] += more
}

// RangePrint is the part of the fingerprint of those origins whose identifiers have the same first
// bits as lo, 0 to 64 of them; 0 if there are none. Up to 6 bits it is looked up, from there on
// summed up: O(origins of the range).
func (s *Store) RangePrint(lo codec.OriginID, bits int) (print uint64) {
	lo, hi := IDRange(lo, bits)
	if bits <= partBits {
		for i := lo >> (64 - partBits); i <= hi>>(64-partBits); i++ {
			print += s.parts[i]
		}
		return print
	}
	for o := s.FirstAtOrAfter(lo); o != 0 && s.ID(o) <= hi; o = s.Following(o) {
		print += s.rec(o).print()
	}
	return print
}

// IDRange gives the first and the last identifier that has the same first bits as id.
func IDRange(id codec.OriginID, bits int) (lo, hi codec.OriginID) {
	rest := ^codec.OriginID(0) >> bits
	return id &^ rest, id | rest
}

// print is the part of an origin in the fingerprint.
func (r *origin) print() uint64 {
	known := r.floor
	if r.dirty {
		known |= 1 << versionBits
	}
	return mix(mix(mix(r.id)^r.max) ^ known)
}
