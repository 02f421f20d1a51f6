package broadcast

import "github.com/quidnunc/quidnunc/sched"

// overlayDegree is how many neighbours a node has on average: the active view of HyParView
// (Leitão, Pereira, Rodrigues 2007) that Plumtree was measured on.
const overlayDegree = 5

// lazy is an announcement of versions that have not come yet.
type lazy struct {
	author, from int32
	to           uint32
	at           sched.Instant // when the payload is asked for
}

// overlay is flooding, or Plumtree (Leitão, Pereira, Rodrigues, "Epidemic broadcast trees",
// 2007), over a random graph that does not change.
type overlay struct {
	w      *world
	plum   bool
	links  [][]tie
	hot    [][]news
	missed [][]lazy
}

// tie is a neighbour; payload goes to eager ones, announcements to the others.
type tie struct {
	to    int32
	eager bool
}

type news struct {
	run
	from int32 // who sent it; -1: written here
}

func newFlood(w *world) policy    { return newOverlay(w, false) }
func newPlumtree(w *world) policy { return newOverlay(w, true) }

// newOverlay draws a graph: a ring, so that it is connected, and random ties.
func newOverlay(w *world, plum bool) policy {
	n := len(w.nodes)
	o := &overlay{w: w, plum: plum, links: make([][]tie, n), hot: make([][]news, n), missed: make([][]lazy, n)}
	for i := range n {
		o.join(i, (i+1)%n)
	}
	for k := n; k < n*overlayDegree/2; {
		a, b := int(w.rand.Uint32n(uint32(n))), int(w.rand.Uint32n(uint32(n)))
		if a != b && o.tie(a, b) == nil {
			o.join(a, b)
			k++
		}
	}
	return o
}

func (o *overlay) join(a, b int) {
	o.links[a] = append(o.links[a], tie{int32(b), true})
	o.links[b] = append(o.links[b], tie{int32(a), true})
}

func (o *overlay) tie(a, b int) *tie {
	for i := range o.links[a] {
		if o.links[a][i].to == int32(b) {
			return &o.links[a][i]
		}
	}
	return nil
}

func (o *overlay) write(a int, to uint32) {
	n := o.w.author(a)
	o.hot[n] = append(o.hot[n], news{run{author: int32(a), from: to - 1, to: to}, -1})
	o.w.wake(n)
}

func (o *overlay) take(n int, f *frame) {
	w, back := o.w, int(f.from)
	for i := range f.runs {
		r := f.runs[i]
		switch f.kind {
		case announce:
			if w.held[r.author][n] < r.to {
				l := lazy{r.author, f.from, r.to, w.now + w.plan.patience()}
				o.missed[n] = append(o.missed[n], l)
				w.push(event{at: l.at, node: int32(n), alarm: true})
			}
			continue
		case prune:
			o.tie(n, back).eager = false
			continue
		case graft:
			o.tie(n, back).eager = true
			if w.held[r.author][n] >= r.to {
				out := w.frame(payload)
				out.runs = append(out.runs, run{author: r.author, from: r.to - 1, to: r.to})
				w.send(n, back, out)
			}
			continue
		}
		if before, ok := w.apply(n, &r); ok && r.to > before {
			o.hot[n] = append(o.hot[n], news{r, f.from})
			if o.plum {
				o.tie(n, back).eager = true
			}
		} else if o.plum {
			o.tie(n, back).eager = false
			out := w.frame(prune)
			out.runs = append(out.runs, run{author: r.author})
			w.send(n, back, out)
		}
	}
}

func (o *overlay) turn(n int) {
	for _, x := range o.hot[n] {
		for _, l := range o.links[n] {
			if l.to == x.from {
				continue
			}
			f := o.w.frame(payload)
			if o.plum && !l.eager {
				f.kind = announce
			}
			f.runs = append(f.runs, x.run)
			o.w.send(n, int(l.to), f)
		}
	}
	o.hot[n] = o.hot[n][:0]
}

// alarm asks the announcer for what did not come.
func (o *overlay) alarm(n int) {
	kept := o.missed[n][:0]
	for _, l := range o.missed[n] {
		switch {
		case o.w.held[l.author][n] >= l.to:
		case l.at > o.w.now:
			kept = append(kept, l)
		default:
			o.tie(n, int(l.from)).eager = true
			f := o.w.frame(graft)
			f.runs = append(f.runs, run{author: l.author, from: l.to - 1, to: l.to})
			o.w.send(n, int(l.from), f)
		}
	}
	o.missed[n] = kept
}
