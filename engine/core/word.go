package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/outbox"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/state"
)

// wordHost is what checkpoints see of the node.
type wordHost struct {
	mailHost
	*originList
}

// accuser tells the shell of whoever brought what an owner did not write.
type accuser struct {
	queue  *outbox.Outbox[Event]
	roster *roster.Roster
}

func (a accuser) Contradicted(o state.Origin, by codec.OriginID, version uint64, why checkpoint.Why) {
	a.queue.Push(Event{Kind: Contradicted, Origin: o, Peer: a.roster.Find(by), From: version, To: uint64(why)})
}
