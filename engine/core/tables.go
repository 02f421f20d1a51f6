package core

import (
	"cmp"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/delegate"
	"github.com/quidnunc/quidnunc/engine/events"
	"github.com/quidnunc/quidnunc/engine/gaps"
	"github.com/quidnunc/quidnunc/engine/interval"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// What a core does is in three tables: which function takes a record, which one
// appends what is due, and whom a timer wakes. A protocol is a package and its rows.

// recordsTop is one more than the highest type that has a row.
const recordsTop = codec.TypeRanges + 1

// handlers take the body of a record from peer p; false: it can't be parsed. Later
// versions may have types that have no row: they are skipped.
var handlers = [recordsTop]func(c *Core, p uint32, t codec.Type, body []byte) (ok bool){
	codec.TypeIntro:         (*Core).takeIntro,
	codec.TypeSync:          (*Core).onDifference,
	codec.TypeDigest:        (*Core).onDifference,
	codec.TypeRun:           (*Core).takeRun,
	codec.TypePull:          (*Core).onDifference,
	codec.TypeHave:          hears(func(c *Core) *mail.Mail { return &c.mail }, (*mail.Mail).Receive),
	codec.TypeProbe:         (*Core).observed,
	codec.TypeProbeAck:      (*Core).observed,
	codec.TypeVote:          (*Core).observed,
	codec.TypeVerdict:       (*Core).observed,
	codec.TypeObserved:      (*Core).observed,
	codec.TypeRumorFeedback: hears(func(c *Core) *rumor.Monger { return &c.rumors }, (*rumor.Monger).Receive),
	codec.TypeEvent:         hears(func(c *Core) *events.Cast { return &c.events }, (*events.Cast).Receive),
	codec.TypeSketch:        (*Core).onDifference,
	codec.TypeRepair:        hears(func(c *Core) *walk.Repair { return &c.walks }, (*walk.Repair).Receive),
	codec.TypePreciseDigest: (*Core).onDifference,
	codec.TypePreciseRun:    takes((*Core).onPreciseRun),
	codec.TypeKeyNotice:     takes(func(c *Core, p uint32, body []byte) bool { return c.guard.OnNotice(p, body) }),
	codec.TypePrecisePull:   (*Core).onDifference,
	codec.TypeTurn:          (*Core).onDifference,
	codec.TypeRanges:        (*Core).onDifference,
	codec.TypeFullAt:        takes((*Core).onFull),
	codec.TypeCheckpoint:    hears(words, (*checkpoint.Checkpoints).Receive),
	codec.TypeSignature:     hears(words, (*checkpoint.Checkpoints).ReceiveSigned),
	codec.TypePublicKey:     hears(words, (*checkpoint.Checkpoints).ReceiveKey),
	codec.TypeDelegate:      hears(delegates, (*delegate.Relay).Receive),
	codec.TypeCovered:       hears(delegates, (*delegate.Relay).ReceiveAnswers),
	codec.TypeIntervals:     mends,
	codec.TypeIntervalPull:  mends,
	codec.TypeAudits:        mends,
	codec.TypeAuditPull:     mends,
	codec.TypePart:          mends,
}

// mends takes a record of the repair by intervals, or of the audit.
func mends(c *Core, _ uint32, t codec.Type, body []byte) bool {
	return c.judge(c.mends.Receive(&c.received, t, body))
}

// delegates and words are parts of the core.
var (
	delegates = func(c *Core) *delegate.Relay { return &c.mail.Relay }
	words     = func(c *Core) *checkpoint.Checkpoints { return &c.word }
)

// hears makes a handler of what a part does with a record.
func hears[T any](part func(c *Core) T, f func(part T, f *reconcile.Frame, body []byte) reconcile.Verdict) func(*Core, uint32, codec.Type, []byte) bool {
	return func(c *Core, _ uint32, _ codec.Type, body []byte) bool { return c.judge(f(part(c), &c.received, body)) }
}

// takes is a row for one type alone.
func takes(f func(c *Core, p uint32, body []byte) bool) func(*Core, uint32, codec.Type, []byte) bool {
	return func(c *Core, p uint32, _ codec.Type, body []byte) bool { return f(c, p, body) }
}

// What a peer's next frames carry.
const (
	dueHave    uint32 = 1 << iota // an acknowledgement of its own writes
	dueSync                       // our fingerprint, to start an exchange
	dueDigest                     // a digest window: the fingerprints differ, or NoPrint
	dueMail                       // our writes after its cursor
	dueRumor                      // the news of this flush
	duePull                       // a list of the origins that we have gaps in
	dueRuns                       // an answer to its digest or pull
	dueAsk                        // a pull list from comparing its digest
	dueHello                      // introduce ourselves
	dueContact                    // ask for what is hot there
	dueAnswers                    // what its rumors came to
	dueCast                       // user events
	dueToken                      // ring repair
	dueTurn                       // a message of a comparison
	dueSize                       // a padded frame, to see whether the path takes it
	dueParcel                     // news for it as a delegate
	dueCovered                    // what became of what it delegated
	dueMend                       // what lives in intervals of a log, or the question
)

// What a class of the flow control carries.
const (
	dueNews   = dueMail | dueRumor | dueCast | dueParcel
	dueUrgent = dueSync | dueDigest | duePull | dueAsk | dueTurn | dueToken
	dueRepair = dueRuns | dueMend
	dueData   = dueNews | dueRepair
)

// composers append what is due to a peer, most urgent first. A row runs if its bit is
// due, no bit of unless is due, and when agrees. What does not fit stays due.
var composers = [...]struct {
	due, unless uint32
	when        func(c *Core, p, due uint32) bool // nil: always
	append      composer
}{
	{due: dueHave, append: mails(dueHave, (*mail.Mail).AppendHave)},
	{due: dueCovered, append: row(dueCovered, delegates, (*delegate.Relay).AppendAnswers)},
	{due: dueSync | dueDigest | dueAsk | dueTurn, append: mails(0, (*mail.Mail).AppendFull)},
	{due: dueSync, append: differs(dueSync, differ.AppendSync)},
	{due: duePull, append: row(duePull, func(c *Core) *gaps.Gaps { return &c.gaps }, (*gaps.Gaps).Append)},
	{due: dueAsk, append: differs(dueAsk, differ.AppendAsk)},
	{due: dueContact, append: rumors(dueContact, (*rumor.Monger).AppendContact)},
	{due: dueAnswers, append: rumors(dueAnswers, (*rumor.Monger).AppendAnswers)},
	{due: dueRuns, when: repairFirst, append: differs(dueRuns, differ.AppendRuns)},
	{due: dueDigest, unless: dueRepair, when: repairFirst, append: differs(dueDigest, differ.AppendDigest)},
	{due: dueCast, append: row(dueCast, func(c *Core) *events.Cast { return &c.events }, (*events.Cast).Append)},
	{due: dueMail, append: mails(dueMail, (*mail.Mail).Append)},
	{due: dueParcel, append: row(dueParcel, delegates, (*delegate.Relay).Append)},
	{due: dueRumor, append: rumors(dueRumor, (*rumor.Monger).AppendWindows)},
	{due: dueRuns, append: differs(dueRuns, differ.AppendRuns)},
	{due: dueMend, unless: dueMail | dueRuns, append: row(dueMend, func(c *Core) *interval.Mender { return &c.mends }, (*interval.Mender).Append)},
	{due: dueTurn, unless: dueMail | dueRuns | dueRumor, append: differs(dueTurn, differ.AppendTurn)},
	{due: dueToken, unless: dueRuns, append: walks(dueToken, (*walk.Repair).Append)},
	{due: dueDigest, unless: dueMail | dueRuns | dueRumor, append: differs(dueDigest, differ.AppendDigest)},
}

// composer appends what is due to a peer; so does a fill of a protocol's part, which
// reports whether nothing of its kind is due any more.
type (
	composer    func(c *Core, b []byte, limit int, p uint32) []byte
	fill[T any] func(part T, b []byte, g *reconcile.Page) (out []byte, done bool)
)

// row makes a composer of what a part has due.
func row[T any](due uint32, part func(c *Core) T, f fill[T]) composer {
	return func(c *Core, b []byte, _ int, p uint32) []byte {
		b, done := f(part(c), b, &c.page)
		if done {
			c.due.Done(p, due)
		}
		return b
	}
}

func differs(due uint32, f fill[differ]) composer {
	return row(due, func(c *Core) differ { return c.differ }, f)
}

func mails(due uint32, f fill[*mail.Mail]) composer {
	return row(due, func(c *Core) *mail.Mail { return &c.mail }, f)
}

func rumors(due uint32, f fill[*rumor.Monger]) composer {
	return row(due, func(c *Core) *rumor.Monger { return &c.rumors }, f)
}

func walks(due uint32, f fill[*walk.Repair]) composer {
	return row(due, func(c *Core) *walk.Repair { return &c.walks }, f)
}

// repairFirst lets an answer, or a weighty digest, go before news now and then, so that it does not wait for ever.
func repairFirst(c *Core, p, due uint32) bool { return c.flow.RepairFirst(&c.peers[p].flow, due) }

// Timers of the engine; those of peers follow.
const (
	timerExchange = iota
	timerFlush
	timerGaps
	timerSeeds
	timerRival
	timerKeys
	timerPublish
	timerRepair
	timerPeriod
	timerPrecise
	timerMend
	timerWord
	timerDelegates
	timersEngine
)

// timers are whom a timer of the engine wakes.
var timers = [timersEngine]func(c *Core){
	timerExchange: (*Core).exchangeAgain,
	timerFlush:    func(c *Core) { c.mail.FlushNow(c.now) },
	timerGaps:     func(c *Core) { c.gaps.Chase(c.now) },
	timerSeeds:    (*Core).contactSeeds,
	timerRival:    func(c *Core) { c.rename(c.me.Wake(c.now)) },
	timerKeys:     (*Core).noticeKeys,
	timerPublish: func(c *Core) { // as many of the held writes as there is rate for
		if to := c.flow.PublishTo(c.now); to > c.store.Max(c.store.Owner()) {
			c.advanceSelf(to)
		}
	},
	timerRepair:    func(c *Core) { c.walks.Step(c.now) },
	timerPeriod:    (*Core).repairPeriod,
	timerPrecise:   func(c *Core) { c.differ.Expire(c.now) },
	timerMend:      func(c *Core) { c.mends.Step(c.now) },
	timerWord:      func(c *Core) { c.word.Step(c.now) },
	timerDelegates: func(c *Core) { c.mail.Relay.Expire(c.now) },
}

// Timers of a peer.
const (
	timerAck = iota
	timerResend
	timerHello
	timerPace
	timerHearsay
	timersPeer
)

// peerTimers are whom a timer of a peer wakes.
var peerTimers = [timersPeer]func(c *Core, p uint32){
	timerHearsay: (*Core).heard,
	timerAck:     func(c *Core, p uint32) { c.due.Want(p, dueHave) },
	timerResend: func(c *Core, p uint32) {
		if c.mail.Resend(c.now, p) {
			c.silent(p)
		}
	},
	timerHello: (*Core).greet,
	timerPace:  func(c *Core, p uint32) { c.due.Release(p) },
}

func peerTimer(p, kind uint32) uint32 { return timersEngine + p*timersPeer + kind }

// timersOf are the timers of one kind of all peers.
func timersOf(w *sched.Wheel, kind uint32) sched.Timers {
	return w.Timers(timersEngine+kind, timersPeer)
}

// record hands a record to whom it is for.
func (c *Core) record(p uint32, t codec.Type, body []byte) {
	if t < recordsTop && handlers[t] != nil && !handlers[t](c, p, t, body) {
		c.counters.Drops[DropRecord]++
	}
}

// composeRecords appends what is due in the order of its urgency.
func (c *Core) composeRecords(b []byte, limit int, p uint32) []byte {
	q, entries, start := &c.peers[p], c.counters.EntriesSent, len(b)
	c.due.Done(p, dueHello)
	if q.debt.Due(c.store.Max(q.origin)) {
		c.due.Want(p, dueHave|dueCovered) // there is a frame, so it rides along
	}
	for i, due := 0, c.due.Of(p); due != 0 && i < len(composers); i++ {
		row := &composers[i]
		if due&row.due == 0 || due&row.unless != 0 || row.when != nil && !row.when(c, p, due) {
			continue
		}
		b = row.append(c, b, limit, p)
		due = c.due.Of(p)
	}
	if c.counters.EntriesSent > entries {
		c.counters.RunFrames++
		c.counters.RunBytes += uint64(len(b) - start)
	}
	return b
}

func (c *Core) takeIntro(p uint32, _ codec.Type, body []byte) bool {
	if codec.ParseIntro(body, &c.received.Intro) != nil {
		return false
	}
	in := c.received.Intro
	if named := c.learn(&in, netip.AddrPort{}); named != 0 {
		c.peers[named].hearsay.Told(c.now, c.peers[p].id, in.Age)
		c.heard(named)
	} else if c.graves.Has(c.now, in.ID) { // one that slept awakes: who speaks of it is told
		c.live.Named(c.now, p, in.ID)
	}
	return true
}

func (c *Core) takeRun(p uint32, _ codec.Type, body []byte) bool {
	if codec.ParseRun(body, &c.received.Run) != nil {
		return false
	}
	c.counters.RunsReceived++ // also where it waits for those before it
	c.peers[p].shown.Tell(&c.received, c.peers[p].id)
	id, before := c.received.Run.ID, c.counters.Gaps
	if c.onRun(p, &c.received.Run); c.counters.Gaps != before {
		c.gaps.Early.Keep(&c.received.Run, c.peers[p].id, body, c.now-c.paths.Underway(&c.peers[p].link))
		return true
	}
	for c.gaps.Early.Any() && c.store.Find(id) != 0 {
		later, by, at := c.gaps.Early.Take(id, c.store.Max(c.store.Find(id)))
		if later == nil || codec.ParseRun(later, &c.received.Run) != nil {
			break
		}
		c.store.Hop(int64(c.now-at), by)
		c.onRun(cmp.Or(c.roster.Find(by), p), &c.received.Run)
		c.store.Hop(int64(c.paths.Underway(&c.peers[p].link)), c.peers[p].id)
	}
	return true
}
