package checkpoint

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	signRest   = 500 * sched.Millisecond // a log that rests for so long is signed, and a signature of it is asked for
	signLate   = 2 * sched.Second        // one that moves on and on is after this
	signAgain  = 800 * sched.Millisecond // a peer that asks again is sent the same one after this
	signStep   = 100 * sched.Millisecond // between two of an origin that are verified
	signTries  = 3                       // questions to somebody who never signed
	signKnown  = 8                       // and to somebody who did, until they become rare
	signRare   = 2 * sched.Second        // between those
	signSeldom = sched.Second * 60       // until somebody who never signed is asked once more
	slotsMost  = 16                      // signatures that wait to be verified

	// After a job there is a pause of a hundred times what it takes: 80 µs to verify a signature,
	// and for the digest 160 ns an entry and 1.5 ns a byte. Measured on a busy machine:
	// notary.BenchmarkJobs.
	jobPause   = 8 * sched.Millisecond
	entryPause = 16 * sched.Microsecond
	bytePause  = 150 // ns
)

// Verdict is what became of a job.
type Verdict uint8

// The verdicts.
const (
	Moved   Verdict = iota // the log went on meanwhile, or nobody could tell
	Made                   // the own log is signed
	Same                   // what is here is what its owner signed
	Other                  // the owner signed something else
	Forged                 // it is not the owner's: not under the key that is known as theirs
	Unbound                // there is no room to keep whose key it is
)

// Job is a signature that is to be made or verified outside of the loop: package notary.
type Job struct {
	codec.Signature                 // of a job that signs: ID and Version are given
	Succession      codec.PublicKey // came with it; ID 0: none did
	Verify          bool
	Name            []byte // of the owner
	Verdict         Verdict

	origin state.Origin
	edits  uint64
}

// pen is what is kept of an origin's signatures.
type pen struct {
	signed uint64        // the newest version at which it was what its owner signed
	edits  uint64        // and what was edited until then: state.Store.Edits
	judged sched.Instant // when one was verified last
	asked  sched.Instant
	of     uint64 // the version that it was asked about
	asks   uint8
	known  bool // it signs
	open   bool // one is being verified
}

// slot is a signature that waits to be verified; origin 0: free.
type slot struct {
	codec.Signature
	succession codec.PublicKey
	origin     state.Origin
}

// signState is what a node signs and verifies.
type signState struct {
	made       codec.Signature // of the own log; Version 0: none
	succession codec.PublicKey
	wanted     bool          // somebody asked for one of the log as it is
	top        uint64        // the own newest version
	topAt      sched.Instant // since then
	madeAt     sched.Instant
	at         sched.Instant // no job begins before
	busy       bool          // the shell has one

	pens  []pen
	slots []slot
	next  int
	came  codec.PublicKey // the last one that came; its signature follows
}

// unsigned tells whether a log is to be held against its owner's signature.
func (k *Checkpoints) unsigned(o state.Origin) bool {
	if !k.parts.Verifies || k.holds(o) || k.parts.Store.Max(o) == 0 {
		return false
	}
	p := &k.sign.pens[o]
	return p.known || p.asks < signTries
}

// holds tells whether a log is what its owner signed.
func (k *Checkpoints) holds(o state.Origin) bool {
	p, s := &k.sign.pens[o], k.parts.Store
	return p.signed == s.Max(o) && p.edits == s.Edits(o)
}

// signDue tells whether it is time to ask for it.
func (k *Checkpoints) signDue(now sched.Instant, peer uint32, o state.Origin) bool {
	x, p := &k.origins[o], &k.sign.pens[o]
	rests := now-x.moved >= signRest
	if p.open || !rests && now-x.since < signLate {
		return false
	}
	gap := sched.Instant(signRare)
	if rests && p.asks < signKnown {
		gap = min(sched.Instant(answerGap)<<p.asks, askGap)
	}
	return p.asked == 0 || now-p.asked >= max(gap, k.parts.Host.RTT(peer).RTO(answerGap, doubtMost))
}

// askSigned notes the question. Whoever should have signed a log that rests, and does not, is told
// of.
func (k *Checkpoints) askSigned(now sched.Instant, o state.Origin) {
	p, top := &k.sign.pens[o], k.parts.Store.Max(o)
	if p.asked = now; p.known && p.of != top {
		p.asks = 0
	}
	p.of = top
	if p.asks == signKnown {
		return
	}
	p.asks++
	if p.asks == signKnown || p.asks == signTries && !p.known && k.parts.Required {
		k.accuse(now, o, accusation{why: Unsigned, version: top})
	}
}

// mayAsk lets somebody be asked again who never signed.
func (p *pen) mayAsk(now sched.Instant) {
	if !p.known && p.asks >= signTries && now-p.asked >= signSeldom {
		p.asks = signTries - 1
	}
}

// Edited notes that a part of a log was mended.
func (k *Checkpoints) Edited(now sched.Instant, o state.Origin) {
	if k.parts.Verifies && !k.parts.Off {
		k.sign.pens[o].asks = 0
		k.Moved(now, o)
	}
}

// appendSigned appends the signature of the own log to an answer; a log that rests is signed when
// it is asked for.
func (k *Checkpoints) appendSigned(b []byte, g *reconcile.Page) []byte {
	if !k.parts.Signs || k.parts.Off {
		return b
	}
	s, own, to := k.parts.Store, k.parts.Own, k.tell(g.Now, g.Peer)
	n := &k.sign
	if top := s.Max(own); n.made.Version != top || n.made.ID != s.ID(own) {
		to.wants, n.wanted = true, top > 0
		k.parts.Timer.SetOnce(g.Now + pause)
		return b
	}
	size := codec.SignatureBytesMax
	if n.succession.ID != 0 {
		size += codec.SuccessionBytes
	}
	if !to.wants && to.signed == n.made.Version && g.Now-to.signedAt < signAgain || len(b)+size > g.Limit {
		return b
	}
	to.wants, to.signed, to.signedAt = false, n.made.Version, g.Now
	if n.succession.ID != 0 {
		b = codec.AppendPublicKey(b, &n.succession)
	}
	return codec.AppendSignature(b, &n.made)
}

// ReceiveKey takes the body of a PublicKey record: it stands before its owner's signature.
func (k *Checkpoints) ReceiveKey(f *reconcile.Frame, body []byte) reconcile.Verdict {
	if codec.ParsePublicKey(body, &k.sign.came) != nil {
		return reconcile.Malformed
	}
	k.owned(f, k.sign.came.ID, 0)
	return reconcile.Taken
}

// ReceiveSigned takes the body of a Signature record. It waits for its turn where it is wanted: the
// shell verifies it.
func (k *Checkpoints) ReceiveSigned(f *reconcile.Frame, body []byte) reconcile.Verdict {
	var c codec.Signature
	if codec.ParseSignature(body, &c) != nil {
		return reconcile.Malformed
	}
	s := k.parts.Store
	o := k.owned(f, c.ID, c.Version)
	if o == 0 || !k.parts.Verifies || c.Version != s.Max(o) {
		return reconcile.Taken // nothing that was said before harms: it need not be a fresh frame
	}
	p := &k.sign.pens[o]
	if p.open || k.holds(o) || p.judged != 0 && f.Now-p.judged < signStep {
		return reconcile.Taken
	}
	for i := range k.sign.slots {
		if x := &k.sign.slots[i]; x.origin == 0 {
			*x = slot{Signature: c, origin: o}
			if k.sign.came.ID == c.ID {
				x.succession = k.sign.came
			}
			p.open, p.judged = true, f.Now
			k.parts.Timer.SetOnce(f.Now)
			break
		}
	}
	return reconcile.Taken
}

// owned gives the origin that a frame of its author speaks of. Who speaks of the log of somebody
// else lies, and is named.
func (k *Checkpoints) owned(f *reconcile.Frame, id codec.OriginID, version uint64) state.Origin {
	o := k.parts.Store.Find(id)
	switch {
	case k.parts.Off || o == 0:
		return 0
	case k.parts.Host.Author(o) != f.Peer:
		k.parts.Count.CheckpointsForged++
		k.accuse(f.Now, o, accusation{by: k.parts.Host.ID(f.Peer), version: version})
		return 0
	}
	return o
}

// NextJob gives the next signature that is to be made or verified; false: none is, now. The shell
// hands it back to Complete, and has one at a time. The name is the job's own.
func (k *Checkpoints) NextJob(now sched.Instant, j *Job) bool {
	n := &k.sign
	if n.busy || now < n.at || !k.nextOwn(now, j) && !k.nextOther(j) {
		return false
	}
	n.busy = true
	return true
}

// nextOwn makes a job of the own log, when it rests.
func (k *Checkpoints) nextOwn(now sched.Instant, j *Job) bool {
	n, s, own := &k.sign, k.parts.Store, k.parts.Own
	if !n.wanted {
		return false
	}
	top := s.Max(own)
	if top != n.top {
		n.top, n.topAt = top, now
	}
	if !s.Level(own) || now-n.topAt < signRest && n.madeAt != 0 && now-n.madeAt < signLate {
		return false
	}
	n.wanted = false
	*j = Job{Signature: codec.Signature{ID: s.ID(own), Version: top}, Name: append(j.Name[:0], s.Name(own)...), origin: own}
	return true
}

// nextOther makes a job of a signature that waits.
func (k *Checkpoints) nextOther(j *Job) bool {
	n, s := &k.sign, k.parts.Store
	for range n.slots {
		n.next = (n.next + 1) % len(n.slots)
		x := &n.slots[n.next]
		o := x.origin
		if x.origin = 0; o == 0 || s.ID(o) != x.ID {
			continue
		}
		if _, done := s.Sum(o, &state.Budget{Words: wordsMost}); !done || s.Max(o) != x.Version {
			n.pens[o].open = false
			continue
		}
		*j = Job{
			Signature: x.Signature, Succession: x.succession, Verify: true,
			Name: append(j.Name[:0], s.Name(o)...), origin: o, edits: s.Edits(o),
		}
		return true
	}
	return false
}

// Complete takes what became of a job.
func (k *Checkpoints) Complete(now sched.Instant, j *Job) {
	n, s := &k.sign, k.parts.Store
	n.busy, n.at = false, now+jobPause
	if j.Verdict != Forged {
		n.at += sched.Instant(s.Keys(j.origin))*entryPause + sched.Instant(s.Bytes(j.origin))*bytePause
	}
	k.parts.Timer.Set(min(n.at, now+pause))
	if s.ID(j.origin) != j.ID {
		n.wanted = n.wanted || !j.Verify
		return
	}
	if !j.Verify {
		k.signed(now, j)
		return
	}
	x, p := &k.origins[j.origin], &n.pens[j.origin]
	p.open = false
	if s.Max(j.origin) != j.Version || s.Edits(j.origin) != j.edits {
		return
	}
	switch j.Verdict {
	case Same: // whatever else is said of the log
		k.parts.Count.CheckpointsSigned++
		p.signed, p.edits, p.known, p.asks = j.Version, j.edits, true, 0
		x.equal, x.since, x.tries, x.doubts = j.Version, now, 0, 0
		k.settled(now, j.origin, x)
	case Other:
		p.known = true
		if s.Dirty(j.origin) || !s.Level(j.origin) { // it may differ
			return
		}
		k.parts.Count.CheckpointsDiffer++
		k.differs(now, j.origin, x, min(p.signed, x.equal), x.equal == j.Version)
	case Forged:
		k.parts.Count.SignaturesForged++
		k.accuse(now, j.origin, accusation{why: NotTheirs, version: j.Version})
	case Unbound:
		k.parts.Count.SignaturesUnbound++
		k.accuse(now, j.origin, accusation{why: KeysFull, version: j.Version})
	}
}

// signed keeps the signature of the own log, and sends it to those who asked.
func (k *Checkpoints) signed(now sched.Instant, j *Job) {
	n, s := &k.sign, k.parts.Store
	if j.Verdict != Made || s.Max(j.origin) != j.Version || !s.Level(j.origin) {
		n.wanted = true
		return
	}
	k.parts.Count.CheckpointsMade++
	n.made, n.succession, n.madeAt = j.Signature, j.Succession, now
	for p := range k.tickets {
		if k.told(uint32(p)).wants && k.parts.Host.Takes(uint32(p)) {
			k.parts.Host.Debt(uint32(p)).Answer()
			k.parts.Board.Want(uint32(p), k.parts.Due)
		}
	}
}

// Signed is the newest version at which what is here of an origin was what its owner signed, 0 for
// none, and whether the owner signs, as far as is known.
func (k *Checkpoints) Signed(o state.Origin) (version uint64, signs bool) {
	if !k.parts.Verifies || int(o) >= len(k.sign.pens) {
		return 0, false
	}
	p := &k.sign.pens[o]
	return p.signed, p.known
}
