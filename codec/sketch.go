package codec

import "encoding/binary"

// SketchSizes are the numbers of cells that a Sketch record may have.
var SketchSizes = [...]int{24, 40, 60, 80, 120, 240}

const (
	// SketchCellBytes is one cell.
	SketchCellBytes = 4 + 4 + 8
	// sketchFixed is what stands before the cells.
	sketchFixed = 2
)

// A sketch of 60 cells fits the smallest frame with everything else in it, one of 80 the default
// frame with seal and fingerprints but no other header block.
const (
	_ uint = FrameBytesFloor - HeaderBytesMax - TagBytes - RecordBytes - (sketchFixed + 60*SketchCellBytes)
	_ uint = FrameBytesDefault - (HeaderBytesFixed + sealBytes + printsBytes + TagBytes + RecordBytes) -
		(sketchFixed + 80*SketchCellBytes)
)

// SketchCell is a sum over origins: of their versions, of version times check, of version times
// identifier.
type SketchCell struct {
	Span  int32
	Check uint32
	IDs   int64
}

// Sketch is the checked body of a Sketch record, a linear sketch of the version vector and a view
// of the frame: the number of cells, the number of the key that they were made with, then the
// cells.
type Sketch struct{ b []byte }

// SketchBytes is the size of the body of a sketch with that many cells.
func SketchBytes(cells int) int { return sketchFixed + cells*SketchCellBytes }

// BeginSketch appends the start of a Sketch record with that many cells, one of SketchSizes; salt
// names the key among those that the cluster knows. The caller appends as many cells and ends it
// with EndRecord.
func BeginSketch(dst []byte, cells int, salt uint8) []byte {
	return append(BeginRecord(dst, TypeSketch), uint8(cells), salt)
}

// AppendSketchCell appends one cell.
func AppendSketchCell(dst []byte, c SketchCell) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(c.Span))
	dst = binary.LittleEndian.AppendUint32(dst, c.Check)
	return binary.LittleEndian.AppendUint64(dst, uint64(c.IDs))
}

// ParseSketch checks the body of a Sketch record. Afterwards its methods can't fail.
func ParseSketch(b []byte) (Sketch, error) {
	if len(b) < sketchFixed {
		return Sketch{}, ErrBody
	}
	for _, n := range SketchSizes {
		if n == int(b[0]) {
			if len(b) != SketchBytes(n) {
				return Sketch{}, ErrBody
			}
			return Sketch{b}, nil
		}
	}
	return Sketch{}, ErrUnsupported
}

// Cells is the number of cells.
func (s Sketch) Cells() int { return int(s.b[0]) }

// Salt names the key of the cells.
func (s Sketch) Salt() uint8 { return s.b[1] }

// Cell is cell i.
func (s Sketch) Cell(i int) SketchCell {
	b := s.b[sketchFixed+i*SketchCellBytes:][:SketchCellBytes]
	le := binary.LittleEndian
	return SketchCell{int32(le.Uint32(b)), le.Uint32(b[4:]), int64(le.Uint64(b[8:]))}
}
