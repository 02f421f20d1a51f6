// Package outbox keeps what a node has to tell its shell until the shell asks.
//
// # Laws
//
//   - That an origin moved on is never lost: one word an origin waits at most, and says
//     from where to where it moved since the last one.
//   - Other events wait in the order in which they happened, up to a limit; of those
//     beyond it only that some were lost is told ([ring.Queue]).
//
// # Limits
//
// The events of Init, and 20 bytes an origin, asked for when its handle is first seen.
// One caller at a time.
package outbox

import (
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/ring"
)

// OriginBytes is what an origin takes.
const OriginBytes = 20

// Outbox holds events of type E, and the origins that moved on. The zero Outbox is not
// ready: call Init.
type Outbox[E any] struct {
	ring.Queue[E]
	moved   []state.Origin // the last one is told first
	origins []origin
}

type origin struct {
	reported uint64 // up to here
	waits    bool
}

// Init makes room for so many events.
func (b *Outbox[E]) Init(events int) {
	*b = Outbox[E]{origins: make([]origin, 1, 16)}
	b.Queue.Init(events)
}

// Reset begins to tell of an origin anew: its handle names another one, or none.
func (b *Outbox[E]) Reset(o state.Origin) {
	for int(o) >= len(b.origins) {
		b.origins = append(b.origins, origin{})
	}
	b.origins[o].reported = 0
}

// Moved notes that an origin has news.
func (b *Outbox[E]) Moved(o state.Origin) {
	if x := &b.origins[o]; !x.waits {
		x.waits = true
		b.moved = append(b.moved, o)
	}
}

// Below notes that news of an origin is as low as a version, which was told of before.
func (b *Outbox[E]) Below(o state.Origin, version uint64) {
	x := &b.origins[o]
	x.reported = min(x.reported, version-1)
}

// Next takes out an origin that moved on; false: there is none. It may be one that was
// removed in the meantime. Tell follows.
func (b *Outbox[E]) Next() (o state.Origin, ok bool) {
	n := len(b.moved)
	if n == 0 {
		return 0, false
	}
	o, b.moved = b.moved[n-1], b.moved[:n-1]
	b.origins[o].waits = false
	return o, true
}

// Tell notes that the shell is told of an origin up to a version, and returns up to where
// it was before.
func (b *Outbox[E]) Tell(o state.Origin, to uint64) (from uint64) {
	x := &b.origins[o]
	from, x.reported = x.reported, to
	return from
}
