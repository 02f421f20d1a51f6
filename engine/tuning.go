package engine

import (
	"errors"
	"fmt"

	"github.com/quidnunc/quidnunc/engine/tune"
)

const fanoutMax = 64

// checkTune names settings that do not exist, and pairs that contradict each other.
func (c *Config) checkTune() error {
	o := &c.Tune
	return errors.Join(
		known("Tune.Mode", o.Mode), known("Tune.Order", o.Order), known("Tune.Diff", o.Diff),
		known("Tune.Spread", o.Spread), known("Tune.Flow", o.Flow),
		inRange("Tune.Fanout", o.Fanout, 0, fanoutMax),
		checkCompare(o), checkDiff(o), checkRumor(o), c.checkRepair(),
	)
}

func checkCompare(o *tune.Options) error {
	switch {
	case o.Order == tune.OrderPreciseOwn && o.Compare == nil:
		return bad("Tune.Compare", "nil", "Order is precise-own", "set the comparator, or another Order")
	case o.Order != tune.OrderPreciseOwn && o.Compare != nil:
		return bad("Tune.Compare", "a function", "Order is "+o.Order.String()+", which does not use it",
			"set Order to OrderPreciseOwn, or leave Compare nil")
	}
	return nil
}

func checkDiff(o *tune.Options) error {
	switch {
	case o.Diff == tune.DiffUpdates && o.Mode != tune.ModePushPull:
		return bad("Tune.Diff", o.Diff, "Diff and Mode: the update list goes both ways, mode "+o.Mode.String()+" goes one",
			"use ModePushPull, or another way to compare")
	case o.Diff != tune.DiffAuto && o.Order.Precise():
		return bad("Tune.Diff", o.Diff, "Diff and Order: order "+o.Order.String()+" compares key by key",
			"leave Diff zero, or use OrderFair, OrderDepth or OrderBreadth")
	}
	return nil
}

func checkRumor(o *tune.Options) error {
	if o.Spread == tune.SpreadDelegated && o.Order.Precise() {
		return bad("Tune.Spread", o.Spread, "Spread and Order: with order "+o.Order.String()+" nobody can tell what a delegate covers",
			"use SpreadAuto, or OrderFair, OrderDepth or OrderBreadth")
	}
	if o.Rumor == (tune.RumorPolicy{}) {
		return nil
	}
	wrong := func(problem, fix string) error { return bad("Tune.Rumor", fmt.Sprintf("%+v", o.Rumor), problem, fix) }
	if err := o.Rumor.Check(); err != nil {
		return wrong(err.Error(), "change one of the two")
	}
	switch {
	case o.Spread == tune.SpreadMail || o.Spread == tune.SpreadGossip:
		return wrong("Rumor and Spread: spread "+o.Spread.String()+" mongers no rumors",
			"use SpreadRumor or SpreadAuto, or leave Rumor zero")
	case o.Rumor.Redistribute && o.Mode == tune.ModePull:
		return wrong("Rumor.Redistribute and Mode: with pull nobody learns what another member lacks",
			"use ModePushPull or ModePush, or leave Redistribute false")
	}
	return nil
}

func (c *Config) checkRepair() error {
	if a := c.AuditInterval; a > 0 && a < c.Interval {
		return bad("AuditInterval", a, "AuditInterval and Interval: a part is asked for at most once in an Interval",
			fmt.Sprintf("use 0, a negative value, or at least %v", c.Interval))
	}
	r := c.RepairInterval
	switch {
	case r == 0:
	case r < 10*c.Interval:
		return bad("RepairInterval", r, "RepairInterval and Interval: a walk compares much more than a comparison does",
			fmt.Sprintf("use 0, or at least %v", 10*c.Interval))
	case c.Tune.Order.Precise():
		return bad("RepairInterval", r, "RepairInterval and Tune.Order: order "+c.Tune.Order.String()+" compares key by key",
			"leave RepairInterval zero, or use OrderFair, OrderDepth or OrderBreadth")
	}
	return nil
}
