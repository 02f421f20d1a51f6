package state

import "github.com/quidnunc/quidnunc/codec"

// Limits bounds a store. Memory grows from a few tens of kilobytes towards them in pages and never
// beyond what Footprint says. Zero fields of the lower half take the defaults beside them.
//
// Keys and ValueBytes are what the origins may take together. One origin can't lock the others out:
// beyond these limits a sixteenth more is kept for origins that have less than an equal share of
// it, and another for writes that other members admitted at the same moment as ours. See Admits for
// what a writer may begin, and admit for what a replica takes.
type Limits struct {
	Origins    int // (name, generation) pairs held at once; at most OriginsMax
	Keys       int // keys over all origins that are not deleted, the engine's own apart; at most KeysMax
	ValueBytes int // bytes of all cells: keys and values with a head of 20 bytes each, rounded up to a size class

	Tombstones     int // deleted keys that owners leave others to remember, over all origins; a quarter of Keys, at least TombstonesMin
	KeysPerOrigin  int // keys of one origin; as many as there may be
	BytesPerOrigin int // key and value bytes of one origin's entries, tombstones included; as many as there may be
	Staged         int // bytes of cells that the owner of the store may have admitted and not written yet; 0
}

// What the layout can address.
const (
	OriginsMax       = 1 << 20
	KeysMax          = 1 << 28
	KeysPerOriginMax = 8 << 20
	TombstonesMin    = 64
	SystemMax        = 96                                     // entries of one origin that have reserved keys
	RaiseMax         = 4                                      // times the first limits that SetLimits may go up to
	ValueBytesMax    = int(1 << 29 * (1 + 44*(^uint(0)>>63))) // 22.5 GiB; 512 MiB on 32-bit systems
)

// LimitsDefault returns limits that fit a process of a cluster of a thousand nodes. A store with
// them starts small.
func LimitsDefault() Limits {
	return Limits{Origins: 4096, Keys: 1 << 20, ValueBytes: 256 << 20}
}

// Footprint is about how many bytes a store maps when it is filled up to its limits: what to set a
// container's memory by.
func (l Limits) Footprint() (bytes int) {
	l = l.normal()
	entries := l.entries()
	pages := l.pages()
	bytes += pages * (cellPageBytes + cellPageMetaBytes)                                // cells and what is known of their pages
	bytes += entries*11 - entries/10                                                    // index of keys: a word a key at a load of 0.68 to 0.85
	bytes += entries * 11                                                               // version logs: a word an entry, three quarters of them live
	bytes += l.Origins * 8 * min(entries/l.Origins+1, 1<<subBits)                       // and the room in the last segment of each
	bytes += l.Origins * (originBytes + 2*11 + 12)                                      // records, two indexes, the order by identifier
	bytes += (l.Origins + l.Origins/growPart + growLeast) * (summedBytes + provenBytes) // sums, and what is proven
	bytes += min(2*entries+formersLeast, formersMost) * formerBytes                     // what the owner's writes replaced
	return bytes + storeBytes
}

// entries is how many there may be, the kept shares and the reserved keys of each origin apart.
func (l Limits) entries() int { return l.Keys + l.Keys/8 + l.Tombstones }

// bytes is how many bytes of cells there may be.
func (l Limits) bytes() int {
	return l.ValueBytes + l.ValueBytes/8 + keptBytes + l.tombstoneBytes() + l.Staged
}

// tombstoneBytes is kept for tombstones and reserved keys beyond what others can take.
func (l Limits) tombstoneBytes() int { return l.Tombstones * 48 }

// pages is how many pages of cells hold so many bytes, whatever their sizes and however those
// changed: an eighth for the ends of pages and for what is emptied, a page for each class, and some
// for what waits for readers.
func (l Limits) pages() int {
	return (l.bytes()+l.bytes()/8)/cellPageBytes + len(classBytes) + 16 + l.Origins*(nameBytesShort+8)/cellPageBytes
}

// raised is what SetLimits may go up to.
func (l Limits) raised() Limits {
	l.Keys = min(RaiseMax*l.Keys, KeysMax)
	l.Tombstones = min(RaiseMax*l.Tombstones, KeysMax)
	l.ValueBytes = min(RaiseMax*l.ValueBytes, ValueBytesMax)
	return l
}

// normal fills in the defaults and clamps every limit to what the layout can address.
func (l Limits) normal() Limits {
	l.Origins = min(max(l.Origins, 1), OriginsMax)
	l.Keys = min(max(l.Keys, 1), KeysMax)
	if l.Tombstones <= 0 {
		l.Tombstones = max(l.Keys/4, TombstonesMin)
	}
	l.Tombstones = min(l.Tombstones, KeysMax)
	if l.KeysPerOrigin <= 0 || l.KeysPerOrigin > KeysPerOriginMax {
		l.KeysPerOrigin = KeysPerOriginMax
	}
	l.ValueBytes = min(max(l.ValueBytes, cellPageBytes), ValueBytesMax)
	l.Staged = min(max(l.Staged, 0), ValueBytesMax/16)
	return l
}

// The relations between limits: a constant that would be negative does not compile.
const (
	_ uint = cellBytesMax - (cellHeadBytes + cellOptionalBytesMax + codec.EntryBytesMax) // the longest entry fits a cell
	_ uint = cellBytesMax - (1 + codec.NameBytesMax)                                     // and so does the longest name
	_ uint = 1<<reuseShift - 1 - (OriginsMax + OriginsMax/8 + 64)                        // a handle leaves 11 bits of a tag free
	_ uint = 1<<32 - 1 - uint(ValueBytesMax/8*11/8+1<<20)                                // references count granules of 8 bytes
	_ uint = 1<<16 - 1 - codec.EntryBytesMax
	_ uint = 255 - codec.KeyBytesMax
)
