package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/faults"
)

// acts are what buttons and keys do, by name. A member of -1 is chosen by chance.
var acts = []struct {
	Name, Key, Text string
	do              func(d *Demo, member int) string
}{
	{"write", "w", "write a key", (*Demo).write},
	{"kill", "k", "kill a member, as kill -9 does", (*Demo).kill},
	{"revive", "r", "start the dead members anew", (*Demo).revive},
	{"partition", "p", "cut the cluster into halves", (*Demo).partition},
	{"oneway", "1", "a member hears nothing, but is heard", (*Demo).oneWay},
	{"loss", "l", "lose datagrams: 0, 5, 20 or 40 %", (*Demo).loss},
	{"delay", "d", "hold datagrams back: 0, 5 or 50 ms", (*Demo).delay},
	{"freeze", "f", "freeze a member, as SIGSTOP does, or let it go on", (*Demo).freeze},
	{"overload", "o", "write as fast as can be for three seconds", (*Demo).overload},
	{"heal", "h", "end all harm: paths, loss, delay, frozen members", (*Demo).heal},
}

// patience is how long after a harm verdicts may still come from it.
const patience = 15 * time.Second

// harmed excuses verdicts for a while.
func (d *Demo) harmed() {
	d.cluster.mu.Lock()
	d.cluster.harm = max(d.cluster.harm, clock()+int64(patience))
	d.cluster.mu.Unlock()
}

// Act does one thing by its name and says what it did.
func (d *Demo) Act(name string, member int) (string, error) {
	var known []string
	for _, a := range acts {
		if a.Name == name {
			if member >= d.cluster.n {
				return "", exit.Usagef("member %d: there are %d", member, d.cluster.n)
			}
			text := a.do(d, member)
			d.cluster.log("act", text)
			return text, nil
		}
		known = append(known, a.Name)
	}
	return "", exit.OneOf("act", name, known)
}

// pick is a member that runs: the one that was named, or one by chance.
func (d *Demo) pick(member int) int {
	living := d.cluster.living()
	if len(living) == 0 || member >= 0 && !slices.Contains(living, member) {
		return -1
	}
	if member >= 0 {
		return member
	}
	d.cluster.mu.Lock()
	defer d.cluster.mu.Unlock()
	return living[d.cluster.dice.IntN(len(living))]
}

func (d *Demo) write(member int) string {
	i := d.pick(member)
	if i < 0 || !d.cluster.write(i) {
		return "nobody can write"
	}
	return name(i) + " wrote a key"
}

func (d *Demo) kill(member int) string {
	i := d.pick(member)
	if i < 0 || len(d.cluster.living()) < 2 {
		return "nobody is left to kill"
	}
	d.cluster.stop(i)
	d.cluster.mu.Lock()
	d.cluster.members[i].killed = clock()
	d.cluster.members[i].newest = [nodeKeys]written{} // its next life begins blank
	d.cluster.mu.Unlock()
	return name(i) + " was killed"
}

func (d *Demo) revive(member int) string {
	n := 0
	for i := range d.cluster.n {
		if d.cluster.engineOf(i) == nil && (member < 0 || member == i) {
			ctx, cancel := context.WithTimeout(d.life, 5*time.Second)
			if err := d.cluster.start(ctx, i); err != nil {
				d.cluster.log("bad", name(i)+": "+err.Error())
			} else {
				n++
			}
			cancel()
		}
	}
	if n == 1 {
		return "one member was started anew"
	}
	return fmt.Sprintf("%d members were started anew", n)
}

func (d *Demo) partition(int) string {
	d.harmed()
	d.cluster.network.Change(func(r *faults.Rules) {
		for i := range r.Group {
			r.Group[i] = 0
			if i >= len(r.Group)/2 {
				r.Group[i] = 1
			}
		}
	})
	return "the cluster was cut into halves"
}

func (d *Demo) oneWay(member int) string {
	i := d.pick(member)
	if i < 0 {
		return "nobody is left"
	}
	d.harmed()
	d.cluster.network.Change(func(r *faults.Rules) { r.OneWay[i] = !r.OneWay[i] })
	if d.cluster.network.Rules().OneWay[i] {
		return name(i) + " hears nothing any more, but is heard"
	}
	return name(i) + " hears again"
}

// next is the value after the present one.
func next[T comparable](list []T, now T) T {
	return list[(slices.Index(list, now)+1)%len(list)]
}

func (d *Demo) loss(int) string {
	d.cluster.network.Change(func(r *faults.Rules) { r.Loss = next([]float64{0, 0.05, 0.2, 0.4}, r.Loss) })
	return fmt.Sprintf("%.0f %% of all datagrams are lost", 100*d.cluster.network.Rules().Loss)
}

func (d *Demo) delay(int) string {
	d.cluster.network.Change(func(r *faults.Rules) {
		r.Delay = next([]time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond}, r.Delay)
	})
	return fmt.Sprintf("datagrams are held back %v", d.cluster.network.Rules().Delay)
}

func (d *Demo) freeze(member int) string {
	frozen := slices.Index(d.cluster.network.Rules().Frozen, true)
	if member < 0 && frozen >= 0 {
		member = frozen
	}
	if member >= 0 && d.cluster.network.Rules().Frozen[member] {
		d.thaw(member)
		return name(member) + " goes on"
	}
	i := d.pick(member)
	if i < 0 || len(d.cluster.living()) < 2 {
		return "nobody is left to freeze"
	}
	d.harmed()
	d.cluster.mu.Lock()
	d.cluster.members[i].frozen = true
	d.cluster.mu.Unlock()
	d.cluster.network.Change(func(r *faults.Rules) { r.Frozen[i] = true })
	return name(i) + " is frozen"
}

func (d *Demo) thaw(i int) {
	d.harmed()
	d.cluster.network.Change(func(r *faults.Rules) { r.Frozen[i] = false })
	d.cluster.mu.Lock()
	d.cluster.members[i].frozen = false
	d.cluster.mu.Unlock()
}

func (d *Demo) heal(int) string {
	d.harmed()
	d.cluster.network.Change(func(r *faults.Rules) {
		clear(r.Group)
		clear(r.OneWay)
		clear(r.Frozen)
		r.Loss, r.Delay = 0, 0
	})
	d.cluster.mu.Lock()
	for i := range d.cluster.members {
		d.cluster.members[i].frozen = false
	}
	d.cluster.mu.Unlock()
	d.healed.Store(clock())
	return "all harm ended"
}

const overloadSpan = 3 * time.Second

func (d *Demo) overload(int) string {
	if !d.overloaded.CompareAndSwap(false, true) {
		return "there is an overload already"
	}
	d.all.Go(func() {
		defer d.overloaded.Store(false)
		d.flood(overloadSpan)
	})
	return "three seconds of writes as fast as can be"
}

// flood writes as fast as one goroutine can.
func (d *Demo) flood(span time.Duration) {
	end := clock() + int64(span)
	for clock() < end && d.life.Err() == nil {
		if i := d.pick(-1); i < 0 || !d.cluster.write(i) {
			time.Sleep(time.Millisecond)
		}
	}
}
