package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// byNumber compares values as numbers without leading zeros.
func byNumber(a, b []byte) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(string(a), string(b))
}

var numbers = []engine.MergeRule{{Name: "numbers", Prefix: "max/", Compare: byNumber}}

// TestMergeRules: the higher value wins whoever wrote it when, with clocks that are wrong and
// members that are cut off; a delete and a forced write begin anew.
func TestMergeRules(t *testing.T) {
	virtual(t, 3, enginetest.Options{Config: func(_ int, c *engine.Config) { c.Merge = numbers }}, func(t *testing.T, c *enginetest.Cluster) {
		a, b, d := c.Engines[0].Shared(), c.Engines[1].Shared(), c.Engines[2].Shared()
		all := func(want string) {
			t.Helper()
			c.WaitConverged()
			for _, e := range c.Engines {
				if got := sharedText(e, "max/k"); got != want {
					t.Errorf("%s: %q, want %q", e.Name(), got, want)
				}
			}
		}
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		d.Skew(-400 * time.Millisecond)
		must(a.Set("max/k", []byte("7")))
		all("7")
		var conflict *engine.ConflictError
		if _, err := d.Set("max/k", []byte("3")); !errors.As(err, &conflict) || conflict.Have.Author != a.Author("node-0") {
			t.Errorf("a lower value: %v", err)
		}
		c.Partition([]int{0}, []int{1}, []int{2})
		must(a.Set("max/k", []byte("9")))
		must(b.Set("max/k", []byte("30")))
		must(d.Set("max/k", []byte("100")))
		pause(time.Second)
		must(a.Set("max/k", []byte("12"))) // the last in time
		c.Heal()
		all("100")
		pause(time.Minute) // what lost is withdrawn
		all("100")
		must(b.Delete("max/k"))
		all("-")
		must(a.Set("max/k", []byte("5")))
		all("5")
		must(d.Force("max/k", []byte("1")))
		all("1")
		_, v, _ := a.Get("max/k")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w, err := a.SetIf(ctx, "max/k", v, []byte("2"))
		if _, is, _ := a.Get("max/k"); err != nil || is != w {
			t.Errorf("%v: %v, and it holds %v", err, w, is)
		}
		if _, err := a.SetIf(ctx, "max/k", w, []byte("1")); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("a lower value on condition: %v", err)
		}
		for what, err := range map[string]error{
			"SetOnce": func() error { _, err := a.SetOnce("max/l", nil); return err }(),
			"SetTTL":  func() error { _, err := a.SetTTL("max/l", nil, time.Second); return err }(),
			"Add":     func() error { _, _, err := a.Add("max/l", 1); return err }(),
		} {
			if !errors.Is(err, engine.ErrMergeRule) {
				t.Errorf("%s: %v", what, err)
			}
		}
		must(a.Set("min/k", []byte("7"))) // no rule has it
		must(a.Set("min/k", []byte("3")))
		all("2")
		if got := sharedText(c.Engines[2], "min/k"); got != "3" {
			t.Errorf("without a rule: %q", got)
		}
	})
}

// TestMergeRulesThatDiffer: a member without the rule says so, refuses to write, and loses nothing:
// once it has the rule, it reads what others do.
func TestMergeRulesThatDiffer(t *testing.T) {
	var log heard
	lacks := true
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if c.Merge = numbers; i == 2 && lacks {
			c.Merge, c.Logger = nil, log.logger()
		}
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		c.Partition([]int{0}, []int{1, 2})
		for n := range 20 {
			c.Engines[0].Shared().Set(fmt.Sprint("max/", n), []byte(fmt.Sprint(n+100)))
		}
		pause(time.Second)
		for n := range 20 {
			c.Engines[1].Shared().Set(fmt.Sprint("max/", n), []byte(fmt.Sprint(n+10))) // later, and lower
		}
		c.Heal()
		c.WaitConverged()
		pause(time.Minute)
		if got := sharedText(c.Engines[2], "max/7"); got != "17" && got != "107" {
			t.Errorf("%q", got)
		}
		if _, err := c.Engines[2].Shared().Set("max/7", []byte("1000")); !errors.Is(err, engine.ErrMergeRule) {
			t.Errorf("a write without the rule: %v", err)
		}
		if !log.has("a rule that this member lacks") {
			t.Error("nobody is told")
		}
		lacks = false
		c.Kill(2)
		pause(20 * time.Second)
		c.Restart(2)
		c.WaitConverged()
		pause(time.Minute)
		for _, e := range c.Engines {
			for n := range 20 {
				if got := sharedText(e, fmt.Sprint("max/", n)); got != fmt.Sprint(n+100) {
					t.Errorf("%s: %q", e.Name(), got)
				}
			}
		}
	})
}

// TestMergeRulesThatCantBe: each is refused with the field and what to do.
func TestMergeRulesThatCantBe(t *testing.T) {
	rule := func(name, prefix string) engine.MergeRule {
		return engine.MergeRule{Name: name, Prefix: prefix, Compare: byNumber}
	}
	for field, rules := range map[string][]engine.MergeRule{
		"Merge[0].Name":    {rule("", "a")},
		"Merge[1].Name":    {rule("x", "a"), rule("x", "b")},
		"Merge[1].Prefix":  {rule("x", "a"), rule("y", "a")},
		"Merge[0].Prefix":  {rule("x", "\x00a")},
		"Merge[0].Compare": {{Name: "x"}},
		"Merge":            make([]engine.MergeRule, 100),
	} {
		c := engine.Local()
		c.Name, c.Merge = "a", rules
		var bad *engine.ConfigError
		if err := c.Validate(); !errors.As(err, &bad) || bad.Field != field || bad.Fix == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
}
