package sketch

import "github.com/quidnunc/quidnunc/codec"

// Difference is one origin that differs: ours is Ahead versions further than
// theirs (negative: behind).
type Difference struct {
	Short uint64 // see ShortID and Find
	Ahead int32
}

// Decoder takes the difference of two sketches apart. It is reused; its memory is
// fixed. The zero Decoder is ready.
type Decoder struct {
	cells  [CellsMax]cell
	size   int
	left   int // cells that are not zero
	queue  [CellsMax]uint8
	queued [CellsMax]bool
}

// Subtract loads mine minus theirs, at the size of theirs.
func (d *Decoder) Subtract(mine *Sketch, theirs codec.Sketch) {
	d.size = theirs.Cells()
	clear(d.cells[:d.size])
	for i := range mine.cells {
		c := &d.cells[i%d.size]
		c.span += mine.cells[i].span
		c.check += mine.cells[i].check
		c.ids += mine.cells[i].ids
	}
	for i := range d.size {
		c, t := &d.cells[i], theirs.Cell(i)
		c.span -= t.Span
		c.check -= t.Check
		c.ids -= t.IDs
	}
}

// Peel writes the differing origins that it can tell to dst and returns how many.
// complete means that they are all of them: nothing is left over. It needs room
// for as many differences as there are cells; with less it may stop early. Time is
// bounded by four tries a cell.
func (d *Decoder) Peel(key [2]uint64, dst []Difference) (n int, complete bool) {
	head, tail := 0, 0 // of the queue, counted without wrapping
	for i := range d.size {
		d.queue[tail] = uint8(i)
		d.queued[i] = true
		tail++
	}
	for tries := 0; head < tail && tries < copies*2*d.size; tries++ {
		at := d.queue[head%d.size]
		head++
		d.queued[at] = false
		short, ok := d.cells[at].alone()
		if !ok {
			continue
		}
		it := itemOf(key, uint64(short))
		span := d.cells[at].span
		if d.cells[at].check != uint32(span)*it.check || !it.in(int(at), d.size) {
			continue
		}
		if n == len(dst) {
			break
		}
		dst[n] = Difference{Short: uint64(short), Ahead: span}
		n++
		tail = d.take(&it, span, tail)
	}
	d.left = 0
	for i := range d.size {
		if !d.cells[i].zero() {
			d.left++
		}
		d.queued[i] = false
	}
	return n, d.left == 0
}

// take removes an origin from its cells and queues those that it leaves non-zero.
func (d *Decoder) take(it *Item, span int32, tail int) int {
	for _, place := range it.cells {
		at := int(place) % d.size
		c := &d.cells[at]
		c.span -= span
		c.check -= uint32(span) * it.check
		c.ids -= int64(span) * it.id
		if !d.queued[at] && !c.zero() {
			d.queue[tail%d.size] = uint8(at)
			d.queued[at] = true
			tail++
		}
	}
	return tail
}

// in tells whether the item lives in cell at of a sketch of that size.
func (it *Item) in(at, size int) bool {
	for _, place := range it.cells {
		if int(place)%size == at {
			return true
		}
	}
	return false
}

// Left returns how many cells the last Peel could not empty: 0 after a full one.
func (d *Decoder) Left() int { return d.left }

// SizeFor returns the largest of codec.SketchSizes whose body has at most room bytes, 0 if none.
func SizeFor(room int) (cells int) {
	for _, n := range codec.SketchSizes {
		if codec.SketchBytes(n) <= room {
			cells = n
		}
	}
	return cells
}

// AppendRecord appends a Sketch record of that size, which must be one of
// codec.SketchSizes. salt names the key among those that the cluster knows.
func (s *Sketch) AppendRecord(dst []byte, cells int, salt uint8) []byte {
	start := len(dst)
	dst = codec.BeginSketch(dst, cells, salt)
	for i := range cells {
		var sum codec.SketchCell
		for j := i; j < CellsMax; j += cells {
			sum.Span += s.cells[j].span
			sum.Check += s.cells[j].check
			sum.IDs += s.cells[j].ids
		}
		dst = codec.AppendSketchCell(dst, sum)
	}
	return codec.EndRecord(dst, start)
}
