package compare

// UpdatesLimitDefault is XGOSSIP's number of useless sends after which an update
// leaves the list.
const UpdatesLimitDefault = 5

// Updates is an update list with feedback and count, as XGOSSIP keeps it: every
// update counts the sends that the peer did not need, the least counted are sent
// first, and one that reaches the limit leaves. Among equal counts the one that
// was sent longest ago comes first.
type Updates struct {
	lists []order // by count: a move to the front is the newest place
	count []uint8 // by handle
	size  int
}

// Init sizes the list for handles 1 to handles and a limit of 1 to 255. Only
// this allocates.
func (u *Updates) Init(handles int, limit uint8) {
	*u = Updates{lists: make([]order, max(1, limit)), count: make([]uint8, handles+1)}
	for i := range u.lists {
		u.lists[i].init(handles)
	}
}

// Len returns the number of updates in the list.
func (u *Updates) Len() int { return u.size }

// Has tells whether h is in the list.
func (u *Updates) Has(h uint32) bool { return u.lists[u.count[h]].has(h) }

// Add puts h into the list with count zero; a newer version of h starts over.
func (u *Updates) Add(h uint32) {
	u.Forget(h)
	u.count[h] = 0
	u.lists[0].toFront(h)
	u.size++
}

// Forget takes h out.
func (u *Updates) Forget(h uint32) {
	if u.Has(h) {
		u.lists[u.count[h]].remove(h)
		u.size--
	}
}

// Take writes the updates to send next to dst and returns how many.
func (u *Updates) Take(dst []uint32) int {
	n := 0
	for i := range u.lists {
		l := &u.lists[i]
		for left := l.size; left > 0 && n < len(dst); left-- {
			h := l.nodes[0].prev // the oldest
			l.toFront(h)
			dst[n] = h
			n++
		}
	}
	return n
}

// Feedback takes the answer to a send of h: whether the peer needed it. It
// returns whether h left the list. Answers for what is not in it do nothing.
func (u *Updates) Feedback(h uint32, needed bool) bool {
	if needed || !u.Has(h) {
		return false
	}
	u.lists[u.count[h]].remove(h)
	if int(u.count[h])+1 == len(u.lists) {
		u.size--
		return true
	}
	u.count[h]++
	u.lists[u.count[h]].toFront(h)
	return false
}

// Reply is the next message of an exchange that starts with increments.
type Reply uint8

// The replies.
const (
	Agreed    Reply = iota // the checksums are equal: nothing more to say
	Increment              // some more updates of the list, with the checksum
	Full                   // the full state: increments did not close the difference
	GiveUp                 // too many turns: leave it to the next exchange
)

// TurnsMax ends an exchange that does not close, as when both sides keep changing.
const TurnsMax = 10

// Answer says how to go on after the increments of a message were applied:
// increments first, the full state only when the checksums still differ and
// there is no update left to try. turn counts the messages so far.
func Answer(equal bool, updates, turn int) Reply {
	switch {
	case equal:
		return Agreed
	case turn >= TurnsMax:
		return GiveUp
	case updates > 0:
		return Increment
	}
	return Full
}
