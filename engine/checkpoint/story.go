package checkpoint

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	broughtMost = 256               // runs of others that are remembered
	namedMost   = 8                 // who was named lately
	nameGap     = 10 * sched.Second // until the same one is named again
)

// story is who brought what lately, and who was named for it.
type story struct {
	runs  [broughtMost]brought // the oldest gives way
	next  int
	named [namedMost]named
}

// brought is a run that somebody else than its author brought.
type brought struct {
	id, by   codec.OriginID // id 0: free
	from, to uint64
	floor    uint64 // of the origin then
	author   uint32
	boot     uint64 // of the author
}

type named struct {
	id  codec.OriginID
	at  sched.Instant
	why Why
}

// accusation is what is to be told of an origin.
type accusation struct {
	by      codec.OriginID // who brought it; 0: nobody but its owner
	version uint64
	why     Why
}

// Took notes that what is here of an origin went from a version to another by a run of
// peer p.
func (k *Checkpoints) Took(now sched.Instant, o state.Origin, p uint32, from, to uint64) {
	if k.parts.Off {
		return
	}
	author := k.parts.Host.Author(o)
	if to > from && author != p {
		t := &k.story
		t.runs[t.next] = brought{k.parts.Store.ID(o), k.parts.Host.ID(p), from, to, k.parts.Store.Floor(o), author, k.parts.Host.Boot(author)}
		t.next = (t.next + 1) % broughtMost
	}
	if author == p && k.origins[o].fresh {
		k.origins[o].fresh = false
		k.lowered(now, o, p)
	}
	if to > from || !k.parts.Store.Level(o) {
		k.Moved(now, o)
	}
}

// Brought notes that an entry of an origin that is no continuation of what is here came from peer
// p.
func (k *Checkpoints) Brought(o state.Origin, p uint32, version uint64) {
	if k.parts.Off || k.parts.Host.Author(o) == p {
		return
	}
	x := brought{id: k.parts.Store.ID(o), by: k.parts.Host.ID(p), from: version - 1, to: version}
	t := &k.story
	if last := &t.runs[(t.next+broughtMost-1)%broughtMost]; last.id == x.id && last.by == x.by && last.to == x.from {
		last.to = x.to
		return
	}
	t.runs[t.next] = x
	t.next = (t.next + 1) % broughtMost
}

// lowered looks whether a floor was made up, when peer p speaks of its new life for the first time.
// Floors of a boot only rise, and an author of whom others hold a higher one than it said takes a
// new life: whoever brought the higher one to the former is named.
func (k *Checkpoints) lowered(now sched.Instant, o state.Origin, p uint32) {
	s, t := k.parts.Store, &k.story
	id, boot, floor := s.ID(o), k.parts.Host.Boot(p), s.Floor(o)
	for i := range t.runs {
		if x := &t.runs[(t.next+i)%broughtMost]; x.author == p && x.boot == boot && x.id != id && x.floor > floor {
			k.parts.Count.Contradicted++
			k.accuse(now, o, accusation{by: x.by, version: x.floor})
			return
		}
	}
}

// Overruled tells that a version was not what its owner wrote until that one sent it. here: what
// stood there was there to the last, so whoever brought it is named; else nobody knows what it was,
// since the author or somebody else overwrote it.
func (k *Checkpoints) Overruled(now sched.Instant, o state.Origin, version uint64, here bool) {
	if here {
		k.Differed(now, o, &state.Healed{Alien: version})
		return
	}
	k.parts.Count.Contradicted++
	k.origins[o].odd = version
}

// Differed tells that a part of a log was not what the owner holds: whoever brought it is
// named.
func (k *Checkpoints) Differed(now sched.Instant, o state.Origin, h *state.Healed) {
	k.parts.Count.Contradicted++
	version, x := h.Alien, &k.origins[o]
	x.tries, x.doubts = 0, 0 // it helps
	if version == 0 {
		version = h.First
	}
	by := k.story.by(k.parts.Store.ID(o), version)
	if by == 0 { // it may be the older form of a key that a lie took the place of: wait for that
		x.odd = version
		return
	}
	x.named = true
	k.accuse(now, o, accusation{by: by, version: version})
}

// settled takes it that the log is its owner's up to here. It names nobody where nobody else than
// the owner brought what differed.
func (k *Checkpoints) settled(now sched.Instant, o state.Origin, x *origin) {
	if x.odd != 0 && !x.named {
		k.accuse(now, o, accusation{version: x.odd})
	}
	x.odd, x.named = 0, false
	k.parts.Store.Prove(o, x.equal)
}

// accuse tells it, if the one who is to blame was not named for it a moment ago.
func (k *Checkpoints) accuse(now sched.Instant, o state.Origin, t accusation) {
	who := t.by
	switch {
	case t.why == KeysFull:
		who = 0 // it is about this node: told once for all of whom it is so
	case who == 0:
		who = k.parts.Store.ID(o)
	}
	if k.story.name(named{who, now, t.why}) {
		k.parts.Witness.Contradicted(o, t.by, t.version, t.why)
	}
}

// by is who brought a version first, 0 if the owner did, or nobody knows.
func (t *story) by(id codec.OriginID, version uint64) codec.OriginID {
	for i := range t.runs {
		if x := &t.runs[(t.next+i)%broughtMost]; x.id == id && x.from < version && version <= x.to {
			return x.by
		}
	}
	return 0
}

// name tells whether somebody may be named now: not again and again for the same.
func (t *story) name(n named) bool {
	oldest := &t.named[0]
	for i := range t.named {
		x := &t.named[i]
		same := x.id == n.id && x.why == n.why
		if same && n.at-x.at < nameGap {
			return false
		}
		if same {
			oldest = x
			break
		}
		if x.at < oldest.at {
			oldest = x
		}
	}
	*oldest = n
	return true
}
