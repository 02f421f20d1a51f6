package mail

// Debt is what a peer and this node owe each other in acknowledgements of writes.
type Debt struct {
	acknowledged uint64 // the last version of the own writes of the peer that it was told to be here
	owed         bool   // a timer for an acknowledgement runs
	asks         bool   // the next frame asks the peer for an answer at once
	answers      bool   // the peer asked: the next frame carries our fingerprint
}

// Owe notes that writes of the peer came in. False: that it is owed is known.
func (d *Debt) Owe() bool {
	was := d.owed
	d.owed = true
	return !was
}

// Owed reports whether a timer for an acknowledgement runs.
func (d *Debt) Owed() bool { return d.owed }

// Due reports whether a frame that leaves anyway should tell that the peer's writes
// are here up to max.
func (d *Debt) Due(max uint64) bool { return d.owed || d.acknowledged != max }

// Pay notes that the peer is told so. It reports whether the timer runs. seen: a frame of it came.
// Until one did, the peer may take the word for one about a former life of its: each frame says
// it again.
func (d *Debt) Pay(max uint64, seen bool) (owed bool) {
	owed, d.owed, d.acknowledged = d.owed, false, max
	if !seen {
		d.acknowledged = unsaid
	}
	return owed
}

const unsaid = 1<<64 - 1 // no version

// Ask lets the next frame ask for an answer, Answer lets it be one.
func (d *Debt) Ask()    { d.asks = true }
func (d *Debt) Answer() { d.answers = true }

// Asks and Answers report whether the next frame does.
func (d *Debt) Asks() bool    { return d.asks }
func (d *Debt) Answers() bool { return d.answers }

// Sent notes that it left.
func (d *Debt) Sent() { d.asks, d.answers = false, false }
