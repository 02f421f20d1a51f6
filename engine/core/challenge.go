package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
)

// greeted tells whether an answer is one to a greeting of ours to the address
// that it came from. One that somebody was asked for just now, but elsewhere,
// comes from a node with several addresses, or was caught on the way: that
// address is greeted itself.
func (c *Core) greeted(from netip.AddrPort, size int, h *codec.HelloReply) bool {
	here, elsewhere := c.proofs.Answers(c.now, from, &h.Echo)
	if elsewhere && door.Room(size) >= c.bareHello && c.rejects.hint.Take(c.now, 1) {
		c.replies.push(reply{kind: codec.TypeHello, to: from, bare: true})
	}
	return here
}
