package precise

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// book knows no more than the store.
type book struct{ s *state.Store }

func (b book) AppendIntro(dst []byte, o state.Origin) []byte {
	return dst
}
func (b book) IntroBytes(state.Origin) int    { return 0 }
func (b book) Buried(codec.OriginID) bool     { return false }
func (b book) Settled(o state.Origin) uint64  { return b.s.Max(o) }
func (book) Coming(state.Origin, uint64) bool { return false }
func (b book) Weight(state.Origin) int        { return 1 }
