package disk

import (
	"encoding/binary"
	"net/netip"
)

// Op is what a record does.
type Op = uint8

// The operations.
const (
	OpSet     Op = 0
	OpDelete  Op = 1
	OpContent Op = 2 // the value is a reference to a content, as codec.Content
	OpHeld    Op = 3 // what a shared key holds by others' logs, or by an own one of before
	OpLeased  Op = 4 // a set whose time to live is the number of a lease
	OpLease   Op = 5 // a lease
)

// A record is one write: version u64, time to live u32 (milliseconds, 0 for none), value
// bytes u32, key bytes u16, op and class u8, flags u8, key, value. The class is for who stages it. Writers that stage their writes
// in this form hand them over as they are. What is offered together is on disk together
// or not at all.
const (
	RecordHead  = 20
	RecordDead  = 1 // flag: a later record of the same offer has the same key
	RecordBatch = 2 // from this bit on: how many writes of a batch are left, this one among them; 0: none
	RecordClass = 6 // from this bit of the op on: how urgent it is
)

// Record is one write that was read. Key and Value are borrowed.
type Record struct {
	Version    uint64
	TTL        uint32 // milliseconds; 0: none; with OpLeased: the number of the lease
	Op         Op
	Batch      uint8 // how many writes of its batch are left, this one among them; 0: it is none of a batch
	Key, Value []byte
	Wall       int64 // when its age was 0, or later: Unix nanoseconds
}

// ends tells whether it has a time to live of its own.
func (r *Record) ends() bool { return r.TTL != 0 && r.Op != OpLeased }

// AppendRecord appends one write. Wall is not part of it: the block has it.
func AppendRecord(b []byte, r *Record) []byte {
	b = binary.LittleEndian.AppendUint64(b, r.Version)
	b = binary.LittleEndian.AppendUint32(b, r.TTL)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Value)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(r.Key)))
	b = append(b, r.Op, r.Batch<<RecordBatch)
	return append(append(b, r.Key...), r.Value...)
}

// appendLive appends those records that no later one of the offer replaces.
func appendLive(dst, records []byte) []byte {
	from := 0
	for at := 0; at < len(records); {
		h := records[at : at+RecordHead]
		next := at + recordSize(h)
		if h[19]&RecordDead != 0 {
			dst = append(dst, records[from:at]...)
			from = next
		}
		at = next
	}
	return append(dst, records[from:]...)
}

// recordSize is how long the record with a head is.
func recordSize(h []byte) int {
	return RecordHead + int(binary.LittleEndian.Uint32(h[12:])) + int(binary.LittleEndian.Uint16(h[16:]))
}

// readRecord reads the record at the beginning of b and tells how long it is; 0: there
// is none.
func readRecord(b []byte, r *Record) (n int) {
	if len(b) < RecordHead {
		return 0
	}
	values, keys := int(binary.LittleEndian.Uint32(b[12:])), int(binary.LittleEndian.Uint16(b[16:]))
	mid := RecordHead + keys
	n = mid + values
	if keys == 0 || n > len(b) {
		return 0
	}
	r.Batch = b[19] >> RecordBatch
	r.Version, r.TTL, r.Op = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:]), b[18]&(1<<RecordClass-1)
	r.Key, r.Value = b[RecordHead:mid:mid], b[mid:n:n]
	return n
}

// Member is a member that was known.
type Member struct {
	Name string
	Addr netip.AddrPort
}

func appendMembers(b []byte, list []Member) []byte {
	for _, m := range list {
		addr, _ := m.Addr.MarshalBinary() // never fails
		b = append(b, byte(len(m.Name)), byte(len(addr)))
		b = append(append(b, m.Name...), addr...)
	}
	return b
}

func parseMembers(b []byte) (list []Member) {
	for len(b) >= 2 {
		name, end := int(b[0]), 2+int(b[0])+int(b[1])
		if len(b) < end {
			return list
		}
		m := Member{Name: string(b[2 : 2+name])}
		if m.Addr.UnmarshalBinary(b[2+name:end]) == nil && m.Addr.IsValid() {
			list = append(list, m)
		}
		b = b[end:]
	}
	return list
}
