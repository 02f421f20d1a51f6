package core

import (
	"encoding/binary"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// keyRun is the body of a run of id that brings versions 1 and 2: an entry of a key of one byte or
// none, and a zone, both without a value.
func keyRun(id codec.OriginID, key string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(id))
	b = append(b, 4<<1|1) // from 0, and all that there is
	b = append(b, 1, byte(len(key))<<4)
	b = append(append(b, key...), 1)
	return append(b, 1, 0x50, 0, 'z', 'o', 'n', 'e', 1) // a reserved one
}

// TestEmptyKeysStayOutside: an entry without a key beside a reserved one ends nobody, whatever
// their order, neither who is there nor who joins later; the run is dropped and counted, and
// nothing of it is kept or passed on.
func TestEmptyKeysStayOutside(t *testing.T) {
	w := newNet(t, 3, 3, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	victim, liar := w.nodes[0], w.nodes[1]
	before, print := victim.core.counters.Drops[DropRecord], victim.core.Fingerprint()
	if err := codec.ParseRun(keyRun(liar.core.me.ID, "k"), new(codec.Run)); err != nil {
		t.Fatal("but for its key the run is sound:", err)
	}
	w.inject(victim, liar, record(codec.TypeRun, keyRun(liar.core.me.ID, "")))
	w.run(2 * sched.Second)
	if got := victim.core.counters.Drops[DropRecord] - before; got != 1 {
		t.Errorf("%d runs dropped as malformed, want 1", got)
	}
	if victim.core.Fingerprint() != print {
		t.Error("something of the run was kept")
	}
	w.start(3, 1, nil)
	w.nodes[3].core.Join(w.now, addrOf(0))
	w.pump(w.nodes[3])
	w.converge(5 * sched.Second)
	d := w.nodes[2]
	d.version++
	if st := d.core.Write(w.now, &Op{Kind: Set, Version: d.version}); st != Disorder {
		t.Error("a write without a key:", st)
	}
}
