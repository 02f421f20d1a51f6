package main

import (
	"fmt"
	"os"
	"time"
)

const (
	findFrom  = 1000
	findMost  = 1 << 20
	findClose = 1.05 // the bounds of what is found
	findTries = 3    // that a rate has: a neighbour may spoil one
)

// findAll searches the highest rate that each kind sustains: the grid is fixed, so that it does
// not depend on where it began, and kinds take turns step by step.
func (o *options) findAll(l *log) error {
	type search struct {
		low, high uint64
		why       string
	}
	found := map[string]*search{}
	for _, name := range o.kinds {
		found[name] = &search{}
	}
	for busy := true; busy && !o.over(); {
		busy = false
		for _, name := range o.kinds {
			s := found[name]
			rate := uint64(findFrom)
			switch {
			case s.high != 0 && (s.low == 0 || float64(s.high) <= findClose*float64(s.low)):
				continue
			case s.high != 0:
				rate = (s.low + s.high) / 2 / 250 * 250
			case s.low != 0:
				rate = 2 * s.low
			}
			if rate > findMost || o.over() {
				continue
			}
			busy = true
			ok, why, err := o.holds(l, name, rate)
			if err != nil {
				return err
			}
			if ok {
				s.low = rate
			} else {
				s.high, s.why = rate, why
			}
		}
	}
	fmt.Fprintf(os.Stdout, "| | sustained writes/s | deliveries/s | what limited it |\n|---|--:|--:|---|\n")
	for _, name := range o.kinds {
		s := found[name]
		fmt.Printf("| %s | %d | %.2f M | at %d: %s |\n", name, s.low, float64(s.low)*float64(o.holders-1)/1e6, s.high, s.why)
	}
	return nil
}

// holds tells whether a kind sustains a rate, and why not.
func (o *options) holds(l *log, name string, rate uint64) (ok bool, why string, err error) {
	for try := range findTries {
		c := l.has(name, rate, try, true)
		if c == nil {
			x, err := o.cell(name, rate, try, true)
			if err != nil {
				return false, "", err
			}
			if err = l.add(x); err != nil {
				return false, "", err
			}
			c = &x
		}
		if c.sustained() {
			return true, "", nil
		}
		if why = c.limit(); c.Skipped != "" {
			return false, why, nil
		}
		time.Sleep(200 * time.Millisecond) // whatever it was, let it pass
	}
	return false, why, nil
}

// limit says what was missed.
func (c *cell) limit() string {
	switch {
	case c.Skipped != "":
		return c.Skipped
	case c.Written < (1-lateMax)*float64(c.Rate):
		return fmt.Sprintf("%.0f %% were written in time, %.1f cores busy", 100*c.Written/float64(c.Rate), c.Cores)
	case c.Overtaken > overtaken:
		return fmt.Sprintf("%.1f %% of deliveries never were", 100*c.Overtaken)
	case c.Differ > 0:
		return fmt.Sprintf("%d keys differed ten seconds later", c.Differ)
	}
	return fmt.Sprintf("p99 %.0f ms", c.P99)
}
