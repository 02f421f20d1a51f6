package reconcile

import "github.com/quidnunc/quidnunc/codec"

// Records are what a host reads records into and writes them from. It keeps one, since
// they are large.
type Records struct {
	Entry codec.Entry
	Run   codec.Run
	Iter  codec.RunIter
	Intro codec.Intro
}
