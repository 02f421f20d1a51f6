package state

import "github.com/quidnunc/quidnunc/codec"

// Whoever holds the cluster's key can bring entries under another one's name. Those go when they
// are found, but until then nothing that the writer itself says may lead to them: a reference is
// taken to what the writer brought itself, also if others were faster, and to what was the same as
// the writer's.

// proven is how much of an origin's log is what its writer wrote, as far as its writer can be
// believed: all but versions (from, to], of which others brought some.
type proven struct{ from, to uint64 }

const provenBytes = 16

// sure tells whether what lives under a version is what the writer wrote.
func (p *proven) sure(v uint64) bool { return v <= p.from || v > p.to }

// Prove says that all that lives in the log of an origin up to a version is what its writer says that
// it holds.
func (s *Store) Prove(o Origin, to uint64) {
	if r := s.at(o); r != nil {
		s.proven[o].shrink(min(to, r.max))
		if to >= r.max && s.Level(o) {
			s.endKnown(o)
		}
	}
}

// shrink says that what others brought up to a version is the writer's.
func (p *proven) shrink(to uint64) {
	if p.from = max(p.from, to); p.from >= p.to {
		p.from, p.to = 0, 0
	}
}

// brought notes that versions (after, to] came from whoever brings what is applied now.
func (s *Store) brought(o Origin, r *origin, after, to uint64) {
	s.bearers.brought(r.tag, after, to)
	s.relayed(o, r, after, to)
}

// relayed notes that, if it was not their writer.
func (s *Store) relayed(o Origin, r *origin, after, to uint64) {
	if uint64(s.bearers.from) == r.id || to <= after {
		return
	}
	p := &s.proven[o]
	if p.to == 0 {
		p.from = after
	}
	p.from, p.to = min(p.from, after), max(p.to, to)
}

// Relayed tells whether others brought versions of an origin that its writer may still confirm.
func (s *Store) Relayed(o Origin) bool { return s.proven[o].to != 0 }

// confirm takes what the writer itself says of versions that others brought here before: if it is the
// same, it is as good as brought by the writer.
func (s *Store) confirm(o Origin, r *origin, run *codec.Run, it *codec.RunIter) {
	p := &s.proven[o]
	if p.to == 0 || uint64(s.bearers.from) != r.id || run.From > p.from || run.To <= p.from {
		return
	}
	var e codec.Entry
	it.Reset(run)
	more := it.Next(&e)
	upTo := min(p.to, run.To)
	s.eachWord(r, p.from, func(v uint64, cell cellRef) bool {
		if v > upTo {
			return false
		}
		for more && e.Version < v {
			more = it.Next(&e)
		}
		if cell != 0 && (!more || e.Version != v || e.Flags&codec.EntryByRef != 0 || !cellIs(s.cells.at(cell), r.tag, e.Key)) {
			upTo = v - 1
			return false
		}
		return true
	})
	p.shrink(upTo)
}
