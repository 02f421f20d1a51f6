package engine

import (
	"slices"
	"sync"
	"sync/atomic"
)

// fan hands what happens to every reader that has room, and never waits for one. The zero
// value has no readers. It is safe for any goroutine.
type fan[T any] struct {
	count atomic.Int32
	mu    sync.Mutex
	list  []*reader[T]
}

// reader is one sequence that somebody walks.
type reader[T any] struct {
	queue chan T
	lost  atomic.Bool // it was full: nothing more is queued behind what is there until this is cleared
}

// readerQueue is how far a reader may fall behind.
const readerQueue = 256

func newReader[T any]() *reader[T] { return &reader[T]{queue: make(chan T, readerQueue)} }

func (f *fan[T]) add(r *reader[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, r)
	f.count.Store(int32(len(f.list)))
}

func (f *fan[T]) remove(r *reader[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = slices.DeleteFunc(f.list, func(x *reader[T]) bool { return x == r })
	f.count.Store(int32(len(f.list)))
}

// idle tells that nobody reads, without a lock.
func (f *fan[T]) idle() bool { return f.count.Load() == 0 }

func (f *fan[T]) pass(x *T) {
	if f.idle() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.list {
		if r.lost.Load() && len(r.queue) > 0 { // what was lost is told before what comes after it
			continue
		}
		select {
		case r.queue <- *x:
		default:
			r.lost.Store(true)
		}
	}
}

// fail makes every reader start anew: x wakes it.
func (f *fan[T]) fail(x *T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.list {
		r.lost.Store(true) // before it wakes
		select {
		case r.queue <- *x:
		default:
		}
	}
}
