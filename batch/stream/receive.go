package stream

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/quidnunc/quidnunc/batch"
)

// inBody is the answer whose body is arriving.
type inBody struct {
	open bool
	ask  *ask
	head event
	body []byte
	got  int
	sum  hash.Hash // kept from one to the next
	scr  [sha256.Size]byte
}

// take takes one thing off the front of what has arrived, and returns its size;
// 0 when it is not whole, or has to wait.
func (st *stream) take(b []byte) int {
	switch st.state {
	case strange:
		return st.takeHello(b)
	case greeted:
		return st.takeReply(b)
	}
	kind, sealed, size, err := parseRecord(b)
	switch {
	case err != nil:
		st.fail(batch.StreamBroken)
		return 0
	case st.state == confirmed && len(b) >= recordHead && kind != recOpen && !(kind == recBusy && st.opened):
		st.fail(batch.StreamStranger) // nobody's first record is another: it is not waited for
		return 0
	case size == 0:
		st.need = recordHead
		if len(b) >= recordHead {
			st.need += int(binary.LittleEndian.Uint32(b) >> 8)
		}
		return 0
	case kind == recHead && st.mustWait():
		return 0
	}
	if !st.record(kind, sealed) {
		return 0
	}
	return size
}

// record opens and handles one record. false: it ended the stream.
func (st *stream) record(kind uint8, sealed []byte) bool {
	if st.opener.number == numberMax || st.heardEnd {
		st.fail(batch.StreamBroken)
		return false
	}
	if kind >= recRaw && kind <= recZstd {
		return st.chunk(kind, sealed)
	}
	text, err := st.opener.open(sealed[:0], kind, sealed)
	if err != nil {
		st.fail(batch.StreamAltered)
		return false
	}
	ok := true
	switch kind {
	case recOpen:
		ok = st.hearOpen(text)
	case recBusy:
		st.fail(batch.StreamBusy)
		return false
	case recHead:
		ok = st.state == up && !st.in.open && st.message(text)
	case recCredit:
		ok = st.state == up && len(text) == 4 && st.credit(int(binary.LittleEndian.Uint32(text)))
	case recEnd:
		ok = st.state == up && len(text) == 0 && !st.in.open
		st.heardEnd, st.finish = true, true
	}
	if !ok {
		st.fail(batch.StreamBroken)
	}
	return ok
}

// credit lets the sender go on.
func (st *stream) credit(n int) bool {
	st.window += n
	return st.window <= st.l.s.opt.WindowBytes
}

// message begins a message.
func (st *stream) message(text []byte) bool {
	h, err := parseHead(text)
	if err != nil {
		return false
	}
	l := st.l
	e := event{kind: batch.StreamAsked, id: st.id, tag: h.tag, want: h.want}
	var a *ask
	if h.answer {
		e.kind = batch.StreamAnswered
		if a = st.asked(h.tag); a == nil || h.body > a.want {
			return false
		}
	} else if st.owed++; st.owed > batch.StreamAsksMax {
		return false
	}
	e.slot, _ = l.heads.Get() // mustWait has seen a free one
	e.size = copy(l.heads.Bytes(e.slot), h.bytes)
	switch {
	case h.body > 0:
		st.in.open, st.in.ask, st.in.head, st.in.got = true, a, e, 0
		st.in.body = l.pool.get(h.body)
		if a.check {
			if st.in.sum == nil {
				st.in.sum = sha256.New()
			}
			st.in.sum.Reset()
		}
	default:
		if a != nil {
			a.open = false
		}
		l.post(e)
	}
	return true
}

// mustWait tells whether a head has no slot: the reactor is behind.
func (st *stream) mustWait() bool {
	l := st.l
	if l.heads.Free() > 0 {
		return false
	}
	l.starved.Store(true)
	return l.heads.Free() == 0 // again: one may have come back before the store
}

func (st *stream) asked(tag uint32) *ask {
	for i := range st.asks {
		if a := &st.asks[i]; a.open && a.tag == tag {
			return a
		}
	}
	return nil
}

// expect remembers what an ask may be answered with.
func (st *stream) expect(w *order) {
	for i := range st.asks {
		if a := &st.asks[i]; !a.open {
			*a = ask{open: true, check: w.check, tag: w.head.tag, want: w.head.want, sum: w.sum}
			return
		}
	}
	panic("stream: more asks than may be open")
}

// chunk opens a part of a body straight to its place.
func (st *stream) chunk(kind uint8, sealed []byte) bool {
	in := &st.in
	if st.state != up || !in.open {
		st.fail(batch.StreamBroken)
		return false
	}
	n := min(chunkBytes, len(in.body)-in.got)
	dst := in.body[in.got : in.got+n : in.got+n]
	if kind == recRaw {
		if len(sealed) != n+st.opener.aead.Overhead() {
			st.fail(batch.StreamBroken)
			return false
		}
		if _, err := st.opener.open(dst[:0], kind, sealed); err != nil {
			st.fail(batch.StreamAltered)
			return false
		}
	} else {
		text, err := st.opener.open(sealed[:0], kind, sealed)
		if err != nil {
			st.fail(batch.StreamAltered)
			return false
		}
		if st.l.unpack.unpack(dst, kind, text) != nil {
			st.fail(batch.StreamBroken)
			return false
		}
	}
	if in.ask.check {
		in.sum.Write(dst)
	}
	in.got += n
	st.l.s.stats.receivedBytes.Add(uint64(n))
	if in.got == len(in.body) {
		st.whole()
	}
	return st.grant(n)
}

// whole hands an answer over that is complete.
func (st *stream) whole() {
	in, l := &st.in, st.l
	in.head.body = in.body
	if in.ask.check && !bytes.Equal(in.sum.Sum(in.scr[:0]), in.ask.sum[:]) {
		in.head.kind, in.head.body = batch.StreamForged, nil
		l.pool.put(in.body)
		l.s.stats.forged.Add(1)
	}
	in.ask.open, in.open = false, false
	l.post(in.head)
	in.body, in.ask, in.head = nil, nil, event{}
}

// grant gives credit back, a quarter of the other side's window at a time.
func (st *stream) grant(n int) bool {
	if st.taken += n; st.taken < st.theirs/4 {
		return true
	}
	text := binary.LittleEndian.AppendUint32(st.l.text(), uint32(st.taken))
	st.taken = 0
	st.write(recCredit, text)
	return !st.off
}
