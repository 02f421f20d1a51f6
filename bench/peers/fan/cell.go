package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// kind is a system that brings writes to holders.
type kind interface {
	start(l *ledger) error
	write(writer, key int, value []byte) error // by the generator
	flush()                                    // after writes that were due together
	delivered() uint64                         // news, at all holders
	differ() int                               // keys that are not as they were written last
	served() time.Duration                     // processor time of a server of its own
	close()
}

// cell is one measurement, and what it gave.
type cell struct {
	Kind  string  `json:"kind"`
	Rate  uint64  `json:"rate"`
	Round int     `json:"round"`
	Span  float64 `json:"span_s"`

	Skipped   string  `json:"skipped,omitempty"`
	Setting   string  `json:"setting,omitempty"`
	Written   float64 `json:"written_per_s"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"cpu_us_per_delivery"`
	Cores     float64 `json:"cores"`
	Bytes     float64 `json:"bytes_per_delivery"`
	Delivered float64 `json:"deliveries_per_s"`
	Overtaken float64 `json:"overtaken"`
	Missed    int     `json:"missed"`  // of the followed writes
	Differ    int     `json:"differ"`  // keys, ten seconds after the end
	Find      bool    `json:"find"`    // it belongs to the search for the highest rate
	Own       bool    `json:"own_net"` // bytes are its own
}

const (
	keysEach  = 200
	warmUp    = 500 * time.Millisecond
	drainMax  = 10 * time.Second
	lateMax   = 0.01 // of what was to be written
	slowest   = 500  // ms of the p99 of a sustained rate
	overtaken = 0.02
)

func (c *cell) sustained() bool {
	return c.Skipped == "" && c.Written >= (1-lateMax)*float64(c.Rate) && c.Overtaken <= overtaken && c.Differ == 0 && c.P99 <= slowest
}

// errSkip is said of a kind whose parts are not there.
type errSkip struct{ what string }

func (e errSkip) Error() string { return e.what }

// measure runs a cell in this process.
func measure(c *cell, k kind, prefill bool, holders int) error {
	runtime.GOMAXPROCS(runtime.NumCPU() + 2) // for the generator, whatever else wants to run: the kernel shares the cores
	span := time.Duration(c.Span * float64(time.Second))
	l := newLedger(holders, keysEach, c.Rate, span)
	if err := k.start(l); err != nil {
		if skip := (errSkip{}); errors.As(err, &skip) {
			c.Skipped = skip.what
			return nil
		}
		return err
	}
	defer k.close()
	g := &generator{l: l, k: k, rnd: rand.New(rand.NewPCG(c.Rate, uint64(c.Round))), turn: make([]int, holders)}
	if prefill {
		if err := g.prefill(); err != nil {
			return err
		}
	}
	runtime.GC()
	runtime.LockOSThread()
	g.paced(c.Rate, warmUp, false)
	usage, bytes, delivered, began := used(k), loopback(), k.delivered(), clock()
	written, err := g.paced(c.Rate, span, true)
	took := float64(clock() - began)
	delivered, usage, bytes = k.delivered()-delivered, used(k)-usage, loopback()-bytes
	runtime.UnlockOSThread()
	if err != nil {
		return err
	}
	wrote := float64(written) / took * 1e9
	c.Written, c.Delivered = wrote, float64(delivered)/took*1e9
	c.Cores, c.CPU, c.Bytes = float64(usage)/took, float64(usage)/1e3/float64(max(1, delivered)), float64(bytes)/float64(max(1, delivered))
	for end := clock() + int64(drainMax); ; {
		if c.Differ = k.differ(); c.Differ == 0 || clock() > end {
			break
		}
		time.Sleep(20 * time.Millisecond) // until it is so
	}
	c.Overtaken = max(0, 1-float64(k.delivered()-g.before)/float64(g.all)/float64(holders-1))
	list, missed := l.times(written)
	if c.Missed = missed; len(list) > 0 {
		c.P50, c.P99 = float64(list[len(list)/2])/1e6, float64(list[len(list)*99/100])/1e6
	}
	return nil
}

// generator writes at fixed times.
type generator struct {
	l      *ledger
	k      kind
	rnd    *rand.Rand
	turn   []int
	value  [valueBytes]byte
	stamp  uint64 // of what only fills
	before uint64 // deliveries until the pace began
	all    uint64 // writes since
	paces  bool
}

func (g *generator) put(writer int, stamp uint64) error {
	key := g.turn[writer]
	g.turn[writer] = (key + 1) % g.l.keys
	fillValue(g.value[:], stamp, writer, key)
	err := g.k.write(writer, key, g.value[:])
	if err == nil {
		g.l.newest[writer*g.l.keys+key] = stamp
		g.all++
	}
	return err
}

// prefill writes each key once, so that what is measured overwrites.
func (g *generator) prefill() error {
	for range g.l.keys {
		for w := range g.l.holders {
			g.stamp++
			for tries := 0; ; tries++ {
				err := g.put(w, g.stamp)
				if err == nil {
					break
				}
				if tries == 10_000 {
					return fmt.Errorf("the first keys: %w", err)
				}
				time.Sleep(time.Millisecond) // it had no room
			}
		}
		g.k.flush()
	}
	for end := clock() + int64(time.Minute); g.k.differ() > 0; {
		if clock() > end {
			return errors.New("the first keys did not reach everybody within a minute")
		}
		time.Sleep(5 * time.Millisecond) // until they did
	}
	return nil
}

// paced writes for a while; measured writes have stamps that are followed. What is not written in
// time is given up a fiftieth of the span after its end.
func (g *generator) paced(rate uint64, span time.Duration, measured bool) (written uint64, err error) {
	if !g.paces {
		g.paces, g.before, g.all = true, g.k.delivered(), 0
	}
	n := uint64(float64(rate) * span.Seconds())
	start := clock()
	give := start + int64(span+span/50)
	for i := uint64(0); i < n; {
		now := clock()
		if now > give {
			break
		}
		at := start + int64(float64(i)/float64(rate)*1e9)
		if wait := at - now; wait > 0 {
			if rate > 10_000 {
				wait = max(wait, 100_000)
			}
			ts := syscall.NsecToTimespec(wait)
			_ = syscall.Nanosleep(&ts, nil) // Go's own timers add up to a millisecond
			continue
		}
		for ; i < n && at <= now; at = start + int64(float64(i)/float64(rate)*1e9) {
			g.stamp++
			stamp := g.stamp
			if measured {
				stamp = measuredBit | (i + 1)
				if f, ok := g.l.followed(stamp); ok {
					g.l.due[f] = at
				}
			}
			if e := g.put(g.rnd.IntN(g.l.holders), stamp); e == nil {
				written++
			} else {
				err = e
			}
			i++
		}
		g.k.flush()
	}
	if written > 0 {
		err = nil // refusals show in what was written
	}
	return written, err
}

// used is the processor time of all that takes part.
func used(k kind) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano()+u.Stime.Nano()) + k.served()
}

// loopback is what the loopback device has carried.
func loopback() uint64 {
	b, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "lo:"); ok {
			n, _ := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}
