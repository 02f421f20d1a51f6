package codec

// KeyNoticeMax is how many keys a KeyNotice may name: what a keyring holds.
const KeyNoticeMax = 8

// KeyNotice says which sealing keys its sender holds, so that an operator sees when all members can
// do without an old one.
type KeyNotice struct {
	Primary uint8  // the key that it seals with, one of Held
	Held    KeySet // the keys that it opens
	Serial  uint8  // of the notice: a later one of the same sender has another
}

// KeySet is a set of key ids, ascending; 0 ends it.
type KeySet [KeyNoticeMax]uint8

// Add puts an id in. It tells whether there was room.
func (k *KeySet) Add(id uint8) bool {
	if k.Has(id) {
		return true
	}
	if id == 0 || k[KeyNoticeMax-1] != 0 {
		return false
	}
	i := KeyNoticeMax - 1
	for ; i > 0 && (k[i-1] == 0 || k[i-1] > id); i-- {
		k[i] = k[i-1]
	}
	k[i] = id
	return true
}

// Has tells whether an id is in the set. 0 never is.
func (k *KeySet) Has(id uint8) bool {
	for _, v := range k {
		if v == id {
			return id != 0
		}
	}
	return false
}

// Len is the number of ids.
func (k *KeySet) Len() (n int) {
	for n < KeyNoticeMax && k[n] != 0 {
		n++
	}
	return n
}

// AppendKeyNotice appends a KeyNotice record. It panics unless the primary key is among those held.
func AppendKeyNotice(dst []byte, k *KeyNotice) []byte {
	if !k.Held.Has(k.Primary) {
		panic("codec: the primary key is not held")
	}
	start := len(dst)
	dst = append(BeginRecord(dst, TypeKeyNotice), k.Serial, k.Primary)
	return EndRecord(append(dst, k.Held[:k.Held.Len()]...), start)
}

// KeyNoticeBytesMax is the longest KeyNotice record.
const KeyNoticeBytesMax = RecordBytes + 2 + KeyNoticeMax

// ParseKeyNotice reads the body of a KeyNotice record.
func ParseKeyNotice(body []byte, k *KeyNotice) error {
	if len(body) < 3 || len(body) > 2+KeyNoticeMax {
		return ErrBody
	}
	*k = KeyNotice{Serial: body[0], Primary: body[1]}
	last := uint8(0)
	for i, id := range body[2:] {
		if id <= last {
			return ErrOrder
		}
		k.Held[i], last = id, id
	}
	if !k.Held.Has(k.Primary) {
		return ErrBody
	}
	return nil
}
