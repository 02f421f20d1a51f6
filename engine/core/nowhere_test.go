package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/sched"
)

// TestNowhereIsNeverDialled: whatever a member says of itself, of others, of members that there are not and of
// who has our name: no frame of the others goes where no member can be, and none tells of it.
func TestNowhereIsNeverDialled(t *testing.T) {
	for _, text := range []string{
		"224.0.0.1:7946", "239.1.2.3:7946", "255.255.255.255:7946", "0.0.0.0:7946", "0.1.2.3:7946", "10.0.0.1:0",
		"[ff02::1]:7946", "[ff0e::1]:7946", "[::]:7946", "[2001:db8::1]:0",
	} {
		addr := netip.MustParseAddrPort(text)
		const honest = 3
		w := newNet(t, honest+1, 7, func(i int, c *Config) {
			if i == honest {
				c.Advertise = addr // of itself, in its greetings
			}
		})
		liar := w.nodes[honest]
		delete(w.at, addr)
		liar.addr = addrOf(honest)
		w.at[liar.addr] = liar
		dialled, told, right, said := 0, 0, 0, 0
		w.carried = func(from *node, to netip.AddrPort, b []byte) {
			if from == liar {
				return
			}
			if !codec.Dialable(to) {
				dialled++
			}
			if body, ok := recordOf(t, b, codec.TypeIntro); ok {
				var in codec.Intro
				if err := codec.ParseIntro(body, &in); err != nil {
					t.Fatal(err)
				}
				if right++; in.Addr == addr {
					told++
				}
			}
		}
		w.joinAll()
		w.converge(5 * sched.Second)
		intro := func(name string, gen uint64) {
			id := codec.MakeOriginID(liar.core.me.Key, []byte(name), gen)
			for to := range honest {
				if liar.core.roster.Find(w.nodes[to].core.me.ID) == 0 {
					continue // it has another generation since a moment ago
				}
				said++
				w.say(honest, to, codec.TypeIntro, codec.AppendIntro(nil, &codec.Intro{ID: id, Gen: gen, Name: []byte(name), Addr: addr})[codec.RecordBytes:])
			}
		}
		liar.version++
		op := Op{Kind: Set, Version: liar.version, Key: declare.AddrKey, Value: declare.AppendAddr(nil, addr)}
		if st := liar.core.Write(w.now, &op); st != Written {
			t.Fatalf("write: %d", st)
		}
		w.pump(liar)
		for round := range 10 {
			intro(fmt.Sprint("ghost-", round), 1) // whom nobody met
			for i := range honest {
				intro(fmt.Sprint("node-", i), 1)               // elsewhere
				intro(fmt.Sprint("node-", i), 2+uint64(round)) // another of the name, of the receiver's own, too
			}
			w.run(500 * sched.Millisecond)
		}
		w.nodes[2].down = true // now it is looked for
		w.run(5 * sched.Second)
		for i := range honest - 1 {
			intro("node-2", 1)
			for p := 1; p < len(w.nodes[i].core.peers); p++ {
				if at := w.nodes[i].core.peers[p].at; at.Known() == addr {
					t.Errorf("%s: node %d tells others so", text, i)
				}
			}
		}
		w.run(5 * sched.Second)
		if dialled+told > 0 || right == 0 || said < 100 {
			t.Errorf("%s, said %d times: %d frames go there, %d of %d introductions tell of it", text, said, dialled, told, right)
		}
	}
}
