package engine

import (
	"slices"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/bulk"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	catchSpans  = 4                      // members that are asked at a time, each for a range of its own
	catchDelay  = 20 * sched.Millisecond // for others to be introduced, and for streams to open
	catchTries  = 150                    // that find nobody: then datagrams have to do
	catchPause  = 10 * sched.Second      // between two attempts, whatever members come and go
	catchTake   = 2 * bulk.PieceBytes    // applied in a turn
	catchPieces = 8                      // made in a turn, for others
	catchServed = 4                      // answers that are made at a time, and that one stream may have on its way
	catchHeld   = 32                     // answers in memory, for all others together
	catchRetry  = 50 * sched.Millisecond
	catchPut    = sched.Second // each round in which nobody has time waits twice as long as the one before, up to this
	catchPuts   = 300          // such rounds in a row: then datagrams have to do

	// At once a member asks for what it lacks only if that is so much that even
	// without loss a stream is through before datagrams; what it still lacks after
	// the patience shows that datagrams are slow here: they lose, or the link is
	// thin. BenchmarkJoiner of qn load measures both. Once begun, it goes on.
	catchLeast    = 100_000
	catchPatience = 300 * sched.Millisecond
	catchLess     = 1000
	catchRest     = 64
	catchNone     = 3 // others are asked then, for one that has nothing to give may join too
)

// catchState is a member that is brought up to date over streams, and the help
// that it gives to others. It is the loop's own.
type catchState struct {
	source bulk.Source
	spans  []*span
	begin  sched.Instant // when the next attempt begins; Never: none is due
	again  sched.Instant // not before
	second bool          // the next attempt is the one after the patience
	jobs   []*catchJob   // of others
	most   int           // of jobs, ever
	busy   uint64        // others that were told to ask again later
	spare  [][]byte      // answers' memory
	window [batch.StreamHeadMax]byte
	meter  bulk.Meter
}

// span is a range of origins that is asked for.
type span struct {
	lo, hi, through codec.OriginID
	want            want // who was asked
	from            state.Origin
	tag             uint32 // of it
	asked, done     bool
	askedAt         sched.Instant // what is answered is no older
	tries           int           // that found nobody
	least           uint32
	body, rest      []byte // an answer, and what of it is not applied yet
	at              sched.Instant
	later           sched.Instant // when one that had no time may be asked again
	put             int           // rounds in a row in which who was asked had no time
	busy            bool          // somebody had none in this round
	none            int           // of a window: members in a row that had nothing that is worth it
	news            int           // entries of the answer that were
}

// catchJob is an answer that is being made.
type catchJob struct {
	k     *link
	tag   uint32
	limit int
	job   reconcile.Job
	body  []byte
}

// meets has what is missing asked for soon, for a member answers, for the first
// time or again.
func (e *Engine) meets(now sched.Instant) {
	l := &e.large
	if l.streams == nil {
		return
	}
	l.wants.again()
	l.next = now
	if !e.cfg.Tune.Order.Precise() && len(l.spans) == 0 {
		l.begin = min(l.begin, max(now+catchDelay, l.again))
	}
}

// catchUp begins to ask for what is missing. Who is asked says whether it is
// enough to be worth a stream.
func (e *Engine) catchUp(now sched.Instant) {
	l := &e.large
	n := 0
	for p := range e.core.Peers() {
		if peer, ok := e.core.Peer(p); ok && !peer.Quiet && !peer.Left {
			n++
		}
	}
	l.begin, l.again = sched.Never, now+catchPause
	least := uint32(catchLeast)
	if l.second {
		least = catchLess
	} else {
		l.begin = now + catchPatience
	}
	l.second = !l.second
	for i := range min(n, catchSpans) {
		s := &span{least: least, want: want{start: l.wants.start + uint32(i)}}
		s.lo, s.hi = bulk.Split(i, min(n, catchSpans))
		l.spans = append(l.spans, s)
	}
}

// turnCatching does one piece of each.
func (e *Engine) turnCatching(now sched.Instant) (more bool) {
	l := &e.large
	switch {
	case l.begin <= now && len(l.spans) > 0: // the attempt before is still at it
		l.begin, l.second = sched.Never, false
		for _, s := range l.spans {
			s.least = min(s.least, catchLess)
		}
	case l.begin <= now:
		e.catchUp(now)
	case l.begin != sched.Never:
		l.next = min(l.next, l.begin)
	}
	for _, s := range l.spans {
		if len(s.rest) > 0 {
			e.takeSpan(now, s)
		}
		if len(s.rest) > 0 {
			more = true
		} else if !s.asked {
			e.askSpan(now, s)
		}
	}
	l.spans = slices.DeleteFunc(l.spans, func(s *span) bool { return s.done })
	e.turnMeter(now)
	if len(l.jobs) > 0 {
		e.makeAnswer(now, l.jobs[0])
		more = true
	}
	return more
}

// turnMeter has what comes over streams and by datagrams compared: the slower way makes way.
func (e *Engine) turnMeter(now sched.Instant) {
	l := &e.large
	m, lacks := &l.meter, len(l.spans) > 0 || l.begin <= now.After(catchPatience)
	asked := slices.ContainsFunc(l.spans, func(s *span) bool { return s.asked || len(s.rest) > 0 })
	switch {
	case !lacks && !m.Runs():
		return
	case !lacks:
		*m = bulk.Meter{}
		e.core.Parts().Flow.Beside(0)
		return
	case m.Turn(now, e.core.Counters().EntriesNew, asked):
		e.core.Parts().Flow.Beside(m.Beside())
	}
	l.next = min(l.next, m.Next())
}

// takeSpan applies some of an answer.
func (e *Engine) takeSpan(now sched.Instant, s *span) {
	n, had := e.core.Counters(), len(s.rest)
	news, old := n.EntriesNew, n.EntriesOld
	s.rest = bulk.Take(s.rest, catchTake, func(t codec.Type, body []byte) { e.core.Take(now, now-s.askedAt, s.from, t, body) })
	news, old = n.EntriesNew-news, n.EntriesOld-old
	e.large.meter.Took(had-len(s.rest), int(news+old), int(news))
	if s.news += int(news); len(s.rest) > 0 {
		return
	}
	e.large.streams.Recycle(s.body)
	s.body, s.rest = nil, nil
	if s.news >= catchRest {
		s.none, s.put = 0, 0
	} else { // it came by datagrams meanwhile, or who gives it gives the same for ever, or a little each time
		s.vain()
	}
}

// vain notes that who was asked had nothing that is worth it: another may, or else the next window
// is due.
func (s *span) vain() {
	switch {
	case s.least < catchLeast && s.none < catchNone: // it may lack the same
		s.none++
		s.want.tried = append(s.want.tried, s.tag)
	case s.through == s.hi:
		s.done = true
	default:
		s.lo, s.none = s.through+1, 0
	}
}

// putOff ends a round. If somebody had no time in it, the next waits, longer each time.
func (s *span) putOff(now sched.Instant) {
	if s.busy {
		s.busy = false
		s.later = max(s.later, now+min(catchPut, sched.Instant(catchRetry)<<min(s.put, 10)))
		s.put++
	}
}

// askSpan asks for what is missing of a range. Where nobody can be asked,
// datagrams have to do.
func (e *Engine) askSpan(now sched.Instant, s *span) {
	l := &e.large
	if s.at > now {
		l.next = min(l.next, s.at)
		return
	}
	if l.meter.Rests() { // turnMeter looks again
		return
	}
	k, later := e.stranger(now, &s.want)
	if k == nil && !later { // everybody was asked: begin anew
		s.want.anew()
		s.putOff(now)
	}
	if k == nil || !k.up {
		if s.at, s.tries = now+catchDelay, s.tries+1; k == nil {
			s.at = max(s.at, s.later)
		}
		if s.tries == catchTries || s.put == catchPuts {
			s.done = true
			return
		}
		l.next = min(l.next, s.at)
		return
	}
	s.tries = 0
	head := codec.AppendAskRuns(l.window[:0], s.least)
	head, s.through = bulk.AppendWindow(head, batch.StreamHeadMax, e.store, s.lo, s.hi)
	l.lastTag++
	l.message = batch.StreamMessage{Tag: l.lastTag, Head: head, Want: bulk.AnswerBytes}
	if l.streams.Send(k.id, &l.message) != nil {
		s.at = now + 10*sched.Millisecond
		l.next = min(l.next, s.at)
		return
	}
	s.asked, s.askedAt, s.tag, s.from, s.news = true, now, k.tag, e.store.Tagged(k.tag), 0
	k.spans[l.lastTag] = s
}

// spanAnswered takes the answer to a span's ask.
func (e *Engine) spanAnswered(now sched.Instant, k *link, s *span, ev *batch.StreamEvent) {
	s.asked = false
	e.large.next = now
	status, retry, err := codec.ParseAnswer(ev.Head)
	switch {
	case err == nil && status == codec.AnswerHere && codec.ParseRecords(ev.Body) == nil && len(ev.Body) > 0:
		s.body, s.rest, s.least = ev.Body, ev.Body, catchRest
		ev.Body = nil
	case err == nil && status == codec.AnswerBusy: // another may have time
		s.later, s.busy = now+sched.Instant(min(retry, 10_000))*sched.Millisecond, true
		s.want.tried = append(s.want.tried, k.tag)
	default:
		s.vain()
	}
}

// serveRuns begins an answer to an ask for runs.
func (e *Engine) serveRuns(now sched.Instant, k *link, ev *batch.StreamEvent) {
	l := &e.large
	if len(l.jobs) >= catchServed || !l.mayHold(k) {
		l.busy++
		e.answerRuns(now, k, served{tag: ev.Tag, runs: codec.AnswerBusy})
		return
	}
	j := &catchJob{k: k, tag: ev.Tag, limit: min(ev.Want, bulk.AnswerBytes)}
	j.job.Init(bulk.WantsMax)
	least, window, err := codec.ParseAskRuns(ev.Head)
	if err != nil || !l.source.Open(now, window, &j.job) || j.job.Total() < max(1, int(least)) {
		e.answerRuns(now, k, served{tag: ev.Tag, runs: codec.AnswerNone})
		return
	}
	if n := len(l.spare); n > 0 {
		j.body, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		j.body = make([]byte, 0, bulk.AnswerBytes)
	}
	l.jobs = append(l.jobs, j)
	l.most = max(l.most, len(l.jobs))
}

// makeAnswer makes some pieces of an answer, and sends it when it is full.
func (e *Engine) makeAnswer(now sched.Instant, j *catchJob) {
	l := &e.large
	for range catchPieces {
		n := len(j.body)
		if j.body = l.source.Append(j.body, j.limit, &j.job); len(j.body) == n || j.job.Done() {
			l.jobs = l.jobs[1:]
			s := served{tag: j.tag, runs: codec.AnswerNone}
			if len(j.body) > 0 {
				s.runs, j.k.made[j.tag] = codec.AnswerHere, j.body
			}
			e.answerRuns(now, j.k, s)
			return
		}
	}
}

// mayHold tells whether one more answer may be made for a stream. Those that were made stay in memory
// until they are sent, and who is slow to read them keeps them there.
func (l *large) mayHold(k *link) bool {
	held := len(l.jobs)
	of := 0
	for _, x := range l.links.byID {
		held += len(x.made)
	}
	for _, j := range l.jobs {
		if j.k == k {
			of++
		}
	}
	return of+len(k.made) < catchServed && held < catchHeld
}

// answerRuns sends an answer to an ask for runs; its body is in made.
func (e *Engine) answerRuns(now sched.Instant, k *link, s served) {
	l := &e.large
	l.message = batch.StreamMessage{
		Answer: true, Tag: s.tag, Dense: true, Body: k.made[s.tag],
		Head: codec.AppendAnswer(l.head[:0], s.runs, uint32(catchRetry/sched.Millisecond)),
	}
	switch l.streams.Send(k.id, &l.message) {
	case nil:
	case batch.ErrStreamFull:
		e.late(now, k, s)
	default: // it asks another when the stream ends
		l.unmade(k, s.tag)
	}
	l.message = batch.StreamMessage{}
}

// unmade takes the memory of an answer back that was sent.
func (l *large) unmade(k *link, tag uint32) bool {
	body, ok := k.made[tag]
	if delete(k.made, tag); ok && len(l.spare) < catchServed {
		l.spare = append(l.spare, body[:0])
	}
	return ok
}

// elsewhere has a range asked of another than who was asked.
func (s *span) elsewhere(now sched.Instant, tag uint32) {
	s.asked, s.at = false, now
	s.want.tried = append(s.want.tried, tag)
}

// spansBroken has what was asked on a stream asked of another.
func (e *Engine) spansBroken(now sched.Instant, k *link) {
	for _, s := range k.spans {
		s.elsewhere(now, k.tag)
	}
	e.large.jobs = slices.DeleteFunc(e.large.jobs, func(j *catchJob) bool { return j.k == k })
}
