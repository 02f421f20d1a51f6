package door

import "github.com/quidnunc/quidnunc/sched"

const (
	buckets  = 1024                    // of a budget
	fairTurn = 200 * sched.Millisecond // a bucket that had no turn for so long has one, whatever the total says
)

// Amplification bounds what is sent to an address that has not proved itself: so
// many times the bytes that came from it (as QUIC has it, RFC 9000 §8.1). So
// nobody gains by writing a victim's address on a datagram.
const Amplification = 3

// Room is how many bytes may answer a datagram of an address that has not proved
// itself.
func Room(datagram int) int { return Amplification * datagram }

// Rate is what a budget allows: so many a second and at once, in total and for
// each source. Forged sources without number get at most buckets more for each
// fairTurn.
type Rate struct{ Total, Burst, Each, EachBurst int }

// Budget divides work for strangers. The zero value allows nothing; Init first.
type Budget struct {
	total sched.Pacer
	gap   sched.Instant          // between two turns of a source
	depth sched.Instant          // turns that it may take at once, as time
	owed  [buckets]sched.Instant // when the turns that a bucket had are paid for
}

// Init makes the budget full.
func (b *Budget) Init(now sched.Instant, r Rate) {
	*b = Budget{gap: sched.Second / sched.Instant(r.Each)}
	b.depth = sched.Instant(r.EachBurst-1) * b.gap
	b.total.Init(now, uint64(r.Total), r.Burst)
}

// Take asks for a turn of a source, given by its bucket (Proofs.Bucket).
func (b *Budget) Take(now sched.Instant, bucket uint64) bool {
	owed := &b.owed[bucket%buckets]
	if *owed > now+b.depth {
		return false
	}
	waited := *owed == 0 || now-*owed >= fairTurn
	if !b.total.Take(now, 1) && !waited {
		return false
	}
	*owed = max(*owed, now) + b.gap
	return true
}
