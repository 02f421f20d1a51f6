package engine

const (
	// catchUp is how many keys a watcher looks at before it notes what changed meanwhile.
	catchUp = 512
	// backlogMax is how many places one watcher notes: beyond, it looks at everything again.
	backlogMax = 1 << 16
	// backlogKept is how many places have memory that stays.
	backlogKept = 4096
)

// backlog is where a watcher has to look. A look at everything takes its time, and what changes
// meanwhile is noted here before the list of changes forgets it: one such look is enough, however
// fast others write.
type backlog struct {
	changes *watchList
	w       *watcher
	noted   []place
	full    bool
	looks   int
}

// step counts a look.
func (b *backlog) step() {
	if b.looks++; b.looks%catchUp == 0 {
		b.note()
	}
}

// note takes in what has changed, and lets the watcher come back for it.
func (b *backlog) note() {
	var full bool
	if b.noted, full = b.changes.gather(b.w, b.noted); len(b.noted) > backlogMax {
		b.noted = uniquePlaces(b.noted)
	}
	if b.full = b.full || full || len(b.noted) > backlogMax; b.full {
		b.noted = b.noted[:0]
	}
	if b.full || len(b.noted) > 0 {
		b.w.wake()
	}
}

// next gives the places to look at now, more among them, each once, in the memory of more or in
// that of the call before. full: everything.
func (b *backlog) next(more []place) (places []place, full bool) {
	b.note()
	places, full = uniquePlaces(append(b.noted, more...)), b.full
	if b.noted, b.full = more[:0], false; cap(b.noted) > backlogKept {
		b.noted = nil
	}
	return places, full
}
