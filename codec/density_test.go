package codec

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// keySet makes one write of an origin.
type keySet func(rng *rand.Rand, node int) (key, value string)

func serviceSet(rng *rand.Rand, node int) (key, value string) {
	services := []string{"payments-api", "checkout", "catalog-search", "session-store", "edge-proxy", "ledger"}
	fields := []string{"addr", "port", "weight", "status", "version"}
	s, f := services[rng.IntN(len(services))], rng.IntN(len(fields))
	key = fmt.Sprintf("service/%s/instance/%d/%s", s, node*4+rng.IntN(4), fields[f])
	values := []string{fmt.Sprintf("10.28.%d.%d", node/256, node%256), "8443", "100", "passing", "v2.14.3-7f3a9c1"}
	return key, values[f]
}

func metricSet(rng *rand.Rand, _ int) (key, value string) {
	names := []string{"cpu.load1", "cpu.load5", "mem.used", "mem.cached", "net.rx", "net.tx", "disk.io", "gc.pause.p99", "queue.depth"}
	return "node." + names[rng.IntN(len(names))], fmt.Sprintf("%.3f", rng.Float64()*100)
}

func flagSet(rng *rand.Rand, _ int) (key, value string) {
	names := []string{"new-cart", "fast-path", "dark-mode", "retry-budget", "beta-search", "shadow-writes"}
	teams := []string{"checkout", "search", "identity", "platform"}
	values := []string{"on", "off", "25%"}
	return "flags/" + teams[rng.IntN(len(teams))] + "/" + names[rng.IntN(len(names))], values[rng.IntN(len(values))]
}

// TestDensity states how many deltas a frame of the default size carries: bursts of 1 to 6 writes from random nodes of
// 300, in the usual header. Beside it what the layout of chitchat, whole node names and lengths of 2 bytes and more,
// would carry of the same.
func TestDensity(t *testing.T) {
	f := func(name string, set keySet, least int) {
		t.Helper()
		rng := rand.New(rand.NewPCG(1, 2))
		const frames = 200
		deltas, chitchat := 0, 0.0
		for range frames {
			d, plain := fillFrame(t, rng, set)
			deltas += d
			chitchat += float64(d) * FrameBytesDefault / float64(plain)
		}
		t.Logf("%-18s %3d deltas a frame, %.1f bytes each; whole names and lengths: %.0f",
			name, deltas/frames, FrameBytesDefault*frames/float64(deltas), chitchat/frames)
		if deltas/frames < least {
			t.Errorf("%s: %d deltas a frame, not %d", name, deltas/frames, least)
		}
	}
	f("service discovery", serviceSet, 27)
	f("metrics", metricSet, 57)
	f("flags", flagSet, 42)
}

func fillFrame(t *testing.T, rng *rand.Rand, set keySet) (deltas, plainBytes int) {
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
		plainBytes += len(fmt.Sprintf("ip-10-28-0-%d.eu-west-1.prod", node%256)) + 2 + 8 + 7 + 8
		for range 1 + rng.IntN(6) {
			key, value := set(rng, node)
			e = Entry{Version: e.Version + 1, Key: []byte(key), Value: []byte(value)}
			if full = !w.Entry(&e); full {
				break
			}
			deltas++
			plainBytes += 2 + len(key) + 2 + len(value) + 8 + 1
		}
		dst = w.End(w.Last())
	}
	frame := AppendChecksum(dst, 0)
	if _, err := ParseFrame(frame, &h); err != nil || len(frame) > FrameBytesDefault {
		t.Fatalf("%d bytes: %v", len(frame), err)
	}
	return deltas, plainBytes
}
