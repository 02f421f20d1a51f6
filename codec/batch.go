package codec

const (
	// batchHeadBytes is what the head of a batch's first entry may have beyond the one byte of the
	// others.
	batchHeadBytes = 8
	uint32BytesMax = 5 // of a uvarint
)

// BatchEntryBytes is what an entry with so many bytes of key and value takes of BatchBytesMax: the
// most that it may have in a run, whatever became of the others of its batch, however old it is,
// and with a hint of its lease.
func BatchEntryBytes(f EntryFlags, key, value int) int {
	n := 1 + 2 + 2 + key // head, flags and rest, lengths of the key
	if f&EntryTombstone == 0 {
		n += uvarintBytes(uint64(value)) + value
	}
	if f&EntryKinded != 0 {
		n++
	}
	if f&(EntryTTL|EntryLeased) != 0 {
		n += 2 * uint32BytesMax
	}
	if f&EntryLeased != 0 {
		n += uint32BytesMax
	}
	return n
}

// BatchFits tells whether writes that take so much together, and are so many, may be one batch.
func BatchFits(writes, bytes int) bool {
	return writes <= BatchMax && bytes <= BatchBytesMax-batchHeadBytes
}

// EndAt makes an entry one of the batch that ends at a version, which is not below its own.
func (e *Entry) EndAt(end uint64) {
	e.Rest, e.Flags = uint8(end-e.Version), e.Flags&^EntryMore
	if e.Rest > 0 {
		e.Flags |= EntryMore
	}
}

// End is the last version of the batch that an entry belongs to; its own version where it belongs
// to none.
func (e *Entry) End() uint64 { return e.Version + uint64(e.Rest) }
