package door

import (
	"bytes"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/sched"
)

// script reads an input as steps.
type script struct{ b []byte }

func (s *script) byte() int {
	if len(s.b) == 0 {
		return 0
	}
	v := s.b[0]
	s.b = s.b[1:]
	return int(v)
}

func (s *script) bytes(n int) []byte {
	n = min(n, len(s.b))
	v := s.b[:n]
	s.b = s.b[n:]
	return v
}

const stepsMax = 200

// The steps.
const (
	deliver = iota
	drop
	twice
	damage
	cut
	raw
	replay
	write
	wait
	say
	greet
	keys
	reseal
	join
	stepKinds
)

func play(t *testing.T, sealed bool, input []byte) {
	d, s := newDuel(t, sealed), &script{input}
	keysTurned := false
	for range stepsMax {
		if len(s.b) == 0 {
			break
		}
		step := s.byte() % stepKinds
		keysTurned = keysTurned || sealed && step == keys
		d.step(step, s)
		d.check()
	}
	if !d.lied && !keysTurned {
		d.together()
		d.check()
	}
}

func (d *duel) step(step int, s *script) {
	switch step {
	case deliver, drop, twice, damage, cut:
		if f, ok := d.next(); ok {
			d.onFlight(step, f, s)
		}
	case raw:
		from, to := addr(s.byte()%others), s.byte()%2
		d.receive(flight{from, to, s.bytes(s.byte() * 4)})
	case replay:
		if k := s.byte(); len(d.past) > 0 {
			f := d.past[k%len(d.past)]
			switch s.byte() % 3 {
			case 1:
				f.to = 1 - f.to
			case 2:
				f.from = addr(3 + k%3)
			}
			d.receive(f)
		}
	case write:
		d.write(s.byte()%2, string(rune('a'+s.byte()%8)), string(s.bytes(s.byte()%40)))
	case wait:
		d.advance(sched.Instant(s.byte()+1) * sched.Millisecond * 4)
	case say:
		d.speak(s)
	case greet:
		d.receive(flight{addr(falseAt), s.byte() % 2, d.spy.Hello(s.byte() * 4)})
	case keys:
		d.turn(s)
	case reseal:
		if c := &d.nodes[s.byte()%2]; c.Parts().Keys != nil {
			var salt [codec.SaltBytes]byte
			salt[0], salt[1], salt[2] = byte(d.now), byte(d.now>>20), byte(d.now>>28)
			_ = c.Reseal(d.now, salt) // it may have been used: then nothing changes
		}
	case join:
		d.nodes[s.byte()%2].Join(d.now, addr(s.byte()%2))
	}
}

func (d *duel) onFlight(step int, f flight, s *script) {
	switch step {
	case drop:
		return
	case twice:
		d.receive(f)
	case cut:
		f.data = f.data[:s.byte()*len(f.data)/256]
	case damage:
		f.data = bytes.Clone(f.data)
		for range 1 + s.byte()%4 {
			f.data[(s.byte()<<8|s.byte())%len(f.data)] ^= byte(1 << (s.byte() % 8))
		}
		if s.byte()%2 == 1 && !d.sealed && len(f.data) > codec.ChecksumBytes { // behind a correct checksum: nobody can tell
			f.data = codec.AppendChecksum(f.data[:len(f.data)-codec.ChecksumBytes], 0)
			d.lied = true
		}
	}
	d.receive(f)
}

// speak lets the false member say records that the input makes up, inside a
// frame that opens where it has been let in.
func (d *duel) speak(s *script) {
	d.lied = true
	how := s.byte()
	flags := codec.Flags(0)
	if how&2 != 0 {
		flags |= codec.FlagPrints
	}
	h := d.spy.Header()
	h.StatePrint, h.LivePrint, h.Ack, h.Mark = uint64(how), uint64(how), uint32(how), codec.Mark(how>>2)
	var records [][]byte
	room := 900
	for range 1 + s.byte()%4 {
		body := d.aimed(s.bytes(min(s.byte()*3, room)))
		room -= len(body) + codec.RecordBytes
		if room < 0 {
			break
		}
		records = append(records, codec.AppendRecord(nil, codec.Type(1+s.byte()%24), body))
	}
	d.receive(flight{addr(falseAt), how >> 7, d.spy.Frame(how&1 != 0, flags, records...)})
}

// aimed writes an identifier that exists at the start of a body, if it asks for
// one: no fuzzer would guess it.
func (d *duel) aimed(body []byte) []byte {
	if len(body) < 9 || body[0] >= 8 {
		return body
	}
	body = bytes.Clone(body)
	id := uint64(d.nodes[body[0]%2].Parts().Self.ID)
	if body[0]&4 != 0 {
		id = uint64(d.spy.ID)
	}
	at := 0
	if body[0]&2 != 0 {
		at = 1 // behind flags
	}
	for i := range 8 {
		body[at+i] = byte(id >> (8 * i))
	}
	return body
}

func (d *duel) turn(s *script) {
	c, what := &d.nodes[s.byte()%2], s.byte()
	if c.Parts().Keys == nil {
		return
	}
	var err error
	switch what % 4 {
	case 0:
		err = c.TurnKeys(d.now, func(k *protect.Sealed) error { return k.Add(2, []byte(twoSecret)) })
	case 1:
		err = c.TurnKeys(d.now, func(k *protect.Sealed) error { return k.Use(uint8(1 + what/4%2)) })
	case 2:
		err = c.TurnKeys(d.now, func(k *protect.Sealed) error { return k.Remove(uint8(1 + what/4%2)) })
	case 3:
		err = c.TurnKeys(d.now, func(k *protect.Sealed) error { return k.Add(1, []byte(oneSecret)) })
	}
	_ = err // a mistake changes nothing, and that is what is looked at
}

func seeds(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{deliver, deliver, write, 0, 1, 2, 'x', 'y', wait, 50, deliver, twice, damage, 1, 0, 30, 3, 0, cut, 100})
	f.Add([]byte{greet, 0, 128, greet, 1, 128, wait, 1, say, 3, 0, 1, 0, wait, 10, say, 2, 0, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 5})
	f.Add([]byte{keys, 0, 0, keys, 1, 0, wait, 20, keys, 0, 5, keys, 1, 5, wait, 20, keys, 0, 2, keys, 1, 2, write, 0, 0, 1, 'z'})
	f.Add([]byte{replay, 0, 0, replay, 1, 1, replay, 2, 2, reseal, 0, wait, 30, reseal, 1, wait, 30, raw, 4, 0, 9, 'Q', 1, 3, 0})
	f.Add(bytes.Repeat([]byte{write, 0, 1, 3, 'a', 'b', 'c', drop, wait, 9}, 15))
}

func FuzzSealed(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, input []byte) { play(t, true, input) })
}

func FuzzClear(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, input []byte) { play(t, false, input) })
}

// FuzzOpen gives raw bytes to the door of a sealed node: nothing but what was
// sealed for it opens.
func FuzzOpen(f *testing.F) {
	d := newDuel(&testing.T{}, true)
	for _, x := range d.past {
		f.Add(x.data, 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, from int) {
		c := &d.nodes[0]
		for _, x := range d.past {
			if bytes.Equal(b, x.data) {
				return
			}
		}
		before, held := *c.Counters(), c.Parts().Store.Fingerprint()
		c.Receive(d.now, addr(from&3), bytes.Clone(b))
		after := c.Counters()
		dropped := uint64(0)
		for i := range after.Drops {
			dropped += after.Drops[i] - before.Drops[i]
		}
		if dropped != 1 || c.Parts().Store.Fingerprint() != held || after.EntriesNew != before.EntriesNew {
			t.Fatalf("%d drops for one forged datagram", dropped)
		}
	})
}
