package engine

import "slices"

// blamedMax bounds the members that are named in a blame.
const blamedMax = 32

// Liar is a member that brought entries of another one that were not that one's.
type Liar struct {
	Member string // "": all beyond the first 32 together
	Times  uint64 // that EventContradicted told of it: at most once in ten seconds
}

// blame counts for each member what it did.
type blame []blamed

type blamed struct {
	member string
	times  uint64
}

func (b *blame) add(member string) {
	i := slices.IndexFunc(*b, func(x blamed) bool { return x.member == member })
	switch {
	case i >= 0:
	case len(*b) < blamedMax || member == "":
		i = len(*b)
		*b = append(*b, blamed{member: member})
	default:
		b.add("")
		return
	}
	(*b)[i].times++
}

// blame counts one more lie of a member.
func (e *Engine) blame(member string) {
	e.blamedMu.Lock()
	defer e.blamedMu.Unlock()
	e.blamed.add(member)
}

// liars are those that were blamed so far.
func (e *Engine) liars() (all []Liar) {
	e.blamedMu.Lock()
	defer e.blamedMu.Unlock()
	for _, x := range e.blamed {
		all = append(all, Liar{x.member, x.times})
	}
	return all
}
