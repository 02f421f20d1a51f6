package stream

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/batch"
)

// patientOpen is a member whose half-open streams never end by themselves.
func patientOpen(tb testing.TB, keys batch.StreamKeys) *end {
	o := Options{}
	o.times = timesDefault
	o.times.open = time.Hour
	return open(tb, o, keys)
}

// addresses gives n addresses of this host; where a system has one only, the test is skipped.
func addresses(tb testing.TB, n int) (list []string) {
	if runtime.GOOS != "linux" {
		tb.Skip("all of 127/8 is needed")
	}
	for i := range n {
		list = append(list, fmt.Sprintf("127.0.1.%d", i+1))
	}
	return list
}

// Recorded hellos, repeated: four places and no more, whatever the address, and
// no stream comes up but their author's.
func TestRepeatedHellos(t *testing.T) {
	keys := keysOf(t, 1, 1)
	e, author := patientOpen(t, keys), open(t, Options{}, keys)
	h := helloTo(e, keys, author.salt)
	var all []*raw
	for range halfOpenSalt + 3 {
		r := connect(t, e)
		r.write(h[:])
		r.read(replySize)
		all = append(all, r)
	}
	for i, r := range all[:3] { // the oldest have given way
		if _, err := io.Copy(io.Discard, r.conn); err != nil {
			t.Errorf("hello %d: %v", i, err)
		}
	}
	var st batch.StreamStats
	if e.s.Stats(&st); st.HalfOpen != halfOpenSalt || st.Accepted != 0 || st.Refused != 3 {
		t.Errorf("%d half-open, %d accepted, %d refused", st.HalfOpen, st.Accepted, st.Refused)
	}
	pair(t, author, e)
}

// Whoever holds all places, from many addresses or with hellos of many members, keeps nobody out,
// and has no more places than there are.
func TestTheDoorStaysOpen(t *testing.T) {
	keys := keysOf(t, 1, 1)
	f := func(name string, hold func(e *end, i int, from string)) {
		t.Run(name, func(t *testing.T) {
			e := patientOpen(t, keys)
			from := addresses(t, 2*halfOpenAll/halfOpenAddress)
			for i := range 2 * halfOpenAll {
				hold(e, i, from[i/halfOpenAddress])
			}
			var st batch.StreamStats
			if e.s.Stats(&st); st.HalfOpen > 2*halfOpenAll || st.Accepted != 0 {
				t.Errorf("%d half-open, %d accepted", st.HalfOpen, st.Accepted)
			}
			for range 3 { // their author, and others
				pair(t, open(t, Options{}, keys), e)
			}
		})
	}
	f("strangers of many addresses", func(e *end, _ int, from string) {
		connectFrom(t, e, from).write([]byte(magic))
	})
	f("strangers of the members' own address", func(e *end, _ int, _ string) {
		connect(t, e).write([]byte(magic))
	})
	f("hellos of many members", func(e *end, i int, from string) {
		r, h := connectFrom(t, e, from), helloTo(e, keys, [16]byte{byte(i / halfOpenSalt), 1})
		r.write(h[:])
		r.read(replySize)
	})
	f("one hello of each of many", func(e *end, i int, from string) {
		r, h := connectFrom(t, e, from), helloTo(e, keys, [16]byte{byte(i), 1})
		r.write(h[:])
		r.read(replySize)
	})
}

// A hello that comes with its connection is seen in a crowd, too: so many strangers of its address
// come with it that none of them would keep a place until its turn to be read.
func TestAHelloInACrowd(t *testing.T) {
	keys := keysOf(t, 1, 1)
	e := patientOpen(t, keys)
	held := make(chan struct{})
	if err := e.s.exec.Load().Execute(t.Context(), gnet.RunnableFunc(func(context.Context) error { <-held; return nil })); err != nil {
		t.Fatal(err)
	}
	var crowd []*raw
	for range 2 * halfOpenAddress {
		crowd = append(crowd, connect(t, e))
	}
	r, h := connect(t, e), helloTo(e, keys, [16]byte{0xaa})
	r.write(h[:])
	for range 2 * halfOpenAddress {
		crowd = append(crowd, connect(t, e))
	}
	close(held)
	r.read(replySize)
	for _, x := range crowd[:len(crowd)-halfOpenAddress] {
		x.closed()
	}
	e.turn(func(*loop) {}) // who gave way is seen to go before who comes is counted
	var st batch.StreamStats
	if e.s.Stats(&st); st.HalfOpen != halfOpenAddress+1 {
		t.Errorf("%d half-open", st.HalfOpen)
	}
}

// Of many lives that have one place each behind their hellos, the one that came first gives way: who
// has come for a round trip keeps its place for as long as all others together hold theirs.
func TestTheOldestHelloGivesWay(t *testing.T) {
	keys := keysOf(t, 1, 1)
	e := patientOpen(t, keys)
	var all []*raw
	for i := range halfOpenAll + 2 {
		r, h := connect(t, e), helloTo(e, keys, [16]byte{byte(i), 1})
		r.write(h[:])
		r.read(replySize)
		all = append(all, r)
	}
	for _, r := range all[:2] {
		r.closed()
	}
	var st batch.StreamStats
	if e.s.Stats(&st); st.HalfOpen != halfOpenAll || st.Refused != 2 {
		t.Errorf("%d half-open, %d refused", st.HalfOpen, st.Refused)
	}
}

// Three times as many members as an address has places come from it at once, as from behind one
// translator, with strangers among them: each has its stream, at its first try but where its hello comes
// late, and each is answered.
func TestManyMembersBehindOneAddress(t *testing.T) {
	each(t, func(t *testing.T, keys batch.StreamKeys) {
		const members = 3 * halfOpenAddress
		e := open(t, Options{}, keys)
		var all []*end
		for range members {
			all = append(all, open(t, Options{}, keys))
		}
		ids := make([]batch.StreamID, members)
		for i, a := range all {
			connect(t, e)
			id, err := a.s.Open(e.peer())
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = id
		}
		want := body(1<<20, 1)
		for i, a := range all {
			for tries := 1; ; tries++ { // whose hello comes late may give way to others, and comes again
				ev := a.next()
				if ev.Kind == batch.StreamUp && ev.Stream == ids[i] {
					break
				}
				id, err := a.s.Open(e.peer())
				if ev.Kind != batch.StreamDown || err != nil || tries == members {
					t.Fatalf("member %d: %+v, %v", i, ev, err)
				}
				ids[i] = id
			}
			a.send(ids[i], &batch.StreamMessage{Tag: uint32(i), Want: len(want)})
		}
		for asked := 0; asked < members; {
			switch ev := e.next(); ev.Kind {
			case batch.StreamAsked:
				e.send(ev.Stream, &batch.StreamMessage{Answer: true, Tag: ev.Tag, Body: want})
				e.s.Release(&ev)
				asked++
			case batch.StreamUp, batch.StreamSent, batch.StreamDown:
			default:
				t.Fatalf("%+v", ev)
			}
		}
		for i, a := range all {
			ev := a.want(batch.StreamAnswered)
			if ev.Tag != uint32(i) || len(ev.Body) != len(want) {
				t.Errorf("member %d: answered %d with %d bytes", i, ev.Tag, len(ev.Body))
			}
			a.s.Release(&ev)
		}
	})
}
