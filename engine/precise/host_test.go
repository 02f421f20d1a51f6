package precise

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// silent is a book whose introductions say nothing.
type silent struct{}

func (silent) Intro(_ state.Origin, in *codec.Intro) { *in = codec.Intro{Name: []byte("n")} }
