package state

import "github.com/quidnunc/quidnunc/codec"

// Limits bounds a store. Memory grows from a few tens of kilobytes towards them in pages and never beyond.
type Limits struct {
	Origins        int // (name, generation) pairs held at once; at most OriginsMax
	Keys           int // entries over all origins, tombstones included; at most KeysMax
	KeysPerOrigin  int // entries of one origin; 0 or more than KeysPerOriginMax means the smaller of Keys and KeysPerOriginMax
	BytesPerOrigin int // key and value bytes of one origin's entries; 0: no limit but ValueBytes
	ValueBytes     int // bytes of all cells: names, keys and values with a head of 20 bytes each, rounded up to a size class; with room for what is overwritten while a reader holds it
}

// What the layout can address.
const (
	OriginsMax       = 1 << 20
	KeysMax          = 1 << 28
	KeysPerOriginMax = 8 << 20
	ValueBytesMax    = int(1 << 30 * (1 + 30*(^uint(0)>>63))) // 31 GiB; 1 GiB on 32-bit systems
)

// LimitsDefault returns limits that fit a process of a cluster of a thousand nodes. A store with them starts small.
func LimitsDefault() Limits {
	return Limits{Origins: 4096, Keys: 1 << 20, ValueBytes: 256 << 20}
}

// Footprint is about how many bytes a store maps when it is filled up to its limits: what to set a container's memory by.
func (l Limits) Footprint() (bytes int) {
	l = l.normal()
	bytes += l.ValueBytes + l.ValueBytes/cellPageBytes*cellPageMetaBytes // cells and what is known of their pages
	bytes += l.Keys*11 - l.Keys/10                                       // index of keys: a word a key at a load of 0.68 to 0.85
	bytes += l.Keys * 11                                                 // version logs: a word an entry, three quarters of them live
	bytes += l.Origins * 8 * min(l.Keys/l.Origins+1, 1<<subBits)         // and the room in the last segment of each
	bytes += l.Origins * (originBytes + 2*11 + 12)                       // records, two indexes, the order by identifier
	return bytes + storeBytes
}

// normal clamps every limit to what the layout can address.
func (l Limits) normal() Limits {
	l.Origins = min(max(l.Origins, 1), OriginsMax)
	l.Keys = min(max(l.Keys, 1), KeysMax)
	if l.KeysPerOrigin <= 0 || l.KeysPerOrigin > KeysPerOriginMax {
		l.KeysPerOrigin = KeysPerOriginMax
	}
	l.KeysPerOrigin = min(l.KeysPerOrigin, l.Keys)
	l.ValueBytes = min(max(l.ValueBytes, cellPageBytes), ValueBytesMax)
	return l
}

// The relations between limits: a constant that would be negative does not compile.
const (
	_ uint = cellBytesMax - (cellHeadBytes + cellOptionalBytesMax + codec.EntryBytesMax) // the longest entry fits a cell
	_ uint = cellBytesMax - (1 + codec.NameBytesMax)                                     // and so does the longest name
	_ uint = 1<<reuseShift - 1 - (OriginsMax + OriginsMax/8 + 64)                        // a handle leaves 11 bits of a tag free
	_ uint = 1<<32 - 1 - uint(ValueBytesMax/8+cellPageBytes/8)                           // references count granules of 8 bytes
	_ uint = 1<<16 - 1 - codec.EntryBytesMax
	_ uint = 255 - codec.KeyBytesMax
)
