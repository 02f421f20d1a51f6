package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// envDir and envSync make a process the child.
const (
	envDir  = "QUIDNUNC_CRASH_DIR"
	envSync = "QUIDNUNC_CRASH_SYNC"
)

// acked is the newest acknowledged write of a key.
type acked struct {
	n       uint64
	deleted bool
}

// trial is one directory and all the lives on it.
type trial struct {
	dir, sync string
	rand      *rand.Rand

	acks    map[string]acked
	tried   map[string]uint64 // highest value
	erase   map[string]uint64 // highest value of a delete
	gen     uint64
	first   uint64 // version that the last life began with
	seq     uint64 // highest version acknowledged as on disk
	renewed int    // lives that did not keep the generation
	total   int    // acknowledged writes
	kills   int
	started time.Duration // the longest start
}

func newTrial(dir, sync string, seed uint64) *trial {
	return &trial{dir: dir, sync: sync, rand: rand.New(rand.NewPCG(seed, 1)), acks: map[string]acked{}, tried: map[string]uint64{}, erase: map[string]uint64{}}
}

// life starts a child, checks what it found, lets it write for a while and kills it.
func (t *trial) life() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envDir+"="+t.dir, envSync+"="+t.sync)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := make(chan struct{})
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }) // whatever happens
	defer timer.Stop()
	if t.rand.IntN(8) == 0 { // in the middle of a start
		pause := time.Duration(t.rand.IntN(15)) * time.Millisecond
		go func() { killAfter(cmd.Process, pause, stop) }()
	}
	ready, err := t.read(bufio.NewScanner(out), func() {
		t.started = max(t.started, time.Since(began))
		pause := time.Duration(t.rand.IntN(120)) * time.Millisecond
		go killAfter(cmd.Process, pause, stop)
	})
	cmd.Process.Kill()
	cmd.Wait()
	close(stop)
	t.kills++
	if err == nil && !ready && stderr.Len() > 0 {
		err = fmt.Errorf("the start failed: %s", stderr.String())
	}
	return err
}

func killAfter(p *os.Process, pause time.Duration, stop chan struct{}) {
	select {
	case <-time.After(pause):
		p.Kill()
	case <-stop:
	}
}

// read follows a life to its end.
func (t *trial) read(lines *bufio.Scanner, begins func()) (ready bool, err error) {
	has := map[string]uint64{}
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "has":
			if len(f) == 3 {
				has[f[1]] = number(f[2])
			}
		case "ready":
			if ready = true; len(f) != 3 {
				return false, fmt.Errorf("%q", lines.Text())
			}
			if err := t.check(has, number(f[1]), number(f[2])); err != nil {
				return true, err
			}
			begins()
		case "log":
			return ready, fmt.Errorf("it logs: %s", lines.Text())
		case "try-set":
			t.tried[f[1]] = max(t.tried[f[1]], number(f[2]))
		case "try-delete":
			t.erase[f[1]] = max(t.erase[f[1]], number(f[2]))
		case "set", "delete":
			if len(f) == 4 { // else the kill cut it off
				t.acks[f[1]] = acked{number(f[2]), f[0] == "delete"}
				t.seq = max(t.seq, number(f[3]))
				t.total++
			}
		}
	}
	return ready, nil
}

func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

// check holds what a start found against what was acknowledged.
func (t *trial) check(has map[string]uint64, gen, seq uint64) error {
	for key, a := range t.acks {
		n, ok := has[key]
		switch {
		case ok && n >= a.n && !(a.deleted && n == a.n):
		case !ok && (a.deleted || t.erase[key] > a.n): // a later delete may have been written
		default:
			return fmt.Errorf("key %s: %d (%v) is there, and %+v was acknowledged as on disk", key, n, ok, a)
		}
	}
	for key, n := range has {
		if n > t.tried[key] {
			return fmt.Errorf("key %s: %d is there, and was never written", key, n)
		}
	}
	switch {
	case seq <= t.seq, gen == t.gen && seq <= t.first:
		return fmt.Errorf("version %d of generation %d is used again: %d was given out before", seq, gen, max(t.seq, t.first))
	case gen < t.gen, t.sync != "each" && gen == t.gen:
		return fmt.Errorf("generation %d after %d", gen, t.gen)
	case gen != t.gen && t.gen != 0: // with each: the kill tore the last block, which is seldom
		if t.renewed++; t.sync == "each" && t.renewed > 2+t.kills/10 {
			return fmt.Errorf("%d of %d lives did not keep their generation", t.renewed, t.kills)
		}
	}
	t.gen, t.first = gen, seq
	return nil
}
