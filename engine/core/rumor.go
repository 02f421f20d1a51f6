package core

import (
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/rumor"
)

// rumorHost is what the spreading of rumors sees of the node.
type rumorHost struct {
	*peerList
	*originList
	*roster.Roster
	*mail.Mail
}

func (h rumorHost) Peer(p uint32) *rumor.Peer { return &(*h.peerList)[p].rumor }
