package rogue

import (
	"crypto/rand"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
)

// Rogue is one false member, in touch with one node.
type Rogue struct {
	Name    string
	Gen     uint64
	ID      codec.OriginID
	Addr    netip.AddrPort          // what it advertises
	Mode    uint32                  // how it claims to reconcile; 1 is the engine's default
	Cookie  [codec.CookieBytes]byte // of the last answer
	Met     bool                    // it has an answer
	Peer    codec.OriginID          // who answered
	PeerGen uint64
	Salt    [codec.SaltBytes]byte // own
	To      [codec.SaltBytes]byte // the node's
	Seq     uint32

	cluster string
	tag     uint32
	ring    *seal.Keyring
	box     seal.Box
	header  codec.Header
}

// New makes a rogue with a random salt. Without a secret it talks in clear.
func New(cluster, name string, gen uint64, keyID uint8, secret []byte) *Rogue {
	var salt [codec.SaltBytes]byte
	rand.Read(salt[:])
	return WithSalt(cluster, name, gen, keyID, secret, salt)
}

// WithSalt is New for a run that can be repeated.
func WithSalt(cluster, name string, gen uint64, keyID uint8, secret []byte, salt [codec.SaltBytes]byte) *Rogue {
	r := &Rogue{Salt: salt, Name: name, Gen: gen, Mode: 1, cluster: cluster, tag: codec.ClusterTag([]byte(cluster))}
	r.ID = codec.MakeOriginID(codec.FrameKey([]byte(cluster)), []byte(name), gen)
	if secret == nil {
		return r
	}
	r.ring = new(seal.Keyring)
	r.ring.Init(r.tag)
	if err := r.ring.Add(keyID, secret); err != nil {
		panic(err)
	}
	if err := r.box.Init(r.ring, r.Salt); err != nil {
		panic(err)
	}
	return r
}

// IDOf is the id of somebody else in the rogue's cluster.
func (r *Rogue) IDOf(name string, gen uint64) codec.OriginID {
	return codec.MakeOriginID(codec.FrameKey([]byte(r.cluster)), []byte(name), gen)
}

func (r *Rogue) begin(flags codec.Flags) []byte {
	r.header.Flags, r.header.Cluster, r.header.Sender = flags, r.tag, r.ID
	if r.ring != nil {
		r.header.Flags |= codec.FlagSeal
		r.header.KeyID = r.box.KeyID()
	}
	return codec.AppendHeader(make([]byte, 0, codec.FrameBytesMax), &r.header)
}

// Hello is a greeting, padded to the given length if it is longer.
func (r *Rogue) Hello(padded int) []byte {
	b := r.begin(0)
	b = codec.AppendHello(b, &codec.Hello{Mode: r.Mode, Gen: r.Gen, Salt: r.Salt, Name: []byte(r.Name), Addr: r.Addr})
	if pad := padded - len(b) - r.header.TrailerBytes(); pad > codec.RecordBytes {
		b = codec.AppendPad(b, pad)
	}
	return r.endHello(b)
}

func (r *Rogue) endHello(b []byte) []byte {
	if r.ring == nil {
		return codec.AppendChecksum(b, 0)
	}
	b, err := r.box.SealHelloInPlace(b)
	if err != nil {
		panic(err)
	}
	return b
}

// Hear takes a frame of the node. An answer to the own greeting teaches cookie
// and salt; a greeting is to be answered with Answer, which is returned.
func (r *Rogue) Hear(frame []byte) (answer []byte) {
	var h codec.Header
	records, ok := r.open(frame, &h)
	if !ok {
		return nil
	}
	switch t, body, _ := codec.NextRecord(records); t {
	case codec.TypeHelloReply:
		var reply codec.HelloReply
		if codec.ParseHelloReply(body, &reply) == nil {
			r.Met, r.Cookie, r.To, r.Peer, r.PeerGen = true, reply.Cookie, h.Salt, h.Sender, reply.Gen
		}
	case codec.TypeHello:
		var hello codec.Hello
		if codec.ParseHello(body, &hello) == nil {
			return r.Answer(&hello)
		}
	}
	return nil
}

func (r *Rogue) open(frame []byte, h *codec.Header) (records []byte, ok bool) {
	if r.ring == nil {
		records, err := codec.ParseFrame(frame, h)
		return records, err == nil
	}
	b := append([]byte(nil), frame...)
	if _, err := codec.ParseHeader(b, h); err != nil || h.KeyID == 0 || h.Flags&codec.FlagHello == 0 {
		return nil, false
	}
	records, err := r.box.OpenHelloInPlace(b, h)
	return records, err == nil
}

// Answer is the answer to a greeting.
func (r *Rogue) Answer(h *codec.Hello) []byte {
	b := r.begin(0)
	b = codec.AppendHelloReply(b, &codec.HelloReply{
		Hello: codec.Hello{Mode: r.Mode, Gen: r.Gen, Salt: r.Salt, Name: []byte(r.Name), Addr: r.Addr}, Echo: h.Salt,
	})
	return r.endHello(b)
}

// Intro is the record that introduces somebody.
func (r *Rogue) Intro(name string, gen uint64, addr netip.AddrPort) []byte {
	return codec.AppendIntro(nil, &codec.Intro{ID: r.IDOf(name, gen), Gen: gen, Name: []byte(name), Addr: addr})
}

// Frame puts records into a frame that opens at the node. With first it begins
// with the cookie and the own introduction, as the first one does.
func (r *Rogue) Frame(first bool, flags codec.Flags, records ...[]byte) []byte {
	r.Seq++
	r.header.Seq = r.Seq
	flags |= codec.FlagFlow
	if first {
		flags |= codec.FlagCookie
		r.header.Cookie = r.Cookie
	}
	b := r.begin(flags)
	if first {
		b = append(b, r.Intro(r.Name, r.Gen, r.Addr)...)
	}
	for _, x := range records {
		b = append(b, x...)
	}
	if r.ring == nil {
		return codec.AppendChecksum(b, 0)
	}
	b, err := r.box.SealInPlace(b, &r.To)
	if err != nil {
		panic(err)
	}
	return b
}

// Header is what the next frame's header is made of, to lie in.
func (r *Rogue) Header() *codec.Header { return &r.header }
