package engine

import (
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// Stats are counters since Start and levels of now. Nothing is dropped without
// being counted in one of them.
type Stats struct {
	// Members that are known, this one included; Alive are those that answer.
	Members, Alive int
	// ByState counts the members by their MemberState.
	ByState [StateUnknown + 1]int

	// Keys, ValueBytes and Footprint are the store's: live keys of all
	// members, bytes of their keys and values, bytes of memory.
	Keys, ValueBytes, Footprint int
	// Fingerprint is a hash of what is known of all members; members with
	// equal state have equal ones.
	Fingerprint uint64

	// Writes are local writes accepted, WritesRejected those refused with an
	// error, WritesRefused those that were accepted and then found no room, here or on
	// the disk.
	Writes, WritesRejected, WritesRefused uint64
	// DiskProblem is why Config.Disk does not keep what is written now; "" while it does,
	// and without one.
	DiskProblem string
	// Holes is how many members have entries that are not here because there is no room
	// for them. FullMembers is how many other members say that of themselves.
	Holes, FullMembers int
	// Staged are the writes that wait for the loop, LoopLag is how long its turns
	// take while one follows the other, and Watchers how many Watch and Changes run.
	Staged   int
	LoopLag  time.Duration
	Watchers int

	// Frames and payload bytes through the socket. RunFrames carried entries,
	// in records of RunBytes together: RunBytes ÷ (RunFrames × FrameBytes) is
	// how well frames are filled.
	FramesReceived, FramesSent uint64
	// FramesStale were never sent: the socket took none for 100 ms.
	FramesStale              uint64
	BytesReceived, BytesSent uint64
	RunFrames, RunBytes      uint64

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
	SketchesSent, SketchesDecoded, RangesSent, Fallbacks, RepairHops uint64
	MailSent, RumorsSent, AcksSent, Rewinds                          uint64
	Audit                                                            AuditStats
	Checkpoints                                                      CheckpointStats
	Delegation                                                       DelegationStats
	Spread                                                           SpreadStats
	Renewals, Conflicts                                              uint64
	EventsLost                                                       uint64 // that OnEvent was too slow for
	BroadcastsLost                                                   uint64 // that came too fast or too late: subscribers got ErrOverflow
	SendErrors                                                       map[string]uint64
	// Drops counts datagrams and records that were not used, by reason.
	Drops map[string]uint64
	// Detector is what the failure detector did.
	Detector DetectorStats
	// Flow is what flow control does now.
	Flow FlowStats
	// Socket is what the socket itself counted.
	Socket batch.Stats
	// Large is what Engine.Large gives.
	Large LargeStats
}

// Stats takes a snapshot. It waits for the turns of the loop in which the writes
// that were staged before are applied anyway; after Close it gives the last one.
func (e *Engine) Stats() Stats {
	var t tally
	var peers []PeerFlow
	if !e.askApplied(func(sched.Instant) {
		e.count(&t)
		peers = e.peerFlows()
	}) {
		if e.done != nil {
			<-e.done
		}
		return e.final
	}
	s := e.statsOf(&t)
	s.Flow.Peers = peers
	return s
}

// stats is called on the loop.
func (e *Engine) stats() Stats {
	var t tally
	e.count(&t)
	s := e.statsOf(&t)
	s.Flow.Peers = e.peerFlows()
	return s
}

// statsOf names the numbers of a tally. Any goroutine may call it.
func (e *Engine) statsOf(t *tally) Stats {
	c, st := &t.core, &t.store
	s := Stats{
		Alive: t.answering, ByState: t.members,
		Keys: st.LiveKeys, ValueBytes: st.ValueBytes, Footprint: st.Footprint, Fingerprint: t.fingerprint,
		Writes: c.Writes, WritesRejected: e.stage.rejected.Load(), WritesRefused: t.refused,
		Holes: t.holes, FullMembers: t.full,
		Staged: int(e.stage.pending.Load()), LoopLag: time.Duration(t.lag), Watchers: int(e.watches.count.Load()),
		FramesReceived: c.FramesReceived, FramesSent: c.FramesSent, FramesStale: t.unsent,
		BytesReceived: c.BytesReceived, BytesSent: c.BytesSent, RunFrames: c.RunFrames, RunBytes: c.RunBytes,
		EntriesNew: c.EntriesNew, EntriesOld: c.EntriesOld, EntriesSent: c.EntriesSent,
		RunsReceived: c.RunsReceived, Gaps: c.Gaps, PullsSent: c.PullsSent, PullsServed: c.PullsServed,
		DigestsSent: c.DigestsSent, DigestsReceived: c.DigestsReceived,
		Exchanges: c.Exchanges, Agreements: c.Agreements,
		SketchesSent: c.SketchesSent, SketchesDecoded: c.SketchesDecoded, RangesSent: c.RangesSent, Fallbacks: c.Fallbacks, RepairHops: c.RepairHops,
		Audit: AuditStats{c.AuditEntries, c.AuditPasses, c.AuditMissing, c.AuditDamaged, c.AuditRemoved, c.AuditForeign},
		Delegation: DelegationStats{
			c.DelegationsSent, c.DelegationsTaken, c.DelegationsReplaced, c.DelegationsRefused, c.DelegationsLost,
			c.DelegationsForged, c.DelegationsStale, c.DelegationsFalse, c.DelegationsBusy,
		},
		Checkpoints: CheckpointStats{c.CheckpointsSent, c.CheckpointsAsked, c.CheckpointsEqual, c.CheckpointsDiffer, c.Contradicted, c.CheckpointsForged, c.CheckpointsMade, c.CheckpointsSigned, c.SignaturesForged, c.SignaturesUnbound, e.liars()},
		MailSent:    c.MailSent, RumorsSent: c.RumorsSent, AcksSent: c.AcksSent, Rewinds: c.Rewinds,
		Spread: t.spread, Renewals: c.Renewals, Conflicts: c.Conflicts,
		EventsLost: e.herald.lostTotal.Load(), BroadcastsLost: c.BroadcastsLost,
		Detector: detectorStats(&t.detector, t.health, t.pace), Flow: flowStats(&t.flow, c), Socket: t.socket, Large: e.Large(),
	}
	for _, n := range t.members {
		s.Members += n
	}
	if l := e.kept.log; l != nil {
		if err := l.Broken(); err != nil {
			s.DiskProblem = err.Error()
		}
	}
	countDrops(&s, c)
	return s
}

// countDrops names the reasons that occurred: of the core, of the socket, and
// of the kernel behind it.
func countDrops(s *Stats, c *core.Counters) {
	s.Drops, s.SendErrors = map[string]uint64{}, map[string]uint64{}
	put := func(m map[string]uint64, name string, n uint64) {
		if n > 0 {
			m[name] += n
		}
	}
	for d, n := range c.Drops {
		put(s.Drops, core.Drop(d).String(), n)
	}
	put(s.Drops, "oversize", s.Socket.Oversize)
	put(s.Drops, "kernel", s.Socket.KernelDrops)
	for k, n := range s.Socket.SendErrors {
		put(s.SendErrors, batch.ErrorKind(k).String(), n)
	}
}

// AuditStats are what the audit found (Config.AuditInterval), of itself or because a
// checkpoint was another one. All but the first two should stay zero: they are the work of a
// bug, of memory that does not keep what it is given or, with a checkpoint, of a liar.
type AuditStats struct {
	Entries uint64 // compared with what their owners hold
	Passes  uint64 // how often the log of a member was gone through
	Missing uint64 // were not here, and were fetched
	Damaged uint64 // were other ones than their owners', and were fetched
	Removed uint64 // had been deleted, and were dropped
	Foreign uint64 // are not their owners', and stay unless a checkpoint leaves them out: nothing says that they were deleted
}

// CheckpointStats are what came of the sums that members say of their own entries
// (package checkpoint), and of their signatures. Differed, Contradicted, Forged and
// SignaturesForged should stay zero.
type CheckpointStats struct {
	Sent         uint64 // of this member's entries
	Asked        uint64 // members that were asked for theirs
	Equal        uint64 // what is here of a member was what it holds
	Differed     uint64 // and was not
	Contradicted uint64 // parts of logs that were made what their owners hold
	Forged       uint64 // sums and signatures that somebody said of another one's entries

	Made             uint64 // signatures of this member's entries
	Signed           uint64 // what is here of a member was what it signed
	SignaturesForged uint64 // were not under the key that is known as the member's

	SignaturesUnbound uint64 // came when as many keys were known as Limits.Origins allows: they say nothing

	// Liars are the members that brought what was contradicted, as EventContradicted names
	// them: each made it up, or believed who did.
	Liars []Liar
}
