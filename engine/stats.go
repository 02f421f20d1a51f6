package engine

import (
	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// Stats are counters since Start and levels of now. Nothing is dropped without
// being counted in one of them.
type Stats struct {
	// Members that are known, this one included; Alive are those that answer.
	Members, Alive int

	// Keys, ValueBytes and Footprint are the store's: live keys of all
	// members, bytes of their keys and values, bytes of memory.
	Keys, ValueBytes, Footprint int
	// Fingerprint is a hash of what is known of all members; members with
	// equal state have equal ones.
	Fingerprint uint64

	// Writes are local writes accepted, WritesRejected those refused with an
	// error, WritesRefused those that were accepted and then found no room.
	Writes, WritesRejected, WritesRefused uint64
	// Staged are the writes that wait for the loop.
	Staged int

	// Frames and payload bytes through the socket. RunFrames carried entries,
	// in records of RunBytes together: RunBytes ÷ (RunFrames × FrameBytes) is
	// how well frames are filled.
	FramesReceived, FramesSent uint64
	BytesReceived, BytesSent   uint64
	RunFrames, RunBytes        uint64

	// Entries received that were news, that were known already, and sent.
	EntriesNew, EntriesOld, EntriesSent uint64
	// Runs of entries received, and those that began above what was known.
	RunsReceived, Gaps           uint64
	PullsSent, PullsServed       uint64
	DigestsSent, DigestsReceived uint64
	Exchanges, Agreements        uint64
	// Of comparisons: sketches sent, those of others that showed every difference,
	// and comparisons that came down to the whole version vector. RepairHops are
	// walks of ring repair that came here.
	SketchesSent, SketchesDecoded, Fallbacks, RepairHops uint64
	MailSent, RumorsSent, AcksSent, Rewinds              uint64
	Renewals, Conflicts                                  uint64
	EventsLost                                           uint64 // that OnEvent was too slow for
	SendErrors                                           map[string]uint64
	// Drops counts datagrams and records that were not used, by reason.
	Drops map[string]uint64
	// Detector is what the failure detector did.
	Detector DetectorStats
	// Flow is what flow control does now.
	Flow FlowStats
	// Socket is what the socket itself counted.
	Socket batch.Stats
}

// Stats takes a snapshot. It waits for one turn of the loop, in which the
// writes that were staged before are applied; after Close it gives the last one.
func (e *Engine) Stats() (s Stats) {
	if !e.ask(func(now sched.Instant) {
		e.drainAll(now)
		s = e.stats()
	}) {
		<-e.done
		return e.final
	}
	return s
}

// stats is called on the loop.
func (e *Engine) stats() (s Stats) {
	c := e.core.Counters()
	st := e.store.Stats()
	s = Stats{
		Members: 1, Alive: 1,
		Keys: st.LiveKeys, ValueBytes: st.ValueBytes, Footprint: st.Footprint, Fingerprint: e.core.Fingerprint(),
		Writes: c.Writes, WritesRejected: e.stage.rejected.Load(), WritesRefused: e.refused,
		Staged:         int(e.stage.pending.Load()),
		FramesReceived: c.FramesReceived, FramesSent: c.FramesSent,
		BytesReceived: c.BytesReceived, BytesSent: c.BytesSent, RunFrames: c.RunFrames, RunBytes: c.RunBytes,
		EntriesNew: c.EntriesNew, EntriesOld: c.EntriesOld, EntriesSent: c.EntriesSent,
		RunsReceived: c.RunsReceived, Gaps: c.Gaps, PullsSent: c.PullsSent, PullsServed: c.PullsServed,
		DigestsSent: c.DigestsSent, DigestsReceived: c.DigestsReceived,
		Exchanges: c.Exchanges, Agreements: c.Agreements,
		SketchesSent: c.SketchesSent, SketchesDecoded: c.SketchesDecoded, Fallbacks: c.Fallbacks, RepairHops: c.RepairHops,
		MailSent: c.MailSent, RumorsSent: c.RumorsSent, AcksSent: c.AcksSent, Rewinds: c.Rewinds,
		Renewals: c.Renewals, Conflicts: c.Conflicts,
		EventsLost: e.herald.lostTotal.Load(),
		Drops:      map[string]uint64{}, SendErrors: map[string]uint64{},
	}
	for p := range e.core.Peers() {
		if peer, ok := e.core.Peer(p); ok {
			s.Members++
			if live(&peer) {
				s.Alive++
			}
		}
	}
	e.conn.Stats(&s.Socket)
	s.Flow = e.flowStats()
	e.countDrops(&s, c)
	return s
}

// countDrops names the reasons that occurred: of the core, of the socket, and
// of the kernel behind it.
func (e *Engine) countDrops(s *Stats, c *core.Counters) {
	put := func(m map[string]uint64, name string, n uint64) {
		if n > 0 {
			m[name] += n
		}
	}
	for d, n := range c.Drops {
		put(s.Drops, core.Drop(d).String(), n)
	}
	s.Detector = e.detectorStats()
	put(s.Drops, "oversize", s.Socket.Oversize)
	put(s.Drops, "kernel", s.Socket.KernelDrops)
	for k, n := range s.Socket.SendErrors {
		put(s.SendErrors, batch.ErrorKind(k).String(), n)
	}
}

// auditEvery is how often the loop looks for losses worth a line in the log.
const auditEvery = 10 * sched.Second

// audit logs losses that grew since the last look.
func (e *Engine) audit(now sched.Instant) {
	e.auditAt = now.After(auditEvery)
	was := e.audited
	s := e.stats()
	e.audited = s
	if e.core.Worn() {
		e.reseal(now)
	}
	if was.Members == 0 {
		return // the first look
	}
	grew := func(what, text string) {
		if n := s.Drops[what] - was.Drops[what]; n > 0 {
			e.herald.warn(text, "member", e.cfg.Name, "datagrams", n)
		}
	}
	grew("kernel", "the kernel dropped datagrams: raise net.core.rmem_max")
	grew("checksum", "garbled datagrams arrived")
	grew("cluster", "datagrams of another cluster arrived")
	grew("full", "a limit of Config.Limits is reached")
	for k, n := range s.SendErrors {
		if d := n - was.SendErrors[k]; d > 0 && k != batch.Again.String() {
			e.herald.warn("datagrams were refused on sending", "member", e.cfg.Name, "kind", k, "datagrams", d)
		}
	}
}
