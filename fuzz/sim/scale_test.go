package sim

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/sched"
)

func TestScale(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SIM_NODES"))
	if n == 0 {
		t.Skip("SIM_NODES is not set")
	}
	link := lan
	link.Loss = simnet.Probability(0.05)
	start := time.Now()
	w := New(Options{Nodes: n, Seed: 7, Link: link})
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	fmt.Println("made", time.Since(start), m.HeapAlloc/uint64(n), "B a node")
	for i := range n {
		for k := range 3 {
			w.Set(i, fmt.Sprint("key-", k), "value")
		}
		if i > 0 {
			w.Join(i, 0)
		}
	}
	for w.Now() < 60*sched.Second && !w.Equal() {
		w.Run(100 * sched.Millisecond)
		runtime.ReadMemStats(&m)
		fmt.Println(clock(w.Now()), w.Stats.Frames, w.Stats.Bytes, w.Coverage(), time.Since(start), m.HeapAlloc>>20, "MB", w.queue.Len())
	}
	runtime.GC()
	runtime.ReadMemStats(&m)
	fmt.Println(w.Difference(), time.Since(start), m.HeapAlloc>>20, "MB;", float64(m.HeapAlloc)/float64(n)/float64(n), "B a pair")
}
