package codec

import "encoding/binary"

// Fact is an observed fact: this incarnation of the member has this status.
type Fact struct {
	ID          OriginID
	Incarnation uint32
	Status      Status
}

// AppendFact appends one fact: the body of a Verdict record is one or more of them.
func AppendFact(dst []byte, f Fact) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.ID))
	dst = binary.LittleEndian.AppendUint32(dst, f.Incarnation)
	return append(dst, byte(f.Status))
}

// Facts is the checked body of a Verdict record: a view of the frame.
type Facts []byte

// ParseFacts checks the body of a Verdict record. Afterwards Len and At can't fail.
func ParseFacts(b []byte) (Facts, error) {
	if len(b) == 0 || len(b)%FactBytes != 0 {
		return nil, ErrBody
	}
	for at := 0; at < len(b); at += FactBytes {
		if binary.LittleEndian.Uint64(b[at:]) == 0 {
			return nil, ErrOrigin
		}
		if Status(b[at+12]) >= Statuses {
			return nil, ErrUnsupported
		}
	}
	return b, nil
}

// Len is the number of facts.
func (f Facts) Len() int { return len(f) / FactBytes }

// At is fact i.
func (f Facts) At(i int) Fact {
	b := f[i*FactBytes:][:FactBytes]
	return Fact{
		ID:          OriginID(binary.LittleEndian.Uint64(b)),
		Incarnation: binary.LittleEndian.Uint32(b[8:]), Status: Status(b[12]),
	}
}

// Observed is the checked body of an Observed record, a view of the frame: for each part of the
// identifier space a sum of the facts that its sender knows.
type Observed []byte

// observedAnswer marks an Observed record that answers one, so that it isn't answered with a third.
const observedAnswer = 1

// AppendObserved appends an Observed record: the low half of each sum.
func AppendObserved(dst []byte, answer bool, sums *[ObservedBuckets]uint64) []byte {
	start := len(dst)
	dst = append(BeginRecord(dst, TypeObserved), boolByte(answer)*observedAnswer)
	for _, s := range sums {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(s))
	}
	return EndRecord(dst, start)
}

// ParseObserved checks the body of an Observed record. Afterwards Answer and Sum can't fail.
func ParseObserved(b []byte) (Observed, error) {
	if len(b) != ObservedBytes {
		return nil, ErrBody
	}
	if b[0]&^observedAnswer != 0 {
		return nil, ErrUnsupported
	}
	return b, nil
}

// Answer tells whether the record answers another one, and is not answered itself.
func (o Observed) Answer() bool { return o[0]&observedAnswer != 0 }

// Sum is the low half of the sum of part i.
func (o Observed) Sum(i int) uint32 { return binary.LittleEndian.Uint32(o[1+4*i:]) }
