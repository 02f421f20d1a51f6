package reconcile

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// shareBytesMin is the least a fair share may be, so that a share always holds
// a run header and a few small entries.
const shareBytesMin = 128

// Book is what introduces origins.
type Book interface {
	// Intro fills in the record that introduces an origin; without a name if it may not
	// be introduced.
	Intro(o state.Origin, in *codec.Intro)
}

// Filler encodes wants into frames. It owns the scratch that this needs; one
// per engine is enough.
type Filler struct {
	Store *state.Store
	Book  Book

	weights []uint8 // by origin; 0 where nobody has weighed it
	intro   codec.Intro
	entry   codec.Entry
	cursor  state.Cursor
	next    codec.Entry // what follows
	ahead   state.Cursor
	writer  codec.RunWriter
	lease   leased
	cursors []state.Cursor // breadth: one read position for each want
	counts  []int32        // breadth: entries granted to each want
	news    news
}

// Init gives the filler memory for jobs of at most max wants.
func (f *Filler) Init(s *state.Store, b Book, max int) {
	f.Store, f.Book = s, b
	f.cursors = make([]state.Cursor, max)
	f.counts = make([]int32, max)
}

// Introduces reports whether an origin may be introduced. To whom does not know it, what
// it wrote is not to be sent otherwise.
func (f *Filler) Introduces(o state.Origin) bool {
	f.Book.Intro(o, &f.intro)
	return len(f.intro.Name) > 0
}

// AppendIntro appends the record that introduces an origin.
func (f *Filler) AppendIntro(dst []byte, o state.Origin) []byte {
	f.Book.Intro(o, &f.intro)
	return codec.AppendIntro(dst, &f.intro)
}

// IntroBytes is the encoded size of that record.
func (f *Filler) IntroBytes(o state.Origin) int {
	f.Book.Intro(o, &f.intro)
	return codec.IntroBytes(&f.intro)
}

// Weigh sets an origin's share in a fair division: 1 until it is set.
func (f *Filler) Weigh(o state.Origin, weight uint8) {
	for int(o) >= len(f.weights) {
		f.weights = append(f.weights, 0)
	}
	f.weights[o] = weight
}

func (f *Filler) weight(o state.Origin) int {
	if int(o) >= len(f.weights) {
		return 1
	}
	return max(1, int(f.weights[o]))
}

// Fill appends runs for the job until dst is limit bytes long, the job is done
// or nothing more fits. It returns the longer slice and the number of entries.
func (f *Filler) Fill(dst []byte, limit int, j *Job, o tune.Order) (out []byte, entries int) {
	switch o {
	case tune.OrderBreadth:
		out, entries = f.breadth(dst, limit, j)
	case tune.OrderDepth:
		out, entries = f.depth(dst, limit, j)
	case tune.OrderFair:
		out, entries = f.fair(dst, limit, j)
	default:
		panic("reconcile: unknown order")
	}
	if j.Deltas > 0 {
		j.Deltas = max(0, j.Deltas-entries)
		if j.open {
			j.Deltas = 1 // the origin goes on in the next frame
		}
	}
	return out, entries
}

func (f *Filler) depth(dst []byte, limit int, j *Job) (out []byte, entries int) {
	left := j.Deltas
	for i := range j.wants {
		w := &j.wants[i]
		if w.Origin == 0 {
			continue
		}
		if left == 0 {
			break
		}
		var n int
		grant := left
		if j.Whole {
			grant = -1
		}
		dst, n = f.run(dst, limit, limit, grant, j, w)
		entries += n
		if left > 0 {
			left = max(0, left-n)
		}
		if w.Origin != 0 {
			j.open = j.Whole && left == 0
			break // the frame is full
		}
		if j.open {
			j.open = false
			break
		}
	}
	return dst, entries
}

// fair divides what is left of the frame among the wants that follow, by weight;
// what one does not use flows to the next.
func (f *Filler) fair(dst []byte, limit int, j *Job) (out []byte, entries int) {
	for range 3 { // later passes use what small origins left over
		start, open, before := j.turn, j.Len(), len(dst)
		left, weights := j.Deltas, f.total(j)
		for k := range j.wants {
			if open <= 0 || left == 0 {
				break
			}
			i := (start + k) % len(j.wants)
			w := &j.wants[i]
			if w.Origin == 0 {
				continue
			}
			weight := f.weight(w.Origin)
			share := max(shareBytesMin, (limit-len(dst))*weight/weights)
			grant := left
			if left > 0 {
				grant = max(1, left*weight/weights)
			}
			weights = max(1, weights-weight)
			var n int
			at := len(dst)
			dst, n = f.run(dst, limit, len(dst)+share, grant, j, w)
			entries += n
			if left > 0 {
				left -= n
			}
			open--
			if len(dst) > at { // who found no room begins the next frame
				j.turn = i + 1
			}
		}
		if len(dst) == before || limit-len(dst) < shareBytesMin || j.Len() == 0 || j.Deltas > 0 {
			break
		}
	}
	if len(j.wants) > 0 {
		j.turn %= len(j.wants)
	}
	return dst, entries
}

// total sums the weights of the wants that are open.
func (f *Filler) total(j *Job) (sum int) {
	for i := range j.wants {
		if o := j.wants[i].Origin; o != 0 {
			sum += f.weight(o)
		}
	}
	return max(1, sum)
}

// breadth grants entries rank by rank, counting bytes without encoding, then
// encodes one run for each origin with what it was granted. Where no entry is left
// after what the peer has, the run says how far it goes.
func (f *Filler) breadth(dst []byte, limit int, j *Job) (out []byte, entries int) {
	for i := range j.wants {
		f.counts[i] = notItsTurn
		if w := &j.wants[i]; w.Origin != 0 {
			f.Store.After(w.Origin, w.From, &f.cursors[i])
		}
	}
	g := grants{used: len(dst), limit: limit, left: j.Deltas}
	for f.rank(&g, j) {
	}
	for i := range j.wants {
		w := &j.wants[i]
		if w.Origin == 0 || f.counts[i] == notItsTurn {
			continue
		}
		var sent int
		dst, sent = f.run(dst, limit, limit, int(f.counts[i]), j, w)
		entries += sent
	}
	return dst, entries
}

// notItsTurn is the count of an origin that has entries to send, and was not reached.
const notItsTurn = -1

// grants are what a frame grants: bytes that are used, of so many; entries that are left,
// negative: any number.
type grants struct{ used, limit, left int }

// rank grants each origin one entry more. It returns false at the end: nobody has any more,
// or the frame is full, and the next one goes on with the origin where this one ended.
func (f *Filler) rank(g *grants, j *Job) (active bool) {
	for k := range j.wants {
		i := (j.turn + k) % len(j.wants)
		w := &j.wants[i]
		if w.Origin == 0 || g.left == 0 {
			continue
		}
		if !f.cursors[i].Next(&f.entry) || f.entry.Version > f.Store.Max(w.Origin) {
			f.counts[i] = max(0, f.counts[i])
			continue
		}
		cost := codec.EntryBytes(&f.entry, f.entry.Version-1, nil)
		if f.counts[i] == notItsTurn {
			cost += f.runBytes(w)
		}
		if g.used+cost > g.limit {
			j.turn = i
			return false
		}
		g.used += cost
		f.counts[i] = max(0, f.counts[i]) + 1
		active = true
		if g.left > 0 {
			g.left--
		}
	}
	return active && g.left != 0
}

func (f *Filler) runBytes(w *Want) int {
	n := codec.RunOverhead(w.From, f.Store.Floor(w.Origin))
	if w.From == 0 {
		n += f.IntroBytes(w.Origin)
	}
	return n
}

// run encodes one want: at most grant entries (negative: any number) and at
// most until dst is soft bytes long, but always one entry if that fits limit.
func (f *Filler) run(dst []byte, limit, soft, grant int, j *Job, w *Want) ([]byte, int) {
	s, o := f.Store, w.Origin
	if s.ID(o) != w.ID || (w.From == 0 || s.Max(o) < w.From) && !f.Introduces(o) {
		j.close(w) // the origin was replaced or removed since the job was made
		return dst, 0
	}
	if s.Max(o) < w.From { // who asks knows what is here, and asks for whom it is of
		if len(dst)+f.IntroBytes(o) <= limit {
			dst = f.AppendIntro(dst, o)
			j.close(w)
		}
		return dst, 0
	}
	if len(dst)+f.runBytes(w) > limit {
		return dst, 0
	}
	whole := len(dst)
	if w.From == 0 {
		dst = f.AppendIntro(dst, o)
	}
	out, to, n := f.encode(dst, bounds{limit, soft, grant}, o, w.From)
	if out == nil {
		return dst[:whole], 0
	}
	w.From = to
	if to == s.Max(o) {
		j.close(w)
	} else {
		w.Missing -= min(w.Missing, uint32(n))
	}
	return out, n
}

// Run appends one run record of origin o that starts after from, as long as fits
// below limit. It returns nil when not even one entry fits, the run's last
// version, and the number of entries.
func (f *Filler) Run(dst []byte, limit int, o state.Origin, from uint64) (out []byte, to uint64, entries int) {
	return f.encode(dst, bounds{limit, limit, -1}, o, from)
}

// Mark appends a run record of an origin with nothing in it, at a version: who does not hold that
// one finds a gap. It returns nil when it does not fit below limit.
func (f *Filler) Mark(dst []byte, limit int, o state.Origin, at uint64) (out []byte) {
	s := f.Store
	if !f.writer.Begin(dst, limit, codec.RunHead{ID: s.ID(o), From: at, Floor: s.Floor(o), Max: s.Ahead(o), Dirty: s.Dirty(o)}) {
		return nil
	}
	return f.writer.End(at)
}

// Part appends a Part record: the entries of a part of a log, as many as fit. It gives their number
// and where it ends: where it began if nothing fits, beyond the part if a batch reaches so far.
func (f *Filler) Part(dst []byte, limit int, o state.Origin, part *codec.IntervalPull) (out []byte, end uint64, entries int) {
	s, w := f.Store, &f.writer
	if !w.BeginPart(dst, limit, codec.RunHead{ID: s.ID(o), From: part.From, Floor: s.Floor(o), Max: s.Max(o)}) {
		return dst, part.From, 0
	}
	end = part.From // of what is in it, batches whole
	for s.After(o, part.From, &f.cursor); f.cursor.Next(&f.entry) && f.entry.Version <= max(part.To, end); {
		begins := f.entry.Version > end
		if !begins {
			f.entry.EndAt(end)
		}
		f.lease.hint(s, o, &f.entry, true)
		if begins && f.entry.Rest > 0 && !f.batchFits() || !w.Entry(&f.entry) {
			if w.Count() == 0 {
				return w.Cancel(), part.From, 0
			}
			return w.End(end), end, entries
		}
		entries++
		end = f.entry.End()
	}
	end = max(part.To, end)
	return w.End(end), end, entries
}

// bounds of one run: dst ends below limit; after the first entry it ends at soft
// bytes, and after grant entries (negative: any number).
type bounds struct{ limit, soft, grant int }

// encode appends a run. Where its end cuts leases off that keys in it name, it is made anew with
// hints.
func (f *Filler) encode(dst []byte, b bounds, o state.Origin, from uint64) (out []byte, to uint64, n int) {
	f.lease = leased{}
	if out, to, n = f.encodeRun(dst, b, o, from, false); f.lease.newest > to {
		f.lease = leased{}
		out, to, n = f.encodeRun(dst, b, o, from, true)
	}
	return out, to, n
}

func (f *Filler) encodeRun(dst []byte, b bounds, o state.Origin, from uint64, hint bool) (out []byte, to uint64, n int) {
	s := f.Store
	w := &f.writer
	if !w.Begin(dst, b.limit, codec.RunHead{ID: s.ID(o), From: from, Floor: s.Floor(o), Max: s.Ahead(o), Dirty: s.Dirty(o)}) {
		return nil, from, 0
	}
	whole := true
	to = from
	s.After(o, from, &f.cursor)
	top := s.Max(o)
	for f.cursor.Next(&f.entry) && f.entry.Version <= top { // above it: own writes that are not published yet, and holes
		e := &f.entry
		if e.Version > to && (n == b.grant || n > 0 && w.Len() >= b.soft || e.Rest > 0 && !f.batchFits()) {
			whole = false
			break
		}
		begins := e.Version > to
		if !begins {
			e.EndAt(to)
		}
		f.lease.hint(s, o, e, hint)
		if f.refer(e, begins); !w.Entry(e) {
			if e.Version <= to {
				panic("reconcile: a batch that fits does not fit")
			}
			whole = false
			break
		}
		to = max(to, e.End())
		n++
	}
	if whole {
		to = max(to, top)
	} else if n == 0 {
		return nil, from, 0
	}
	return w.End(to), to, n
}

// batchFits tells whether the batch that the entry at hand begins has room in the run.
func (f *Filler) batchFits() bool {
	f.ahead, f.next = f.cursor, f.entry
	bytes, end := 0, f.entry.End()
	for more := true; more && f.next.Version <= end; more = f.ahead.Next(&f.next) {
		bytes += codec.BatchEntryBytes(f.next.Flags, len(f.next.Key), len(f.next.Value))
	}
	return f.writer.FitsBatch(bytes)
}
