package seal

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
)

// Cookies makes and checks address cookies without remembering any: a node gives one to an address that wrote to it,
// and who sends it back receives there. A cookie is valid in the epoch that it was made in and the next one. What an epoch
// is, a minute say, is the caller's to decide.
//
// A cookie is the first half of SHA-256(secret 32 ‖ epoch 4 ‖ address 16 ‖ port 2): a message of one length and one block,
// keyed by its start, so that who does not know the secret can't make one and an extension is no message.
type Cookies struct{ secret [32]byte }

// Init sets the secret: 32 random bytes, new in each life of the node.
func (c *Cookies) Init(secret [32]byte) { c.secret = secret }

// Close erases the secret.
func (c *Cookies) Close() { c.secret = [32]byte{} }

// Make gives the cookie of an address in an epoch.
func (c *Cookies) Make(epoch uint32, addr netip.AddrPort) [codec.CookieBytes]byte {
	var m [32 + 4 + 16 + 2]byte
	copy(m[:], c.secret[:])
	binary.LittleEndian.PutUint32(m[32:], epoch)
	ip := addr.Addr().As16()
	copy(m[36:], ip[:])
	binary.LittleEndian.PutUint16(m[52:], addr.Port())
	sum := sha256.Sum256(m[:])
	return [codec.CookieBytes]byte(sum[:codec.CookieBytes])
}

// Valid says whether cookie was made for this address, in this epoch or the one before. It takes the same time whatever
// the cookie.
func (c *Cookies) Valid(epoch uint32, addr netip.AddrPort, cookie *[codec.CookieBytes]byte) bool {
	now, before := c.Make(epoch, addr), c.Make(epoch-1, addr)
	var a, b byte
	for i, v := range cookie {
		a |= now[i] ^ v
		b |= before[i] ^ v
	}
	return a == 0 || b == 0
}
