package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const port = 7946

// cluster is the wire and a member in each of its hosts.
type cluster struct {
	*wire
	members []*process // nil: down
	secret  []byte
	rate    int  // writes a second of each
	blind   bool // they look at nobody's keys until they are asked for reports
}

func nameOf(place int) string { return fmt.Sprintf("n%02d", place) }

// bindOf is where a member listens.
func bindOf(place int) string { return fmt.Sprintf("%v:%d", addressOf(place), port) }

// boot starts the member of a host; the first three are everybody's seeds.
func (c *cluster) boot(i int) error {
	o := order{Do: "start", Name: nameOf(i), Bind: bindOf(i), Secret: c.secret, Rate: c.rate, Blind: c.blind}
	for j := range min(3, len(c.hosts)) {
		if j != i {
			o.Seeds = append(o.Seeds, bindOf(j))
		}
	}
	return c.bootAs(i, o)
}

func (c *cluster) bootAs(i int, o order) error {
	p, err := spawn(c.hosts[i])
	if err != nil {
		return err
	}
	if _, err = p.tell(o); err != nil {
		p.kill()
		return fmt.Errorf("%s: %w", o.Name, err)
	}
	c.members[i] = p
	return nil
}

func (c *cluster) kill(i int) {
	if p := c.members[i]; p != nil {
		p.kill()
		c.members[i] = nil
	}
}

func (c *cluster) close() {
	for i := range c.members {
		c.kill(i)
	}
	c.wire.close()
}

// all asks everybody who is not gone, at once.
func (c *cluster) all(o order, gone func(i int) bool) ([]report, error) {
	reports, errs := make([]report, len(c.members)), make([]error, len(c.members))
	var wait sync.WaitGroup
	for i, p := range c.members {
		if p != nil && !gone(i) {
			wait.Go(func() { reports[i], errs[i] = p.tell(o) })
		}
	}
	wait.Wait()
	for i, err := range errs {
		if err != nil {
			return reports, fmt.Errorf("%s: %w", nameOf(i), err)
		}
	}
	return reports, nil
}

// who restricts what is asked: who can't answer, who need not know of whom, and who may show
// whom as suspect. whole: news count where a whole state is shown, and no part of the next.
type who struct {
	gone          func(i int) bool
	apart, doubts func(by, about int) bool
	whole         bool
}

func nobody(int) bool     { return false }
func never(int, int) bool { return false }

// everybody is a who without exceptions.
var everybody = who{nobody, never, never, true}

// errBehind is that news did not come in time.
var errBehind = errors.New("news are missing")

// fresh waits until everybody has all that everybody had written when it was called, and
// shows them alive, or suspect where it may. gather gets all reports on the way.
func (c *cluster) fresh(w who, gather func([]report)) (took time.Duration, err error) {
	began := time.Now()
	owns, err := c.all(order{Do: "report"}, w.gone)
	reports := owns
	for err == nil {
		gather(reports)
		missing := lacks(owns, reports, w)
		if took = time.Since(began); missing == "" {
			return took, nil
		}
		if took > patience {
			return took, fmt.Errorf("after %v %w: %s", took.Round(time.Millisecond), errBehind, missing)
		}
		time.Sleep(tickEvery)
		reports, err = c.all(order{Do: "report"}, w.gone)
	}
	return time.Since(began), err
}

// lacks says who lacks what of whom; "" when nobody does.
func lacks(owns, reports []report, w who) string {
	var list []string
	for i, r := range reports {
		for j, own := range owns {
			if i == j || r.Name == "" || own.Name == "" || w.apart(i, j) {
				continue
			}
			s := r.Sees[own.Name]
			fit := s.State == "alive" || s.State == "suspect" && w.doubts(i, j)
			if !fit || !s.has(own.Own, w.whole) {
				list = append(list, fmt.Sprintf("%s shows %s as %q at write %d of life %d and parts of %d, and had to be at %d of %d or later", r.Name, own.Name, s.State, s.N, s.Life, s.Part, own.Own.N, own.Own.Life))
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("%d views are behind, the first: %s", len(list), slices.Min(list))
}
