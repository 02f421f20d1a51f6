package codec

// stepWindow is what the quick way of step looks at without asking for its length.
const stepWindow = 2 + 16

const _ uint = KeyBytesMax - (nibbleMax - 1 + 16) // its copy of a key stays in the iterator

// step decodes the next entry into it.key and e, all of e but Key. Every length and every claim is
// checked here, once for parsing and once for walking: what passed the first time passes the
// second.
//
// Nearly every entry has no flags, and numbers of one byte each: a gap below 32, short parts of a
// key, a value below 128 bytes. Those are decoded with two tests; its key is copied as 16 bytes
// whatever its length.
func (it *RunIter) step(e *Entry) error {
	b := it.rest
	if len(b) < stepWindow || b[0]&7 != 1 {
		return it.stepAny(e)
	}
	shared, own := int(b[1]&nibbleMax), int(b[1]>>4)
	value := b[2+own]
	end := 3 + own + int(value>>1)
	version := it.version + uint64(b[0]>>3) + 1
	if b[1] == 0 || shared == nibbleMax || own == nibbleMax || value&1 == 0 || end > len(b) || shared > it.keyBytes || version > it.to ||
		own > 0 && shared < it.keyBytes && it.key[shared] == b[2] {
		return it.stepAny(e) // which knows what is wrong, if anything is
	}
	e.Version, e.Value = version, b[3+own:end:end]
	e.Stamp, e.TTL, e.Age, e.Ref, e.Lease, e.Flags, e.Kind, e.Rest = 0, 0, 0, 0, 0, 0, 0, 0
	*(*[16]byte)(it.key[shared:]) = [16]byte(b[2:])
	it.version, it.rest, it.keyBytes = version, b[end:], shared+own
	return nil
}

// stepAny is step for any entry.
func (it *RunIter) stepAny(e *Entry) error {
	head, n := uvarint(it.rest)
	if n == 0 {
		return ErrVarint
	}
	b := it.rest[n:]
	gap := head >> headBits
	e.Version = it.version + gap + 1
	if gap >= VersionMax || e.Version > it.to {
		return ErrOrder
	}
	e.Value = nil
	e.Stamp, e.TTL, e.Age, e.Ref, e.Lease, e.Flags, e.Kind, e.Rest = 0, 0, 0, 0, 0, 0, 0, 0
	var err error
	if head&(headFlags|headRef) != 0 {
		if b, err = it.stepOptional(b, e, head); err != nil {
			return err
		}
	}
	keyBytes := 0
	if head&headRef == 0 {
		if b, err = it.stepKey(b); err != nil {
			return err
		}
		keyBytes = it.keyBytes
	}
	if e.Flags&EntryTombstone == 0 {
		v, n := uvarint(b)
		if n == 0 || v > uint64(EntryBytesMax-keyBytes) {
			return ErrEntry
		}
		end := n + int(v)
		if len(b) < end {
			return ErrBody
		}
		e.Value, b = b[n:end:end], b[end:]
	}
	if e.Flags&EntryKinded != 0 && !e.kindValid(it.key[:keyBytes]) {
		return ErrEntry
	}
	if e.Flags&EntryStamp != 0 {
		it.stamp = e.Stamp
	}
	it.version, it.rest = e.Version, b
	return nil
}

// stepKey decodes a front-coded key into it.key. It insists on the longest shared prefix, the only
// valid form, and on a key that is not empty: whoever reads keys may look at the first byte.
func (it *RunIter) stepKey(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, ErrBody
	}
	shared, own := int(b[0]&nibbleMax), int(b[0]>>4)
	b = b[1:]
	if shared == nibbleMax {
		if len(b) == 0 {
			return nil, ErrBody
		}
		shared, b = shared+int(b[0]), b[1:]
	}
	if own == nibbleMax {
		if len(b) == 0 {
			return nil, ErrBody
		}
		own, b = own+int(b[0]), b[1:]
	}
	if shared > it.keyBytes || shared+own > KeyBytesMax || shared+own == 0 {
		return nil, ErrEntry
	}
	if len(b) < own {
		return nil, ErrBody
	}
	if own > 0 && shared < it.keyBytes && it.key[shared] == b[0] {
		return nil, ErrEntry
	}
	it.keyBytes = shared + copy(it.key[shared:], b[:own])
	return b[own:], nil
}

// stepOptional reads the flags of an entry, if its head names any, and the fields that they name.
func (it *RunIter) stepOptional(b []byte, e *Entry, head uint64) (rest []byte, err error) {
	if head&headFlags != 0 {
		if b, err = parseFlags(b, e); err != nil {
			return nil, err
		}
	}
	ok := true
	if e.Flags&EntryTTL != 0 {
		if b, ok = parseUint32(b, &e.TTL); !ok {
			return nil, ErrVarint
		}
		if b, ok = parseUint32(b, &e.Age); !ok {
			return nil, ErrVarint
		}
	}
	if e.Flags&EntryLeased != 0 {
		if b, ok = parseUint32(b, &e.Lease); !ok {
			return nil, ErrVarint
		}
	}
	if e.Flags&EntryStamp != 0 {
		step, n := uvarint(b)
		if n == 0 {
			return nil, ErrVarint
		}
		e.Stamp, b = stampOf(step, it.stamp), b[n:]
	}
	if head&headRef != 0 {
		e.Flags |= EntryByRef
		if b, ok = parseUint32(b, &e.Ref); !ok {
			return nil, ErrVarint
		}
	}
	return b, nil
}

// parseFlags reads the flags, and the bytes that they name: the kind, how far a batch goes on.
func parseFlags(b []byte, e *Entry) ([]byte, error) {
	if len(b) == 0 {
		return nil, ErrBody
	}
	e.Flags, b = EntryFlags(b[0]), b[1:]
	if e.Flags == 0 || e.Flags&^entryFlagsKnown != 0 || e.Flags&(EntryKinded|EntryTombstone) == EntryKinded|EntryTombstone {
		return nil, ErrFlags
	}
	if e.Flags&EntryKinded != 0 {
		if len(b) == 0 {
			return nil, ErrBody
		}
		if e.Kind, b = Kind(b[0]), b[1:]; e.Kind == 0 { // a user's value has no kind
			return nil, ErrFlags
		}
	}
	if e.Flags&EntryMore != 0 {
		if len(b) == 0 {
			return nil, ErrBody
		}
		if e.Rest, b = b[0], b[1:]; !e.restValid() {
			return nil, ErrFlags
		}
	}
	return b, nil
}

// restValid tells whether Rest is what EntryMore says of it.
func (e *Entry) restValid() bool {
	return e.Flags&EntryMore == 0 && e.Rest == 0 || e.Flags&EntryMore != 0 && e.Rest > 0 && e.Rest < BatchMax
}

func parseUint32(b []byte, v *uint32) ([]byte, bool) {
	x, n := uvarint(b)
	*v = uint32(x)
	return b[n:], n != 0 && x>>32 == 0
}
