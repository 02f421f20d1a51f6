package reconcile

import "github.com/quidnunc/quidnunc/codec"

// Records are what the records of a frame are read into. A host keeps one, since they are
// large.
type Records struct {
	Entry codec.Entry
	Run   codec.Run
	Iter  codec.RunIter
	Intro codec.Intro
}
