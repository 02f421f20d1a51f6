package stream

import (
	"encoding/binary"

	"github.com/quidnunc/quidnunc/batch"
)

// The handshake, in clear; numbers are little-endian.
//
//	opener:   magic 3 ‖ version 1 ‖ key id 1 ‖ 3 zero ‖ cluster tag 4 ‖ own salt 16 ‖ other's salt 16 ‖ nonce 16 ‖ mark 16
//	acceptor: magic 3 ‖ version 1 ‖ nonce 16, then its first record
//
// The transcript that the keys come from is both but for the mark.
const (
	magic   = "qns"
	version = 1

	nonceSize  = 16
	ownSaltAt  = 12
	peerSaltAt = ownSaltAt + batch.StreamSaltSize
	nonceAt    = peerSaltAt + batch.StreamSaltSize
	markAt     = nonceAt + nonceSize
	helloSize  = markAt + 16
	replySize  = 4 + nonceSize
)

// hello is the opener's part.
type hello [helloSize]byte

func makeHello(keyID uint8, cluster uint32, own, peer *[batch.StreamSaltSize]byte, nonce *[nonceSize]byte) (h hello) {
	copy(h[:], magic)
	h[3], h[4] = version, keyID
	binary.LittleEndian.PutUint32(h[8:], cluster)
	copy(h[ownSaltAt:], own[:])
	copy(h[peerSaltAt:], peer[:])
	copy(h[nonceAt:], nonce[:])
	return h
}

func (h *hello) keyID() uint8    { return h[4] }
func (h *hello) cluster() uint32 { return binary.LittleEndian.Uint32(h[8:]) }
func (h *hello) marked() []byte  { return h[:markAt] }

func (h *hello) ownSalt() (s [batch.StreamSaltSize]byte) {
	copy(s[:], h[ownSaltAt:])
	return s
}

func (h *hello) peerSalt() (s [batch.StreamSaltSize]byte) {
	copy(s[:], h[peerSaltAt:])
	return s
}

// known tells whether the hello is of this protocol and version.
func (h *hello) known() bool {
	return string(h[:3]) == magic && h[3] == version && h[5]|h[6]|h[7] == 0
}

// reply is the acceptor's part.
type reply [replySize]byte

func makeReply(nonce *[nonceSize]byte) (r reply) {
	copy(r[:], magic)
	r[3] = version
	copy(r[4:], nonce[:])
	return r
}

func (r *reply) known() bool { return string(r[:3]) == magic && r[3] == version }

// transcript is what both ends have seen in clear.
func transcript(h *hello, r *reply) []byte {
	return append(append(make([]byte, 0, markAt+replySize), h.marked()...), r[:]...)
}
