package core

import (
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/events"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/interval"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/walk"
)

// What a protocol does it counts itself, in its part of Counters.
type (
	auditCounters    = interval.Audited
	eventCounters    = events.Counters
	wordCounters     = checkpoint.Counters
	compareCounters  = compare.Counters
	exchangeCounters = reconcile.Counters
	flowCounters     = flow.Counters
	mailCounters     = mail.Counters
	rumorCounters    = rumor.Counters
	walkCounters     = walk.Counters
)

// Counters are what the core has done since Init. The loop writes them; a shell
// copies them between calls.
type Counters struct {
	auditCounters
	eventCounters
	compareCounters
	exchangeCounters
	flowCounters
	mailCounters
	rumorCounters
	walkCounters
	wordCounters

	FramesReceived, FramesSent uint64
	BytesReceived, BytesSent   uint64
	RunFrames, RunBytes        uint64 // frames that carried runs, and the bytes of their records

	EntriesNew, EntriesOld uint64 // entries received: news, and known already
	RunsReceived, Gaps     uint64 // runs, and those that began above our max
	Exchanges              uint64 // exchanges that this node started
	DetectorFrames         uint64 // probes, answers, votes, facts
	AcksSent               uint64 // frames that carried nothing but an acknowledgement
	Writes, WritesRefused  uint64
	Renewals, Conflicts    uint64 // generation bumps, and live rivals of our name
	Evicted                uint64 // candidates that made room for others
	Unseated               uint64 // dead and left that were buried early for the living
	Mended                 uint64 // keys dropped that their owners had deleted
	Derived                uint64 // keys of senders that were derived

	Drops [DropReasons]uint64 // datagrams or records that were not used, by reason
}

// sent counts a frame that was ended and goes out now, and gives its length; an error: it does not.
func (s *Counters) sent(frame []byte, err error) (n int) {
	if err != nil {
		s.Drops[dropOf(err)]++
		return 0
	}
	s.FramesSent++
	s.BytesSent += uint64(len(frame))
	return len(frame)
}

// dropped counts what is not used of a record: it gives nobody.
func (s *Counters) dropped(why Drop) (nobody uint32) {
	s.Drops[why]++
	return 0
}

// applied counts what became of a run.
func (s *Counters) applied(a *reconcile.Applied) {
	s.EntriesNew += uint64(a.New)
	s.EntriesOld += uint64(a.Old)
	if a.Full {
		s.Drops[DropFull]++
	}
	if a.Unnamed {
		s.Drops[DropUnnamed]++
	}
}

// Drop is a reason why a datagram or record was not used.
type Drop uint8

// The reasons. The first ones mirror the codec's own.
const (
	DropShort Drop = iota
	DropMagic
	DropVersion
	DropFlags
	DropChecksum
	DropRecord
	DropCluster    // another cluster's tag
	DropSelf       // our own frame came back
	DropStranger   // not a hello, from somebody unknown
	DropBuried     // of an origin that was replaced or has left
	DropForged     // an id that does not belong to its name and generation
	DropGeneration // a generation too far in the future
	DropUnnamed    // the rest of a run, from a reference on to what is not here
	DropUnknown    // a run of an origin that was never introduced
	DropFull       // a limit of ours
	DropBusy       // no room for another answer; asked again later
	DropMode       // the sender reconciles in another way
	DropSealed     // sealed, and we hold no key
	DropUnsealed   // not sealed, and we hold keys
	DropKey        // sealed with a key that we do not hold
	DropAuth       // the seal does not open: forged, damaged, or for another life of this node
	DropReplay     // seen before, or too old to tell
	DropCookie     // a stranger's cookie is not one of ours, or is old
	DropRate       // a budget for strangers is used up
	DropExhausted  // not sent: the seal's counter is used up
	DropLong       // longer than any frame
	DropShed       // repair or bulk, not decoded: there is a standing queue
	DropClaim      // of somebody who says to be a member that is in service elsewhere
	DropRefused    // word that somebody does not take us
	DropBanned     // of somebody whom Config.Admit keeps out
	DropReasons
)

var dropNames = [DropReasons]string{
	"short", "magic", "version", "flags", "checksum", "record", "cluster", "self", "stranger", "buried",
	"forged", "generation", "unnamed", "unknown", "full", "busy", "mode", "sealed",
	"unsealed", "key", "auth", "replay", "cookie", "rate", "exhausted", "long", "shed", "claim", "refused", "banned",
}

// String is the reason in one lower-case word.
func (d Drop) String() string {
	if d < DropReasons {
		return dropNames[d]
	}
	return "invalid"
}
