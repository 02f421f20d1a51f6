package broadcast

import "github.com/quidnunc/quidnunc/sched"

// mailed is direct mail: the author sends to everybody, and again to who does not
// acknowledge in time. Its own burst is on the way of an acknowledgement, so it waits for
// that too.
type mailed struct {
	w    *world
	open [][]letter // by author, by node: what is not acknowledged
	from []int      // by node: the author that it is, and one; 0: none
	due  []bool     // by author: some letters are to be looked at
}

type letter struct {
	version uint32 // 0: none
	tries   uint8
	at      sched.Instant // when it leaves, again
}

const letterTries = 6

func newMailed(w *world) policy {
	m := &mailed{w: w, from: make([]int, len(w.nodes)), due: make([]bool, w.plan.Authors)}
	for a := range w.plan.Authors {
		m.open = append(m.open, make([]letter, len(w.nodes)))
		m.from[w.author(a)] = a + 1
	}
	return m
}

func (m *mailed) write(a int, to uint32) {
	from := m.w.author(a)
	for n := range m.w.nodes {
		if n != from {
			m.open[a][n] = letter{version: to}
		}
	}
	m.due[a] = true
	m.w.wake(from)
}

func (m *mailed) take(n int, f *frame) {
	for _, x := range f.acks {
		if l := &m.open[m.from[n]-1][f.from]; l.version <= x.serial {
			*l = letter{}
		}
	}
	for i := range f.runs {
		r := &f.runs[i]
		m.w.apply(n, r)
		out := m.w.frame(payload)
		out.acks = append(out.acks, ack{serial: m.w.held[r.author][n], covers: true})
		m.w.send(n, int(f.from), out)
	}
}

func (m *mailed) turn(n int) {
	a := m.from[n] - 1
	if a < 0 || !m.due[a] {
		return
	}
	m.due[a] = false
	wait, first := m.w.plan.patience()+2*m.w.plan.Proc*sched.Instant(len(m.w.nodes)), sched.Never
	for to := range m.open[a] {
		l := &m.open[a][to]
		switch {
		case l.version == 0:
			continue
		case l.tries == letterTries:
			*l = letter{}
			continue
		case l.at <= m.w.now:
			f := m.w.frame(payload)
			f.runs = append(f.runs, run{author: int32(a), from: l.version - 1, to: l.version})
			m.w.send(n, to, f)
			l.at = m.w.nodes[n].busy + wait<<l.tries
			l.tries++
		}
		first = min(first, l.at)
	}
	if first != sched.Never {
		m.w.push(event{at: first, node: int32(n), alarm: true})
	}
}

func (m *mailed) alarm(n int) { m.due[m.from[n]-1] = true }

// rumored is blind rumor mongering: who learns something tells Fanout others, once.
type rumored struct {
	w   *world
	hot [][]run // by node
}

func newRumored(w *world) policy { return &rumored{w: w, hot: make([][]run, len(w.nodes))} }

func (r *rumored) write(a int, to uint32) {
	n := r.w.author(a)
	r.hot[n] = append(r.hot[n], run{author: int32(a), from: to - 1, to: to})
	r.w.wake(n)
}

func (r *rumored) take(n int, f *frame) {
	for i := range f.runs {
		if before, ok := r.w.apply(n, &f.runs[i]); ok && f.runs[i].to > before {
			r.hot[n] = append(r.hot[n], f.runs[i])
		}
	}
}

func (r *rumored) turn(n int) {
	for _, x := range r.hot[n] {
		for range r.w.plan.Fanout {
			to := int(r.w.rand.Uint32n(uint32(len(r.w.nodes) - 1)))
			if to >= n {
				to++
			}
			f := r.w.frame(payload)
			f.runs = append(f.runs, x)
			r.w.send(n, to, f)
		}
	}
	r.hot[n] = r.hot[n][:0]
}

func (r *rumored) alarm(int) {}
