package stream

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"

	"github.com/quidnunc/quidnunc/batch"
)

const (
	halfOpenAll     = 64 // streams that are not up, accepted here, before a hello is right; as many behind it
	halfOpenAddress = 4  // before a hello is right, from one address
	halfOpenSalt    = 4  // behind a right hello, of one life of one member
	upSalt          = 4  // streams that are up, of one life of one member
)

// door counts streams that are not up yet. Before a hello is right a stream
// counts for its address, which costs nothing to compare; behind a right hello
// it counts for the salt in it: many members may share an address, and whoever
// repeats a hello that they recorded shares four places with its author.
//
// Where all places are taken the stream gives way that has had one for longest: of strangers one of
// the same address, or else any, of those with a right hello one of the lives that have most. So
// nobody keeps others out by holding places, from whatever addresses, their own too, and with
// whatever hellos: a hello comes right behind its connection, and then a member needs its place
// for one round trip.
type door struct {
	half    int // before a hello is right
	shown   int // behind it
	address map[netip.Addr]int
	salt    map[[batch.StreamSaltSize]byte]int
	in      int // streams that are up, accepted here
	leaving int // of those that gave their place away, and are not gone
}

// place is what a stream holds at the door.
type place uint8

const (
	placeNone place = iota
	placeAddress
	placeSalt
	placeUp
	placeLeaving
)

func (d *door) init() {
	d.address = make(map[netip.Addr]int, halfOpenAll)
	d.salt = make(map[[batch.StreamSaltSize]byte]int, halfOpenAll)
}

// enter gives a new stream a place: behind the door at once where its hello has arrived with it, for
// whoever is behind a crowd there may be gone when it is read in its turn.
func (d *door) enter(st *stream) {
	if peek(st.c.Fd(), st.hello[:]) == helloSize && st.known() {
		d.advance(st)
		return
	}
	switch {
	case d.address[st.ip] == halfOpenAddress:
		d.giveWay(st.l, func(x *stream) bool { return x.place == placeAddress && x.ip == st.ip })
	case d.half == halfOpenAll:
		d.giveWay(st.l, func(x *stream) bool { return x.place == placeAddress })
	}
	d.half++
	d.address[st.ip]++
	st.place = placeAddress
	d.count(st)
}

// advance moves a stream whose hello is right from its address to its salt.
func (d *door) advance(st *stream) {
	d.leave(st)
	switch {
	case d.salt[st.peer.Salt] == halfOpenSalt:
		d.giveWay(st.l, func(x *stream) bool { return x.place == placeSalt && x.peer.Salt == st.peer.Salt })
	case d.shown == halfOpenAll:
		most := 0
		for _, has := range d.salt {
			most = max(most, has)
		}
		d.giveWay(st.l, func(x *stream) bool { return x.place == placeSalt && d.salt[x.peer.Salt] == most })
	}
	d.shown++
	d.salt[st.peer.Salt]++
	st.place = placeSalt
	d.count(st)
}

// giveWay ends the one of some streams that is here for longest.
func (d *door) giveWay(l *loop, of func(*stream) bool) {
	var oldest *stream
	for st := l.first; st != nil; st = st.next { // the newest first
		if of(st) {
			oldest = st
		}
	}
	l.s.stats.refused.Add(1)
	l.close(oldest, batch.StreamBusy)
}

// pass lets a stream in that is up.
func (d *door) pass(st *stream) {
	d.leave(st)
	d.in++
	st.place = placeUp
}

// leave takes a stream out of its count.
func (d *door) leave(st *stream) {
	switch st.place {
	case placeAddress:
		d.half--
		if d.address[st.ip]--; d.address[st.ip] <= 0 {
			delete(d.address, st.ip)
		}
	case placeSalt:
		d.shown--
		if d.salt[st.peer.Salt]--; d.salt[st.peer.Salt] <= 0 {
			delete(d.salt, st.peer.Salt)
		}
	case placeUp:
		d.in--
	case placeLeaving:
		d.leaving--
	}
	st.place = placeNone
	d.count(st)
}

// count tells Stats.
func (d *door) count(st *stream) { st.l.s.stats.half.Store(int64(d.half + d.shown)) }

// room tells whether one more stream of a member may come up. Where there are as many as there
// may be, of it or of all, the one that was idle for longest gives its place away; none that has
// something to do.
func (d *door) room(l *loop, salt *[batch.StreamSaltSize]byte) bool {
	of, idle, idleOf := 0, (*stream)(nil), (*stream)(nil)
	for st := l.first; st != nil; st = st.next {
		if st.place != placeUp {
			continue
		}
		same := st.peer.Salt == *salt
		if same {
			of++
		}
		if st.due() || st.finish {
			continue
		}
		if idle == nil || st.moved.Before(idle.moved) {
			idle = st
		}
		if same && (idleOf == nil || st.moved.Before(idleOf.moved)) {
			idleOf = st
		}
	}
	if of >= upSalt {
		return d.dismiss(idleOf)
	}
	return d.in < l.s.opt.StreamsIn || d.dismiss(idle)
}

// dismiss ends an idle stream for another. Its end is said; it may take a moment.
func (d *door) dismiss(st *stream) bool {
	if st == nil || d.leaving == halfOpenAll {
		return false
	}
	d.in--
	d.leaving++
	st.place, st.finish = placeLeaving, true
	st.pump()
	return true
}

// known judges the hello of a stream that was accepted. All that it does for a stranger is to
// compare, and one hash.
func (st *stream) known() bool {
	h, s := &st.hello, &st.l.s.setup
	if !h.known() || h.cluster() != s.Cluster || h.peerSalt() != s.Salt || h.ownSalt() == s.Salt || !marked(st.l.s.cipherKeys(), h) {
		return false
	}
	st.keyID, st.peer.Salt = h.keyID(), h.ownSalt()
	st.peer.Addr = netip.AddrPortFrom(st.ip, 0)
	return true
}

// takeHello takes the first bytes of a stream that was accepted.
func (st *stream) takeHello(b []byte) int {
	if len(b) < helloSize {
		return 0
	}
	l := st.l
	if st.place == placeAddress { // else it was seen when the stream came
		if copy(st.hello[:], b); !st.known() {
			st.fail(batch.StreamStranger)
			return 0
		}
		l.door.advance(st)
	}
	var nonce [nonceSize]byte
	rand.Read(nonce[:])
	r := makeReply(&nonce)
	if !st.cipher(l.s.cipherKeys(), &r) {
		return 0
	}
	st.state = confirmed
	if _, err := st.c.Write(r[:]); err != nil || st.off {
		return 0
	}
	if !l.door.room(l, &st.peer.Salt) {
		l.s.stats.refused.Add(1)
		st.write(recBusy, nil)
		st.fail(batch.StreamBusy)
		return 0
	}
	st.sayOpen()
	return helloSize
}

// marked tells whether a hello is from a holder of its key; in a cluster without
// keys, whether it claims none.
func marked(keys batch.StreamKeys, h *hello) bool {
	if keys == nil {
		return h.keyID() == 0 && [16]byte(h[markAt:]) == [16]byte{}
	}
	mark, held := keys.Mark(h.keyID(), h.marked())
	var differ byte
	for i, v := range h[markAt:] {
		differ |= v ^ mark[i]
	}
	return held && differ == 0
}

// takeReply takes the acceptor's part of the handshake.
func (st *stream) takeReply(b []byte) int {
	if len(b) < replySize {
		return 0
	}
	r := reply(b[:replySize])
	if !r.known() || !st.cipher(st.l.s.cipherKeys(), &r) {
		st.fail(batch.StreamStranger)
		return 0
	}
	st.state = confirmed
	return replySize
}

// cipher sets the stream's ciphers up.
func (st *stream) cipher(keys batch.StreamKeys, r *reply) bool {
	if st.keyID == 0 {
		st.sealer.aead, st.opener.aead = plain{}, plain{}
		return true
	}
	if keys == nil {
		st.fail(batch.StreamRotated)
		return false
	}
	opener, acceptor, err := keys.Ciphers(st.keyID, transcript(&st.hello, r))
	if err != nil {
		st.fail(batch.StreamRotated)
		return false
	}
	if st.sealer.aead, st.opener.aead = acceptor, opener; st.opened {
		st.sealer.aead, st.opener.aead = opener, acceptor
	}
	return true
}

// sayOpen proves that this side has the key, and says how much it sends without credit.
func (st *stream) sayOpen() {
	st.write(recOpen, binary.LittleEndian.AppendUint32(st.l.text(), uint32(st.l.s.opt.WindowBytes)))
}

// hearOpen takes what the other side sends without credit.
func (st *stream) hearOpen(text []byte) bool {
	if len(text) != openBytes || st.state == up {
		return false
	}
	st.theirs = int(binary.LittleEndian.Uint32(text))
	if st.theirs < windowLeast || st.theirs > windowMost {
		return false
	}
	st.rise()
	return true
}

// rise makes a stream up whose first record has opened.
func (st *stream) rise() {
	l := st.l
	if st.opened {
		st.sayOpen()
		l.s.stats.opened.Add(1)
	} else {
		l.door.pass(st)
		if l.lastID += 2; l.lastID == 0 || l.streams[l.lastID] != nil {
			l.lastID += 2
		}
		st.id = l.lastID
		l.streams[st.id] = st
		l.s.stats.accepted.Add(1)
	}
	if st.off || st.caused {
		return
	}
	st.state = up
	l.s.stats.up.Add(1)
	l.post(event{kind: batch.StreamUp, id: st.id, opened: st.opened, peer: st.peer})
}
