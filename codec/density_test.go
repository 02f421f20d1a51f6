package codec

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/bench/density"
)

// tally is what went into frames.
type tally struct {
	frames, deltas   int
	value, key, head int // bytes of entries: values with their lengths, keys or numbers, versions with their flags
	plain            int // bytes of the same in the layout of chitchat: whole node names, lengths of 2 bytes and more
}

// TestDensity states how many deltas a frame of the default size carries: bursts of 1 to 6 writes
// from random nodes of 300, in the usual header; with keys front-coded, and by reference when all
// of them are announced.
func TestDensity(t *testing.T) {
	f := func(name string, set density.Set, least, leastByRef int) {
		t.Helper()
		for _, numbers := range []map[string]uint32{nil, {}} {
			how, least := "front-coded", least
			if numbers != nil {
				how, least = "by reference", leastByRef
			}
			rng, d := rand.New(rand.NewPCG(1, 2)), tally{}
			for range 200 {
				d.fillFrame(t, rng, set, numbers)
			}
			n, each := float64(d.deltas), d.deltas/d.frames
			all := float64(d.frames*(FrameBytesDefault-HeaderBytes(FlagFlow|FlagPrints)-ChecksumBytes)) / n
			entry := float64(d.value+d.key+d.head) / n
			t.Logf("%-17s %-12s %3d deltas a frame of %.1f bytes: value %.1f, key %.1f, version %.1f, run %.1f; chitchat %.0f a frame",
				name, how, each, all, float64(d.value)/n, float64(d.key)/n, float64(d.head)/n, all-entry,
				n*FrameBytesDefault/float64(d.plain))
			if each < least {
				t.Errorf("%s %s: %d deltas a frame, not %d", name, how, each, least)
			}
		}
	}
	f("service discovery", density.Service, 28, 87)
	f("metrics", density.Metric, 58, 102)
	f("flags", density.Flag, 44, 136)
}

// numberOf is the number under which a node announced a key: in the order in which its keys first
// appeared.
func numberOf(numbers map[string]uint32, node int, key string) uint32 {
	of := fmt.Sprint(node)
	n, ok := numbers[of+" "+key]
	if !ok {
		n = numbers[of]
		numbers[of+" "+key], numbers[of] = n, n+1
	}
	return n
}

// fillFrame fills one frame; with numbers all keys go by reference.
func (d *tally) fillFrame(t *testing.T, rng *rand.Rand, set density.Set, numbers map[string]uint32) {
	h := Header{Flags: FlagFlow | FlagPrints, Sender: 1}
	dst := AppendHeader(nil, &h)
	var w RunWriter
	limit := FrameBytesDefault - ChecksumBytes
	for full := false; !full; {
		node := rng.IntN(300)
		from := uint64(rng.IntN(1 << 16))
		e := Entry{Version: from}
		if !w.Begin(dst, limit, RunHead{ID: OriginID(rng.Uint64() | 1), From: from}) {
			break
		}
		d.plain += len(fmt.Sprintf("ip-10-28-0-%d.eu-west-1.prod", node%256)) + 2 + 8 + 7 + 8
		for range 1 + rng.IntN(6) {
			key, value := set(rng, node)
			e = Entry{Version: e.Version + 1, Key: []byte(key), Value: []byte(value)}
			if numbers != nil {
				e.Key, e.Flags, e.Ref = nil, EntryByRef, numberOf(numbers, node, key)
			}
			before := w.Len()
			if full = !w.Entry(&e); full {
				break
			}
			head, val := uvarintBytes(0), uvarintBytes(uint64(len(value)))+len(value)
			d.deltas++
			d.head += head
			d.value += val
			d.key += w.Len() - before - head - val
			d.plain += 2 + len(key) + 2 + len(value) + 8 + 1
		}
		dst = w.End(w.Last())
	}
	d.frames++
	frame := AppendChecksum(dst, 0)
	if _, err := ParseFrame(frame, &h); err != nil || len(frame) > FrameBytesDefault {
		t.Fatalf("%d bytes: %v", len(frame), err)
	}
}
