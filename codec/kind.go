package codec

// Kind says what the value of an entry is. All kinds are written alike, a key and a value of so
// many bytes, so that a kind which a version does not know is kept, relayed as its bytes, and
// hidden from readers.
type Kind uint8

// The kinds. Those from KindFree on are free; 0, a user's value, is never written.
const (
	KindLease        Kind = 1 // a lease: its key is that of AppendLeaseKey, it has TTL and Age and no value
	KindAnnounce     Kind = 2 // of no use: it was to bind a number to the key: uvarint number
	KindContent      Kind = 3 // a reference to a content: uvarint length, SHA-256 of the plain value 32
	KindShared       Kind = 4 // a key that many write: uvarint epoch, stamp 8, author 8, generation 8, value
	KindSharedDelete Kind = 5 // its delete, a live entry: the same without a value
	KindByRef        Kind = 6 // of no entry: who knows it takes entries by reference
	KindFree         Kind = 7
)

// leaseKeyHead starts the key of a lease: an origin's leases are entries of its log like all
// others, and the newest of a number counts. A tombstone of the key ends the lease, and with it
// every key that names it.
const leaseKeyHead = "\x00lease/"

// LeaseKeyBytesMax is the longest key of a lease.
const LeaseKeyBytesMax = len(leaseKeyHead) + 5

// AppendLeaseKey appends the key of the lease with that number.
func AppendLeaseKey(dst []byte, number uint32) []byte {
	return appendUvarint(append(dst, leaseKeyHead...), uint64(number))
}

// Leases tells whether a key is that of a lease, well formed or not. Limits and rates count those
// as users' keys.
func Leases[T string | []byte](key T) bool {
	return len(key) > len(leaseKeyHead) && string(key[:len(leaseKeyHead)]) == leaseKeyHead
}

// ParseLeaseKey gives the number of the lease with that key; false if it is the key of something
// else.
func ParseLeaseKey(key []byte) (number uint32, ok bool) {
	if !Leases(key) {
		return 0, false
	}
	rest, ok := parseUint32(key[len(leaseKeyHead):], &number)
	return number, ok && len(rest) == 0
}

// wellFormed tells whether an entry with flags may be written.
func (e *Entry) wellFormed() bool {
	if e.Flags&^(entryFlagsKnown|EntryByRef) != 0 || !e.restValid() {
		return false
	}
	if e.Flags&EntryKinded == 0 {
		return true
	}
	return e.Kind != 0 && e.Flags&EntryTombstone == 0 && e.kindValid(e.Key)
}

// kindValid tells whether the rest of an entry is as its kind wants it. Later kinds may want
// anything.
func (e *Entry) kindValid(key []byte) bool {
	if e.Kind != KindLease {
		return true
	}
	_, ok := ParseLeaseKey(key)
	return ok && e.Flags&(EntryTTL|EntryLeased|EntryByRef) == EntryTTL && len(e.Value) == 0
}
