package engine

import (
	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/content"
	"github.com/quidnunc/quidnunc/sched"
)

// streamed handles one event of the streams.
func (e *Engine) streamed(now sched.Instant, ev *batch.StreamEvent) {
	l := &e.large
	k := l.links.byID[ev.Stream]
	switch ev.Kind {
	case batch.StreamUp:
		if k == nil {
			k = newLink(ev.Stream)
			l.links.byID[ev.Stream] = k
		}
		k.up = true
		delete(l.links.shut, k.tag)
		l.links.resume(k)
		for _, s := range l.spans {
			s.at = 0
		}
		l.next = now
	case batch.StreamAsked:
		e.serve(now, k, ev)
	case batch.StreamAnswered, batch.StreamForged:
		e.answered(now, k, ev)
		l.links.resume(k)
		l.links.resume(&l.links.lobby)
		e.retire(k)
		l.next = now
	case batch.StreamSent:
		if !l.unmade(k, ev.Tag) {
			l.drop(k, ev.Tag)
			l.served.Add(1)
		}
	case batch.StreamDown:
		e.broken(now, k, ev)
	}
	if k != nil && ev.Kind != batch.StreamUp {
		k.heard = true
	}
	if k != nil && ev.Kind != batch.StreamDown {
		e.answerLate(now, k)
	}
}

// answerLate sends answers that found no room.
func (e *Engine) answerLate(now sched.Instant, k *link) {
	late := k.late
	k.late = nil
	for _, s := range late {
		if s.runs != 0 {
			e.answerRuns(now, k, s)
		} else {
			e.answerAsk(now, k, s)
		}
	}
}

// late has an answer sent later, for which a stream has no room.
func (e *Engine) late(now sched.Instant, k *link, s served) {
	l := &e.large
	k.late = append(k.late, s)
	l.links.tookNoMore(now, k)
	l.next = min(l.next, l.links.retry)
}

// tryFull tries streams again that took no more.
func (e *Engine) tryFull(now sched.Instant) {
	l := &e.large.links
	full := l.full
	l.full, l.retry = nil, sched.Never
	for _, k := range full {
		k.full = false
		if l.byID[k.id] == k {
			e.answerLate(now, k)
			l.resume(k)
		}
	}
}

// drop ends the hold on a content that was sent.
func (l *large) drop(k *link, tag uint32) {
	if h, ok := k.sending[tag]; ok {
		delete(k.sending, tag)
		l.mu.Lock()
		l.table.Drop(h)
		l.mu.Unlock()
	}
}

// serve answers an ask.
func (e *Engine) serve(now sched.Instant, k *link, ev *batch.StreamEvent) {
	if len(ev.Head) > 0 && codec.AskKind(ev.Head[0]) == codec.AskRuns {
		e.serveRuns(now, k, ev)
		return
	}
	s := served{tag: ev.Tag, want: ev.Want}
	if codec.ParseAsk(ev.Head, (*[codec.SumBytes]byte)(&s.sum)) != nil {
		s.want = -1 // nothing that we know: not here
	}
	e.answerAsk(now, k, s)
}

func (e *Engine) answerAsk(now sched.Instant, k *link, s served) {
	l := &e.large
	l.mu.Lock()
	h := l.table.Having(&s.sum)
	body, here := l.table.Hold(h)
	if here && len(body) > s.want {
		l.table.Drop(h)
		here = false
	}
	l.mu.Unlock()
	status := codec.AnswerNone
	l.message = batch.StreamMessage{Answer: true, Tag: s.tag}
	if here {
		status = codec.AnswerHere
		l.message.Body, l.message.Sum = body, (*[batch.StreamSumSize]byte)(&s.sum)
		k.sending[s.tag] = h
	}
	l.message.Head = codec.AppendAnswer(l.head[:0], status, 0)
	if err := l.streams.Send(k.id, &l.message); err != nil {
		l.drop(k, s.tag)
		if err == batch.ErrStreamFull {
			e.late(now, k, s)
		}
	}
	l.message = batch.StreamMessage{}
}

// answered takes an answer in.
func (e *Engine) answered(now sched.Instant, k *link, ev *batch.StreamEvent) {
	l := &e.large
	s := k.spans[ev.Tag]
	h, ok := k.asks[ev.Tag]
	if s == nil && !ok {
		return
	}
	delete(k.spans, ev.Tag)
	delete(k.asks, ev.Tag)
	for _, h := range k.overtaken(now, ev.Tag) {
		l.fail(h)
		if w := l.wants.all[h]; w != nil {
			l.wants.retry(h, w, k.tag)
		}
	}
	if s != nil {
		e.spanAnswered(now, k, s, ev)
		return
	}
	l.next = min(l.next, now) // a range may be asked of another
	if h == 0 {
		k.lost-- // it comes too late
		return
	}
	w := l.wants.all[h]
	status, retry, err := codec.ParseAnswer(ev.Head)
	if err == nil && status == codec.AnswerHere && ev.Kind == batch.StreamAnswered && len(ev.Body) == l.length(h) {
		e.arrived(now, h, ev.Body)
		ev.Body = nil // kept
		l.wants.drop(h)
		return
	}
	l.fail(h)
	switch {
	case w == nil:
	case err == nil && status == codec.AnswerBusy && !again(&w.busy, busyMost):
		l.wants.rest(now+min(sched.Instant(retry)*sched.Millisecond, 10*sched.Second), h, w)
	default:
		switch {
		case status == codec.AnswerNone:
			l.absent.Add(1)
		case ev.Kind == batch.StreamForged: // not where a reference names a wrong length: that is its author
			e.tellForged(k.tag)
		}
		l.wants.retry(h, w, k.tag)
	}
}

func (l *large) length(h content.Handle) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.table.Length(h)
}

func (l *large) fail(h content.Handle) {
	l.mu.Lock()
	l.table.Fail(h)
	l.mu.Unlock()
}

// arrived shows a content to all who wait for it.
func (e *Engine) arrived(now sched.Instant, h content.Handle, body []byte) {
	l := &e.large
	l.mu.Lock()
	l.onLoop = true
	l.table.Arrive(h, body, now)
	l.onLoop = false
	l.mu.Unlock()
	l.fetched.Add(1)
	l.change(now) // what was shown before may go
	if w := l.wants.all[h]; w != nil {
		for _, o := range w.authors {
			if e.store.ID(o) != 0 {
				l.upTo(e.store.Tag(o), 0) // what is over is forgotten as it comes, not all at once
				e.completes(now, o, false)
			}
			e.watches.member(e.nameOf(o))
		}
	}
}

// broken forgets a stream, and has what was asked of it asked of another.
func (e *Engine) broken(now sched.Instant, k *link, ev *batch.StreamEvent) {
	l := &e.large
	if k == nil {
		return
	}
	for tag := range k.sending {
		l.drop(k, tag)
	}
	if !k.up && (ev.Cause == batch.StreamUnreachable || ev.Cause == batch.StreamLate || k.others(ev.Cause)) && l.links.closed(k.tag) {
		e.tellClosed(k.tag, ev.Cause)
	}
	for _, h := range k.asks {
		if h == 0 { // another was asked
			continue
		}
		l.fail(h)
		if w := l.wants.all[h]; w != nil {
			if (whole(ev.Cause) || k.cutOff(ev.Cause)) && !again(&w.cuts, cutMost) {
				l.wants.look(h, w)
			} else {
				l.wants.retry(h, w, k.tag)
			}
		}
	}
	e.spansBroken(now, k)
	l.links.down(now, k, ev.Cause)
	l.links.roomMade()
	l.next = now
}

// tellClosed tells that a member is heard by datagrams and can't be reached by streams.
func (e *Engine) tellClosed(tag uint32, cause batch.StreamCause) {
	o := e.store.Tagged(tag)
	to, ok := e.streamPeer(o)
	p, known := e.core.Peer(e.core.PeerOf(o))
	if !ok || !known || p.Quiet || p.Left {
		return
	}
	text := "a member's datagrams arrive and its streams do not open: is its TCP port open in all firewalls, as its UDP port is? Large values are asked of others, and snapshots come by datagrams"
	if cause == batch.StreamStranger {
		text = "a member's datagrams arrive and what answers at its TCP port is not that member: does another program listen there, or does something between forward it elsewhere? Large values are asked of others, and snapshots come by datagrams"
	}
	e.herald.warn(text, "member", e.cfg.Name, "peer", e.nameOf(o), "addr", p.Addr.Addr(), "tcp_port", to.Addr.Port(), "udp_port", p.Addr.Port(), "cause", cause.String())
}
