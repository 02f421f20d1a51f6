package content

import "github.com/quidnunc/quidnunc/sched"

// Entry is an entry that refers to a content.
type Entry struct {
	Origin  uint32
	Key     []byte
	Version uint64
	Sum     Sum
	Length  int
}

// Refer notes that the newest entry of a key refers to a content, and gives it.
// What the key showed before goes on to be shown until the new one is here.
func (t *Table) Refer(e *Entry, now sched.Instant) Handle {
	h := t.know(&e.Sum, e.Length, now)
	t.contents[h].fresh = 0
	r := t.find(e.Origin, e.Key)
	if r == 0 {
		r = t.newRef(e)
	}
	x := &t.refs[r]
	if x.Version != 0 {
		t.settle(x, now) // readers may have seen it
	}
	t.gain(h)
	if x.Next == 0 && t.contents[x.Want].coming {
		x.Next, x.NextVersion = x.Want, x.Version // what has begun is ended, and shown
	} else {
		t.lose(x.Want, now)
	}
	x.Version, x.Want = e.Version, h
	if h != x.Show {
		t.contents[h].frees = t.Freed(x)
	}
	t.settle(x, now)
	return h
}

// settle shows what is wanted, once it is here, and until then what was wanted when its fetch began.
func (t *Table) settle(x *Ref, now sched.Instant) {
	switch next := &t.contents[x.Next]; {
	case x.Shown == x.Version:
	case t.contents[x.Want].here:
		t.show(x, x.Want, x.Version, now)
	case x.Next == 0 || next.coming:
		return
	case next.here:
		t.show(x, x.Next, x.NextVersion, now)
	}
	t.lose(x.Next, now)
	x.Next, x.NextVersion = 0, 0
}

func (t *Table) show(x *Ref, h Handle, version uint64, now sched.Instant) {
	t.gain(h)
	t.lose(x.Show, now)
	x.Show, x.Shown = h, version
}

// Shown gives what a reference shows: the content and the version of its entry;
// 0 when nothing of it was complete yet.
func (t *Table) Shown(x *Ref, now sched.Instant) (h Handle, version uint64) {
	t.settle(x, now)
	return x.Show, x.Shown
}

// Freed is how many bytes nothing refers to any more once a reference is replaced.
func (t *Table) Freed(x *Ref) int {
	c := &t.contents[x.Show]
	if x.Show == 0 || c.short || c.refs > 1 && !(c.refs == 2 && x.Want == x.Show) {
		return 0
	}
	return c.length
}

// Unrefer notes that a key of an origin has no content any more: it was deleted,
// or has a small value. It tells whether it had one.
func (t *Table) Unrefer(origin uint32, key []byte, now sched.Instant) (had bool) {
	r := t.find(origin, key)
	if r != 0 {
		t.removeRef(r, now)
	}
	return r != 0
}

func (t *Table) newRef(e *Entry) (r uint32) {
	if n := len(t.freeRefs); n > 0 {
		r, t.freeRefs = t.freeRefs[n-1], t.freeRefs[:n-1]
	} else {
		r = uint32(len(t.refs))
		t.refs = append(t.refs, Ref{})
	}
	t.refs[r] = Ref{Origin: e.Origin, Key: append([]byte(nil), e.Key...)}
	t.byKey.insert(t.hashKey(e.Origin, e.Key), r, t.hashOfRef)
	t.stats.Refs++
	return r
}

func (t *Table) hashOfRef(r uint32) uint64 { return t.hashKey(t.refs[r].Origin, t.refs[r].Key) }

func (t *Table) removeRef(r uint32, now sched.Instant) {
	x := &t.refs[r]
	t.lose(x.Want, now)
	t.lose(x.Show, now)
	t.lose(x.Next, now)
	t.byKey.remove(t.hashOfRef(r), func(at uint32) bool { return at == r }, t.hashOfRef)
	*x = Ref{}
	t.freeRefs = append(t.freeRefs, r)
	t.stats.Refs--
}

func (t *Table) gain(h Handle) {
	c := &t.contents[h]
	if c.refs++; c.refs == 1 && !c.here {
		t.stats.Missing++
	}
}

func (t *Table) lose(h Handle, now sched.Instant) {
	if h == 0 {
		return
	}
	c := &t.contents[h]
	c.idle = now
	if c.refs--; c.refs == 0 && !c.here {
		t.stats.Missing--
	}
}

// Sweep looks at some references and contents, and drops what nobody needs any
// more. A reference that live says no to goes: its entry is not the newest of
// its key any more. It returns how many there are to look at.
func (t *Table) Sweep(now sched.Instant, budget int, live func(*Ref) bool) (items int) {
	n := max(len(t.refs), len(t.contents))
	for range min(budget, n) {
		if t.sweepAt++; t.sweepAt >= n {
			t.sweepAt = 0
		}
		if i := t.sweepAt; i < len(t.refs) && t.refs[i].Version != 0 {
			if live(&t.refs[i]) {
				t.settle(&t.refs[i], now)
			} else {
				t.removeRef(uint32(i), now)
			}
		}
		if i := t.sweepAt; i < len(t.contents) {
			t.tryForget(Handle(i), now)
		}
	}
	return n
}

// tryForget drops a content that nothing has needed for long.
func (t *Table) tryForget(h Handle, now sched.Instant) {
	c := &t.contents[h]
	if c.fresh > 0 {
		c.fresh--
	}
	if c.known() && c.refs == 0 && c.holds == 0 && !c.coming && now-c.idle >= t.limits.Keep {
		t.forget(h)
	}
}

func (c *content) known() bool { return c.here || c.refs > 0 || c.sum != Sum{} }

func (t *Table) forget(h Handle) {
	c := &t.contents[h]
	t.bySum.remove(c.sum.hash(), func(at uint32) bool { return at == uint32(h) },
		func(at uint32) uint64 { return t.contents[at].sum.hash() })
	if c.here {
		t.stats.Here--
		if c.short {
			t.short -= len(c.bytes)
		} else {
			t.stats.Bytes -= len(c.bytes)
		}
		t.release(c.bytes)
	}
	*c = content{}
	t.free = append(t.free, h)
}

// Squeeze drops contents that nothing needs before their time, for room of so
// many bytes. It looks at no more than budget, and goes on there the next time.
func (t *Table) Squeeze(bytes, budget int) bool {
	for range min(budget, len(t.contents)-1) {
		if t.stats.Bytes+bytes <= t.limits.Bytes {
			break
		}
		if t.squeezeAt++; t.squeezeAt >= len(t.contents) {
			t.squeezeAt = 1
		}
		i := t.squeezeAt
		if c := &t.contents[i]; c.here && c.refs == 0 && c.holds == 0 && c.fresh == 0 {
			t.forget(Handle(i))
		}
	}
	return t.stats.Bytes+bytes <= t.limits.Bytes
}
