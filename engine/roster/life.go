package roster

// Life is where a member is in its one life. It changes in this file alone, by
// BecomeX; the picture is in doc.go.
type Life uint8

// The phases. Those from Open on have answered from their address.
const (
	Free    Life = iota // the handle is nobody's
	Named               // somebody named it; it has not answered from its address
	Absent              // it was condemned before it ever answered
	Passed              // it left before it ever answered
	Open                // it answers: it is sent everything
	Quiet               // it owes acknowledgements: greeted from time to time, until it is heard
	Dead                // a quorum of its observers gave it up: the detector visits it
	Leaving             // it left and answers: it is sent what it is owed, and nothing new
	Gone                // it left and does not answer
	phases
)

// Open reports whether the member may be sent everything: news, exchanges, repairs.
func (l Life) Open() bool { return l == Open }

// Takes reports whether the member may be sent what it is owed.
func (l Life) Takes() bool { return l == Open || l == Leaving }

// Proven reports whether the member has answered from its address.
func (l Life) Proven() bool { return l >= Open }

// Quiet reports whether the member owes acknowledgements.
func (l Life) Quiet() bool { return l == Quiet || l == Dead || l == Gone || l == Absent }

// Left reports whether the member leaves, as far as is known.
func (l Life) Left() bool { return l == Passed || l >= Leaving }

// become is the one place where a life changes, and the set of partners with it.
func (r *Roster) become(p uint32, l *Life, to Life) {
	from := *l
	*l = to
	if from != Free {
		r.lives[from]--
	}
	if to != Free {
		r.lives[to]++
	}
	switch {
	case from == Open && to != Open:
		r.partners.Remove(p)
		r.changes++
	case from != Open && to == Open:
		r.partners.Insert(r.rand, p)
		r.changes++
	}
}

// step is what happens to a member that has a life.
type step uint8

const (
	proves step = iota
	hears
	misses
	condemns
	leaves
	stays
	steps
)

// next is what a step makes of each phase; a phase that is not listed stays.
var next = [steps][phases]Life{
	proves:   {Named: Open, Absent: Dead /* it has to refute first */, Passed: Leaving},
	hears:    {Absent: Named, Quiet: Open, Dead: Open, Gone: Leaving},
	misses:   {Open: Quiet},
	condemns: {Named: Absent, Open: Dead, Quiet: Dead, Leaving: Gone},
	leaves:   {Named: Passed, Absent: Passed, Open: Leaving, Quiet: Gone, Dead: Gone},
	stays:    {Passed: Absent, Leaving: Quiet, Gone: Quiet},
}

func (r *Roster) pass(p uint32, l *Life, s step) {
	if to := next[s][*l]; to != Free {
		r.become(p, l, to)
	}
}

// BecomeNamed begins a life: of a handle that was free, or of a member that is
// another origin now.
func (r *Roster) BecomeNamed(p uint32, l *Life) {
	r.unzone(p)
	r.become(p, l, Named)
}

// BecomeProven notes that a member has answered from its address.
func (r *Roster) BecomeProven(p uint32, l *Life) { r.pass(p, l, proves) }

// BecomeHeard notes that a member is there again.
func (r *Roster) BecomeHeard(p uint32, l *Life) { r.pass(p, l, hears) }

// BecomeQuiet notes that an open member does not answer.
func (r *Roster) BecomeQuiet(p uint32, l *Life) { r.pass(p, l, misses) }

// BecomeDead notes that a member is condemned.
func (r *Roster) BecomeDead(p uint32, l *Life) { r.pass(p, l, condemns) }

// BecomeLeft notes that a member said that it leaves.
func (r *Roster) BecomeLeft(p uint32, l *Life) { r.pass(p, l, leaves) }

// BecomeStaying notes that a member refuted that it leaves, as somebody had said of it: it is
// heard next. left: it said so itself, so it has.
func (r *Roster) BecomeStaying(p uint32, l *Life, left bool) {
	if !left {
		r.pass(p, l, stays)
	}
}

// BecomeFree ends a life and gives its handle back.
func (r *Roster) BecomeFree(p uint32, l *Life) {
	r.unzone(p)
	r.become(p, l, Free)
	r.free = append(r.free, p)
}
