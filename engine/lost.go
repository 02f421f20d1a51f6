package engine

import (
	"context"
	"iter"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/engine/state"
)

// Lost says that a shared key which this member wrote last holds a write of another
// member now. Whether that one had seen ours, nobody can tell from it.
type Lost struct {
	Key string
	By  string        // the member in whose log the other write came
	Now SharedVersion // of that write
}

// Lost yields an element whenever another member overtakes a write of this one, until
// ctx ends (its error is yielded) or the engine closes (ErrClosed). A reader that falls
// 256 behind gets ErrOverflow once in the place of what it missed.
func (s *Shared) Lost(ctx context.Context) iter.Seq2[Lost, error] {
	return func(yield func(Lost, error) bool) {
		if unstarted(s.e, yield) {
			return
		}
		r := newReader[Lost]()
		s.lost.add(r)
		defer s.lost.remove(r)
		for {
			select {
			case x := <-r.queue:
				if !yield(x, nil) || len(r.queue) == 0 && r.lost.Swap(false) && !yield(Lost{}, ErrOverflow) {
					return
				}
				continue
			case <-ctx.Done():
				yield(Lost{}, ctx.Err())
			case <-s.e.life.Done():
				yield(Lost{}, ErrClosed)
			}
			return
		}
	}
}

// overtaken tells that a claim of o's log has won over ours.
func (s *Shared) overtaken(key []byte, o state.Origin, c *share.Claim) {
	if s.lost.idle() {
		return
	}
	var own share.Claim
	if _, ok := s.index.Claim(s.e.store.Owner(), key, &own); !ok || own.Compare(c) == 0 {
		return // it was withdrawn, or adopted
	}
	s.lost.pass(&Lost{Key: string(key[len(codec.SharedPrefix):]), By: s.e.nameOf(o), Now: sharedVersion(c)})
}
