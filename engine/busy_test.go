package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

const (
	busySeed = "QUIDNUNC_TEST_BUSY_SEED" // in the environment of the busy process
	busyHow  = "QUIDNUNC_TEST_BUSY_HOW"  // what keeps it busy
)

// TestABusyProgramIsNotTakenForDead: a real process whose 200 goroutines keep its one
// processor busy for two seconds is suspected, not declared dead, and its peers know
// afterwards that it stalled. A run counts if the pause of its loop was within what
// Grace covers: on a machine that is busy itself it may be longer.
func TestABusyProgramIsNotTakenForDead(t *testing.T) {
	notTakenForDead(t, func(t *testing.T, _ string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), busyHow+"=200", "GOMAXPROCS=1")
		return cmd
	})
}

// TestAProgramThatCollectsIsNotTakenForDead: as one that computes, a real process that
// makes garbage on its one processor and collects it all the time, beside a heap full of
// pointers, is suspected, not declared dead.
func TestAProgramThatCollectsIsNotTakenForDead(t *testing.T) {
	notTakenForDead(t, func(t *testing.T, _ string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), busyHow+"=garbage", "GOMAXPROCS=1", "GOGC=1")
		return cmd
	})
}

// notTakenForDead lets idle members watch one process that is busy, which program makes
// of a name, until a run of it counts.
func notTakenForDead(t *testing.T, program func(t *testing.T, name string) *exec.Cmd) {
	t.Helper()
	if seed := os.Getenv(busySeed); seed != "" {
		busyProcess(t, seed)
		return
	}
	if testing.Short() {
		t.Skip("a real process that is busy for seconds")
	}
	var mu sync.Mutex
	dead := 0
	peers := idlePeers(t, func(ev engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		if ev.Kind == engine.EventDead {
			dead++
		}
	})
	for try := range 5 {
		mu.Lock()
		dead = 0
		mu.Unlock()
		name := fmt.Sprint("busy-", try)
		paused, stalled := busyRun(t, peers, name, program(t, name))
		mu.Lock()
		died := dead
		mu.Unlock()
		t.Logf("the loop paused for %v, peers say dead %d times and know of the stall: %v", paused, died, stalled)
		if grace := 2500 * time.Millisecond; paused > grace {
			continue
		}
		if died > 0 {
			t.Error("taken for dead")
		}
		if paused < 500*time.Millisecond {
			continue
		}
		if !stalled {
			t.Error("its stall is not known")
		}
		return
	}
	t.Skip("no run of five paused for what Grace covers, and half a second at least")
}

// idlePeers are three members who have nothing to do.
func idlePeers(t *testing.T, on func(engine.Event)) []*engine.Engine {
	t.Helper()
	peers := make([]*engine.Engine, 3)
	for i := range peers {
		c := engine.LAN()
		c.Name, c.Bind, c.Cluster, c.LeaveTimeout = fmt.Sprint("idle-", i), "127.0.0.1:0", "busy", -1
		c.OnEvent = on
		e, err := engine.Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		if peers[i] = e; i > 0 {
			if _, err := e.Join(t.Context(), peers[0].Addr().String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return peers
}

// busyRun starts the process, and tells how long its loop paused and whether a peer
// says, once that is over, that it did.
func busyRun(t *testing.T, peers []*engine.Engine, name string, cmd *exec.Cmd) (paused time.Duration, stalled bool) {
	cmd.Args = append(cmd.Args, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(cmd.Env, busySeed+"="+name+"@"+peers[0].Addr().String())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		if text, ok := strings.CutPrefix(s.Text(), "paused "); ok {
			if paused, err = time.ParseDuration(text); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(10 * time.Second); !stalled && time.Now().Before(end); {
				for _, e := range peers {
					x, err := e.Explain(name)
					stalled = stalled || err == nil && x.HealthThere > 0 && strings.Contains(x.String(), "stalled")
				}
			}
			in.Close()
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return paused, stalled
}

// busyProcess is the other process: a member, and what keeps it busy.
func busyProcess(t *testing.T, seed string) {
	name, addr, _ := strings.Cut(seed, "@")
	c := engine.LAN()
	c.Name, c.Bind, c.Cluster = name, "127.0.0.1:0", "busy"
	e, err := engine.Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Join(context.Background(), addr); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	end := hog(&wg, os.Getenv(busyHow))
	longest := time.Duration(0)
	for last := time.Now(); last.Before(end); { // how long a goroutine waits for its turn: as the loop does
		e.Stats()
		longest, last = max(longest, time.Since(last)), time.Now()
	}
	wg.Wait()
	fmt.Println("paused", longest)
	bufio.NewReader(os.Stdin).ReadByte() // until the peers have been asked
	e.Close()
}

// hog keeps this process busy, and tells until when.
func hog(wg *sync.WaitGroup, how string) (end time.Time) {
	count, err := strconv.Atoi(how)
	if err != nil {
		heap := make([][]*int, 1<<12)
		for i := range heap {
			heap[i] = make([]*int, 1<<12)
		}
		end = time.Now().Add(2 * time.Second)
		for part := range slices.Chunk(heap, len(heap)/32) {
			wg.Go(func() {
				for i := 0; time.Now().Before(end); i++ {
					part[i%len(part)] = slices.Clone(part[0])
				}
			})
		}
		return end
	}
	end = time.Now().Add(2 * time.Second)
	for range count {
		wg.Go(func() {
			for i := 0; i%100_000 != 0 || time.Now().Before(end); i++ {
			}
		})
	}
	return end
}
