// Package bulk is what a member that lacks much is given over a stream: the same
// introductions and runs as datagrams carry, in answers of up to [AnswerBytes].
//
// An ask is a window, as in datagrams: a range of origin ids and how far each is
// here. The answer is what its author lacks within the range, origin by origin,
// most missing first. It is applied as runs (from, to], so that wherever a stream
// breaks a prefix is here, and another member goes on from there: nobody keeps
// anything for anybody between two answers.
//
// Both sides work in pieces: Append makes a run of at most [PieceBytes], Take
// applies as many as its budget allows. A piece is some tens of microseconds.
package bulk

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Bounds of the work.
const (
	AnswerBytes = 1 << 20 // of one answer
	PieceBytes  = 4 << 10 // of one run, and so of one step
	WantsMax    = 1024    // origins in one answer; the rest is found by the next window
)

// Source gives what others lack. It has one owner.
type Source struct {
	view   reconcile.View
	filler reconcile.Filler
}

// Init binds the source to a replica.
func (s *Source) Init(view reconcile.View, book reconcile.Book) {
	s.view = view
	s.filler.Init(view.Store, book, 1) // one order, which needs no places of its own
}

// Open fills a job with what the author of a window lacks. It is false for bytes
// that are no window.
func (s *Source) Open(now sched.Instant, window []byte, j *reconcile.Job) bool {
	if codec.ParseRecords(window) != nil {
		return false
	}
	t, body, rest := codec.NextRecord(window)
	var d codec.Digest
	if t != codec.TypeDigest || len(rest) > 0 || codec.ParseDigest(body, &d) != nil || d.Flags != 0 {
		return false
	}
	j.Reset(1<<30, -1)
	s.view.Now = now
	s.view.Compare(&d, j, nil)
	j.Arrange(tune.OrderDepth, 0)
	return true
}

// Append appends one piece of what a job still has, if limit has room for it.
func (s *Source) Append(dst []byte, limit int, j *reconcile.Job) []byte {
	if limit-len(dst) < PieceBytes {
		return dst
	}
	dst, _ = s.filler.Fill(dst, len(dst)+PieceBytes, j, tune.OrderDepth)
	return dst
}

// AppendWindow appends an ask: what is here of the ids from lo to hi, or as far
// as fits below limit. through is the last id that it covers.
func AppendWindow(dst []byte, limit int, s *state.Store, lo, hi codec.OriginID) (out []byte, through codec.OriginID) {
	var w codec.DigestWriter
	if !w.Begin(dst, limit, 0, lo) {
		return nil, lo
	}
	for o := s.FirstAtOrAfter(lo); o != 0 && s.ID(o) <= hi; o = s.Following(o) {
		if !w.Add(codec.DigestEntry{ID: s.ID(o), Max: s.Max(o), Floor: s.Floor(o), Dirty: s.Dirty(o)}) {
			through = s.ID(o) - 1
			return w.End(through), through
		}
	}
	return w.End(hi), hi
}

// Split gives the i-th of n equal parts of all ids.
func Split(i, n int) (lo, hi codec.OriginID) {
	part := ^uint64(0)/uint64(n) + 1
	if n == 1 {
		return 0, codec.OriginID(^uint64(0))
	}
	lo, hi = codec.OriginID(uint64(i)*part), codec.OriginID(uint64(i+1)*part-1)
	if i == n-1 {
		hi = codec.OriginID(^uint64(0))
	}
	return lo, hi
}

// Take hands records to apply, at least one and no more than budget bytes, and
// returns the rest. What is neither an introduction nor a run is skipped.
func Take(records []byte, budget int, apply func(t codec.Type, body []byte)) (rest []byte) {
	for start := len(records); len(records) > 0 && start-len(records) < budget; {
		t, body, next := codec.NextRecord(records)
		if records = next; t == codec.TypeIntro || t == codec.TypeRun {
			apply(t, body)
		}
	}
	return records
}
