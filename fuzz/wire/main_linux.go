package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	beMember()
	o := options{Out: os.Stdout}
	names, joins, mbits, wait, percent, of := "", 0, 0, time.Duration(0), -1, ""
	flag.IntVar(&o.Nodes, "nodes", 8, "members, 4 to 64")
	flag.Uint64Var(&o.Seed, "seed", uint64(time.Now().UnixNano()), "of the plan; even ones seal")
	flag.DurationVar(&o.Time, "time", 45*time.Second, "for how long faults begin")
	flag.IntVar(&o.Rate, "rate", 20, "writes a second of each member, 1 to 1000")
	flag.StringVar(&names, "kinds", "", "only these kinds of faults, with commas")
	flag.IntVar(&joins, "join", 0, "measure how a member joins one that holds so many keys, instead")
	flag.IntVar(&mbits, "join.rate", 0, "only over links of so many Mbit/s")
	flag.IntVar(&percent, "join.loss", -1, "only over links that lose so many of 100 packets")
	flag.StringVar(&of, "join.of", "", "only loss of datagrams, or only of all")
	flag.DurationVar(&wait, "join.wait", 2*time.Minute, "for one that joins: then the next is measured")
	flag.Parse()
	err := o.choose(names)
	if joins > 0 {
		rates, losses := []int{100, 1000}, []int{0, 1, 5, 30}
		if mbits > 0 {
			rates = []int{mbits}
		}
		if percent >= 0 {
			losses = []int{percent}
		}
		var cells []joinCell
		if cells, err = joinCells(rates, losses, of); err == nil {
			err = joinTable(context.Background(), o.Out, joins, wait, cells)
		}
	} else if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, o)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(1)
	}
}

// beMember makes this process a member if it was started as one.
func beMember() {
	if os.Getenv(envMember) == "" {
		return
	}
	if err := runMember(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// choose takes the kinds by name and checks the numbers.
func (o *options) choose(names string) error {
	if o.Nodes < 4 || o.Nodes > 64 {
		return fmt.Errorf("-nodes %d: 4 to 64", o.Nodes)
	}
	if o.Rate < 1 || o.Rate > 1000 {
		return fmt.Errorf("-rate %d: 1 to 1000", o.Rate)
	}
	if o.Kinds = kinds; names == "" {
		return nil
	}
	o.Kinds = nil
	for name := range strings.SplitSeq(names, ",") {
		if !slices.Contains(kinds, kind(name)) {
			return fmt.Errorf("-kinds %q: there is no such kind; there are %v", name, kinds)
		}
		o.Kinds = append(o.Kinds, kind(name))
	}
	return nil
}
