package engine

// Forger is a member that sent something else than the contents that it was asked for.
type Forger struct {
	Member string // "": all beyond the first 32 together
	Bodies uint64 // that were dropped
}

// tellForged tells who sent something else than the content that it was asked for.
func (e *Engine) tellForged(tag uint32) {
	o := e.store.Tagged(tag)
	if o == 0 {
		return
	}
	name, l := e.nameOf(o), &e.large
	l.mu.Lock()
	l.forgers.add(name)
	l.mu.Unlock()
	p, _ := e.core.Peer(e.core.PeerOf(o))
	e.herald.warn("what a member sent as a large value is not what was asked for: it is dropped, and another member asked",
		"member", e.cfg.Name, "peer", name, "addr", p.Addr)
}

// forgersSoFar are those that were blamed so far. Under mu.
func (l *large) forgersSoFar() (all []Forger) {
	for _, x := range l.forgers {
		all = append(all, Forger{x.member, x.times})
	}
	return all
}
