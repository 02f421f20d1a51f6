package interval

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// find is the place of the span that an interval lies in, -1 if there is none.
func (j *job) find(x *codec.Interval) int {
	i, there := slices.BinarySearchFunc(j.todo, x.From, func(s span, v uint64) int {
		switch {
		case s.to <= v:
			return -1
		case s.from > v:
			return 1
		}
		return 0
	})
	if !there || x.To > j.todo[i].to {
		return -1
	}
	return i
}

// compared takes the outcome of an interval, which lies in span i, out of the list, and
// puts in what of it is left.
func (j *job) compared(i int, x *codec.Interval, did *state.Mended) {
	if did.To > x.From {
		i = j.cut(i, x.From, did.To)
	}
	if did.To == x.To || i < 0 {
		return
	}
	gone := x.Count == 0
	left := span{from: did.To, to: x.To, held: did.Held, extra: did.Extra, asked: gone || did.Extra <= 0, gone: gone}
	// The rest of the span, beyond the interval, is still to be answered.
	switch s := &j.todo[i]; {
	case s.from != left.from: // an answer out of order: all of the span is asked for again in time
	case s.to == left.to:
		*s = left
	case j.join(i, &left):
		j.todo[i].from = left.to
	case len(j.todo) < cap(j.todo):
		s.from = left.to
		j.todo = slices.Insert(j.todo, i, left)
	}
}

// join adds a span to the one before place i, if that borders on it and is still to be
// asked for too.
func (j *job) join(i int, x *span) bool {
	if i == 0 {
		return false
	}
	s := &j.todo[i-1]
	if s.to != x.from || s.asked || x.asked || s.extra <= 0 || s.held+x.held > joinMax {
		return false
	}
	s.to, s.held, s.extra = x.to, s.held+x.held, s.extra+x.extra
	return true
}

// cut takes a part out of span i, and gives the place of what follows it; -1 if nothing
// of the span is left, or not behind the part.
func (j *job) cut(i int, from, to uint64) int {
	s := &j.todo[i]
	switch {
	case s.from == from && s.to == to:
		j.todo = slices.Delete(j.todo, i, i+1)
		return -1
	case s.from == from:
		s.from = to
		return i
	case s.to == to:
		s.to = from
		return -1
	case len(j.todo) == cap(j.todo):
		return -1 // it will be compared again
	}
	rest := *s
	rest.from = to
	s.to = from
	j.todo = slices.Insert(j.todo, i+1, rest)
	return i + 1
}
