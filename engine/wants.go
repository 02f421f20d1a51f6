package engine

import (
	"slices"

	"github.com/quidnunc/quidnunc/engine/content"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	strangersMax = 8  // of a round: members that are asked because they may have a content
	looksMax     = 64 // of a round: members that are looked at for that
	triedMax     = 64
	busyMost     = 3                     // answers that a member is busy: it is then taken as one that lacks the content
	cutMost      = 20                    // streams that members end before they answer, and pauses for that: likewise
	turnPause    = 5 * sched.Millisecond // between looks at what comes before
	turnMost     = 2000                  // looks: what comes before may come from somebody slow
	seekPause    = sched.Second          // after the first round in vain; each other takes twice as long, up to
	seekPauseMax = 64 * sched.Second
)

// want is a content that is looked for.
type want struct {
	authors    []state.Origin // that refer to it
	tried      []uint32       // tags of members that could not give it, in this round
	start      uint32         // of the members that are looked at
	looked     uint32         // so many of them, in this round
	strangers  int            // that were asked in this round
	rounds     int            // that were in vain
	turns      int            // looks at what comes before
	busy, cuts int            // so often a member that may have it was busy, or ended the stream
	at         sched.Instant  // of wantPaused
	soon       sched.Instant  // when a member may be tried again that cut this one off; Never: none did
	after      content.Handle // that its key shows next: it is not asked for while that is coming
	place      wantPlace
}

// wantPlace is where a want is, in one place at a time.
type wantPlace uint8

const (
	wantNowhere wantPlace = iota
	wantReady             // to be looked at
	wantWaits             // for a stream that opens, or that has too much on its way
	wantRoom              // for room for it
	wantPaused            // nobody has it, or who has it is busy
	wantAsked
)

// triedBefore tells whether a member was asked in this round.
func (w *want) triedBefore(tag uint32) bool { return slices.Contains(w.tried, tag) }

// again counts what must not go on for ever. It is true, and begins anew, when there were so many.
func again(n *int, most int) bool {
	if *n++; *n < most {
		return false
	}
	*n = 0
	return true
}

// anew begins another round, with members that were not looked at in the last.
func (w *want) anew() {
	w.tried, w.start, w.looked, w.strangers = w.tried[:0], w.start+w.looked, 0, 0
}

// wants are all contents that are looked for. What waits costs nothing until its time comes.
type wants struct {
	all    map[content.Handle]*want
	ready  fifo
	paused sched.Heap[pause]
	recall int    // so many of those that pause are looked at before their time
	start  uint32 // of the members that are looked at
}

// pause is the end of a want's pause; it counts if the want says so too.
type pause struct {
	at      sched.Instant
	content content.Handle
}

// Before orders pauses by their ends.
func (a pause) Before(b pause) bool { return a.at < b.at }

func (s *wants) init(start uint32) { s.all, s.start = map[content.Handle]*want{}, start }

// seek puts a content on the list of those to be asked for.
func (s *wants) seek(h content.Handle, author state.Origin) {
	w := s.all[h]
	if w == nil {
		w = &want{start: s.start + uint32(h)*7}
		s.all[h] = w
	}
	if author != 0 && !slices.Contains(w.authors, author) {
		w.authors, w.rounds, w.after = append(w.authors, author), 0, 0
	} else if w.place == wantPaused {
		return
	}
	if w.place == wantNowhere || w.place == wantPaused {
		s.look(h, w)
	}
}

// look has a want looked at soon.
func (s *wants) look(h content.Handle, w *want) {
	w.place = wantReady
	s.ready.push(h)
}

// pause has a want looked at after a while, as if nobody had been asked.
func (s *wants) pause(now sched.Instant, h content.Handle, w *want) {
	span := min(sched.Instant(seekPause)<<min(w.rounds, 30), seekPauseMax)
	w.anew()
	w.rounds++
	s.rest(now.After(span), h, w)
}

// rest has a want looked at at a time.
func (s *wants) rest(at sched.Instant, h content.Handle, w *want) {
	w.place, w.at = wantPaused, at
	s.paused.Push(pause{at, h})
}

// retry has a want asked of another member than the one that was tried.
func (s *wants) retry(h content.Handle, w *want, tried uint32) {
	if len(w.tried) == triedMax {
		w.tried = slices.Delete(w.tried, 0, 1)
	}
	w.tried = append(w.tried, tried)
	s.look(h, w)
}

// pop takes the next want that is to be looked at; nil: there is none now.
func (s *wants) pop(now sched.Instant) (content.Handle, *want) {
	for len(s.paused) > 0 && (s.paused[0].at <= now || s.recall > 0) {
		p := s.paused.Pop()
		s.recall--
		if w := s.all[p.content]; w != nil && w.place == wantPaused && w.at == p.at {
			w.place = wantNowhere
			return p.content, w
		}
	}
	s.recall = 0
	for !s.ready.empty() {
		h := s.ready.pop()
		if w := s.all[h]; w != nil && w.place == wantReady {
			w.place = wantNowhere
			return h, w
		}
	}
	return 0, nil
}

// popWaiting takes the next of those that waited for a stream that can do something now.
func (s *wants) popWaiting(l *links) (content.Handle, *want) {
	for k := l.ahead(); k != nil; k = l.ahead() {
		h := k.waiting.pop()
		if w := s.all[h]; w != nil && (w.place == wantWaits || w.place == wantRoom) {
			w.place = wantNowhere
			return h, w
		}
	}
	return 0, nil
}

// due is when pop has something next.
func (s *wants) due() sched.Instant {
	switch {
	case !s.ready.empty() || s.recall > 0 && len(s.paused) > 0:
		return 0
	case len(s.paused) > 0:
		return s.paused[0].at
	}
	return sched.Never
}

// drop forgets a want.
func (s *wants) drop(h content.Handle) { delete(s.all, h) }

// again has all that pause looked at, a few in each turn: somebody is there who was not.
func (s *wants) again() { s.recall = len(s.paused) }

// fifo is a list of contents, the oldest first.
type fifo struct {
	list []content.Handle
	from int
}

func (f *fifo) len() int { return len(f.list) - f.from }

func (f *fifo) empty() bool { return f.len() == 0 }

func (f *fifo) push(h content.Handle) {
	if f.from > len(f.list)/2 && f.from > 64 { // as much was taken out as is moved
		f.list = slices.Delete(f.list, 0, f.from)
		f.from = 0
	}
	f.list = append(f.list, h)
}

func (f *fifo) pop() content.Handle {
	h := f.list[f.from]
	if f.from++; f.from == len(f.list) {
		f.list, f.from = f.list[:0], 0
		if cap(f.list) > 1<<12 {
			f.list = nil
		}
	}
	return h
}
