package gaps

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// earlyMax is how many runs wait at most: those of a busy path that varies by a round
// trip. A run that finds no place has to be sent again.
const earlyMax = 64

// EarlyBytes is what a full Early takes, about.
const EarlyBytes = earlyMax * (codec.FrameBytesMax + 48)

// Early keeps runs that came before the one that they follow, as happens on paths that
// change the order of frames, until that one is there. The oldest gives way. Its memory
// is asked for as it is needed; the zero value is empty.
type Early struct {
	heads [earlyMax]earlyHead
	texts [earlyMax]*[codec.FrameBytesMax]byte
	next  int
	n     int // runs that wait
}

type earlyHead struct {
	id       codec.OriginID // 0: free
	by       codec.OriginID
	from, to uint64
	bytes    int
	at       sched.Instant // when it was said
}

// Keep copies the body of a run of an origin from another one's frame, and when that was
// sent. One that is there already, or is longer than a frame, is not kept.
func (h *Early) Keep(r *codec.Run, by codec.OriginID, body []byte, at sched.Instant) {
	for i := range h.heads {
		if x := &h.heads[i]; x.id == r.ID && x.from == r.From && x.to >= r.To {
			return
		}
	}
	if len(body) > codec.FrameBytesMax {
		return
	}
	x, text := &h.heads[h.next], &h.texts[h.next]
	if *text == nil {
		*text = new([codec.FrameBytesMax]byte)
	}
	if x.id == 0 {
		h.n++
	}
	*x = earlyHead{r.ID, by, r.From, r.To, copy((*text)[:], body), at}
	h.next = (h.next + 1) % earlyMax
}

// Any tells whether a run waits.
func (h *Early) Any() bool { return h.n != 0 }

// Take gives the body of a run that follows an origin's version, and who sent it when; nil
// if there is none. The bytes are borrowed until the next Keep. What the version makes
// useless is dropped.
func (h *Early) Take(id codec.OriginID, version uint64) (body []byte, by codec.OriginID, at sched.Instant) {
	for i := range h.heads {
		x := &h.heads[i]
		if x.id != id || x.from > version {
			continue
		}
		useful := x.to > version
		body, by, at = h.texts[i][:x.bytes], x.by, x.at
		*x = earlyHead{}
		h.n--
		if useful {
			return body, by, at
		}
	}
	return nil, 0, 0
}
