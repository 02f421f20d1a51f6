package door

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// library knows one origin.
type library struct{ intro codec.Intro }

func (l *library) Intro(o state.Origin, in *codec.Intro) {
	if *in = l.intro; o != 1 {
		in.Name = nil
	}
}

type desk struct {
	Door
	sender Sender
	busy   uint64
	header codec.Header
}

var elsewhere = netip.MustParseAddrPort("10.0.0.2:7946")

func newDesk() *desk {
	d := new(desk)
	d.Init(0, &Config{Key: [2]uint64{1, 2}, Introduced: 2, Busy: &d.busy})
	d.header = codec.Header{Cluster: 7, Sender: 9}
	d.sender = Sender{
		Header: &d.header, Hello: codec.Hello{Mode: 1, Gen: 5, Name: []byte("me")}, Salt: [16]byte{3},
		Book: &library{codec.Intro{ID: 4, Gen: 6, Name: []byte("me"), Addr: elsewhere}},
	}
	d.Measure(0, &d.sender)
	return d
}

// records parses a frame that Append made, with its checksum.
func (d *desk) records(t *testing.T, r *Reply) (frame, records []byte) {
	t.Helper()
	frame = codec.AppendChecksum(d.Append(make([]byte, 0, codec.FrameBytesMax), sched.Second, &d.sender, r), 0)
	var h codec.Header
	rest, err := codec.ParseHeader(frame, &h)
	if err == nil {
		records, err = codec.ParseUnsealed(frame, rest, &h)
	}
	if err != nil {
		t.Fatal(err)
	}
	return frame, records
}

// A greeting is as long as its answer may be, unless it is bare; padded ones to one
// address have a gap between them.
func TestGreetingsArePadded(t *testing.T) {
	d := newDesk()
	frame, records := d.records(t, &Reply{Kind: codec.TypeHello, To: elsewhere, Flags: codec.HelloBack})
	var h codec.Hello
	if kind, body, _ := codec.NextRecord(records); kind != codec.TypeHello || codec.ParseHello(body, &h) != nil {
		t.Fatal("no greeting")
	}
	if here, _ := d.Answers(sched.Second, elsewhere, &h.Salt); len(frame) != PaddedBytes || h.Flags != codec.HelloBack || !here {
		t.Errorf("%d bytes, %+v", len(frame), h)
	}
	if b := d.Append(nil, sched.Second, &d.sender, &Reply{Kind: codec.TypeHello, To: elsewhere}); len(b) != 0 {
		t.Error("the next one may go at once")
	}
	if frame, _ = d.records(t, &Reply{Kind: codec.TypeHello, To: elsewhere, Bare: true}); len(frame) != d.bare {
		t.Errorf("a bare greeting has %d bytes, measured %d", len(frame), d.bare)
	}
}

// An answer is no longer than it may be: what does not fit beside it is left out, and
// what does not fit at all is not said, and counted.
func TestAnswersFitTheirRoom(t *testing.T) {
	d := newDesk()
	r := Reply{Kind: codec.TypeHelloReply, To: elsewhere, Room: PaddedBytes, Known: 6, Named: 1, Echo: [16]byte{8}}
	whole, records := d.records(t, &r)
	var h codec.HelloReply
	kind, body, rest := codec.NextRecord(records)
	if kind != codec.TypeHelloReply || codec.ParseHelloReply(body, &h) != nil || h.Echo != r.Echo || h.KnownGen != 6 || h.Salt != d.sender.Salt {
		t.Fatalf("%v %+v", kind, h)
	}
	if !d.Shows(sched.Second, elsewhere, &r.Boot, &h.Cookie) {
		t.Error("the cookie is not one of ours")
	}
	if kind, _, _ = codec.NextRecord(rest); kind != codec.TypeIntro {
		t.Error("who bears the name is not introduced")
	}
	r.Room = len(whole) - 1
	alone, records := d.records(t, &r)
	if _, _, rest = codec.NextRecord(records); len(rest) != 0 || len(alone) > r.Room {
		t.Errorf("%d bytes in a room of %d", len(alone), r.Room)
	}
	r.Room = len(alone) - 1
	if b := d.Append(nil, sched.Second, &d.sender, &r); len(b) != 0 || d.busy != 1 {
		t.Errorf("%d bytes in a room of %d; %d counted", len(b), r.Room, d.busy)
	}
	r.Room, r.Named = PaddedBytes, 2
	if _, records = d.records(t, &r); len(records) != len(alone)-d.header.Bytes()-d.header.TrailerBytes() {
		t.Error("somebody who is not known any more is introduced")
	}
}

// What members introduce has a rate.
func TestIntroductionsHaveARate(t *testing.T) {
	d := newDesk()
	n := 0
	for now := sched.Instant(0); now < 10*sched.Second; now += 10 * sched.Millisecond {
		if d.Introduced(now) {
			n++
		}
	}
	if n < 20 || n > 24 {
		t.Errorf("%d introductions in 10 s at 2 a second and 4 at once", n)
	}
}

// TestFewMeetingsAreFollowedByALook: with however many members a node meets in a second, with few of them it
// looks for what differs at once; all of a small cluster are among them.
func TestFewMeetingsAreFollowedByALook(t *testing.T) {
	var d Door
	now := sched.Instant(sched.Second)
	d.Init(now, &Config{Busy: new(uint64)})
	looks := func(meetings int, over sched.Instant) (n int) {
		for range meetings {
			if d.Meets(now) {
				n++
			}
			now += over / sched.Instant(meetings)
		}
		return n
	}
	if n := looks(meetBurst, 0); n != meetBurst {
		t.Errorf("%d looks of %d meetings", n, meetBurst)
	}
	if n := looks(1000, 0); n != 0 {
		t.Errorf("%d looks more", n)
	}
	if n := looks(10_000, 10*sched.Second); n < 9*meetRate || n > 11*meetRate {
		t.Errorf("%d looks in 10 s, want about %d", n, 10*meetRate)
	}
}
