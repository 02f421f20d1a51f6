package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

const busySeed = "QUIDNUNC_TEST_BUSY_SEED" // in the environment of the busy process

// TestABusyProgramIsNotTakenForDead: a real process whose 200 goroutines keep its one
// processor busy for two seconds is suspected, not declared dead, and its peers know
// afterwards that it stalled. A run counts if the pause of its loop was within what
// Grace covers: on a machine that is busy itself it may be longer.
func TestABusyProgramIsNotTakenForDead(t *testing.T) {
	if seed := os.Getenv(busySeed); seed != "" {
		busyProcess(t, seed)
		return
	}
	if testing.Short() {
		t.Skip("a real process that is busy for seconds")
	}
	var peers [3]*engine.Engine
	var mu sync.Mutex
	dead := 0
	for i := range peers {
		c := engine.LAN()
		c.Name, c.Bind, c.Cluster, c.LeaveTimeout = fmt.Sprint("idle-", i), "127.0.0.1:0", "busy", -1
		c.OnEvent = func(ev engine.Event) {
			mu.Lock()
			defer mu.Unlock()
			if ev.Kind == engine.EventDead {
				dead++
			}
		}
		e, err := engine.Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if peers[i] = e; i > 0 {
			if _, err := e.Join(t.Context(), peers[0].Addr().String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for try := range 5 {
		mu.Lock()
		dead = 0
		mu.Unlock()
		paused, stalled := busyRun(t, peers[:], fmt.Sprint("busy-", try))
		mu.Lock()
		died := dead
		mu.Unlock()
		t.Logf("the loop paused for %v, peers say dead %d times and know of the stall: %v", paused, died, stalled)
		if grace := 2500 * time.Millisecond; paused < 500*time.Millisecond || paused > grace {
			continue
		}
		if died > 0 || !stalled {
			t.Error("taken for dead, or its stall is not known")
		}
		return
	}
	t.Skip("this machine is too busy for a pause of two seconds")
}

// busyRun starts the process, and tells how long its loop paused and whether a peer
// says, once that is over, that it did.
func busyRun(t *testing.T, peers []*engine.Engine, name string) (paused time.Duration, stalled bool) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestABusyProgramIsNotTakenForDead$", "-test.v")
	cmd.Env = append(os.Environ(), busySeed+"="+name+"@"+peers[0].Addr().String(), "GOMAXPROCS=1")
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

// busyProcess is the other process: a member, and 200 goroutines that count.
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
	end := time.Now().Add(2 * time.Second)
	longest := time.Duration(0)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			for i := 0; i%100_000 != 0 || time.Now().Before(end); i++ {
			}
		})
	}
	wg.Add(1)
	go func() { // how long a goroutine waits for its turn: as the loop does
		defer wg.Done()
		for last := time.Now(); last.Before(end); {
			e.Stats()
			longest, last = max(longest, time.Since(last)), time.Now()
		}
	}()
	wg.Wait()
	fmt.Println("paused", longest)
	bufio.NewReader(os.Stdin).ReadByte() // until the peers have been asked
	e.Close()
}
