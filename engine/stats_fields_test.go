package engine

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/core"
)

// TestEachNumberIsToldUnderItsName: what the loop counts shows in Stats as one number, that which has
// its name, by as much, and changes no other. What has another name there, more than one, or none,
// is listed.
func TestEachNumberIsToldUnderItsName(t *testing.T) {
	c := Local()
	c.Name, c.LeaveTimeout = "one", -1
	e, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	var is tally
	before := numbersIn(e.statsOf(&is))
	for _, l := range leaves("", reflect.ValueOf(&is).Elem()) {
		const more = 7
		add(l.value, more)
		var told []string
		for at, n := range numbersIn(e.statsOf(&is)) {
			if n == before[at] {
				continue
			}
			told = append(told, at)
			if n != before[at]+more && l.value.Kind() != reflect.Bool && at != "Detector.Wary" {
				t.Errorf("%s is %v more, and %s is %v for %v", l.name, more, at, n, before[at])
			}
		}
		l.value.SetZero()
		slices.Sort(told)
		if got := strings.Join(told, " "); got != toldAs(l.name) {
			t.Errorf("%s is told as %q, want %q", l.name, got, toldAs(l.name))
		}
	}
}

// toldAs is where in Stats a number of the tally shows: of the same name, but for those in otherNames.
func toldAs(name string) string {
	if other, ok := otherNames[name]; ok {
		return other
	}
	if of, place, ok := strings.Cut(strings.TrimSuffix(name, "]"), "["); ok {
		i, _ := strconv.Atoi(place)
		switch of {
		case "core.Drops":
			return "Drops." + core.Drop(i).String()
		case "socket.SendErrors":
			return "SendErrors." + batch.ErrorKind(i).String() + " Socket." + name[len("socket."):]
		case "members":
			return "ByState[" + place + "] Members"
		}
	}
	part, last, _ := strings.Cut(name, ".")
	last = last[strings.LastIndex(last, ".")+1:]
	switch {
	case part == "spread":
		return "Spread." + last
	case part == "socket":
		return "Socket." + last
	case part == "detector" && strings.HasPrefix(last, "Drop"):
		return "Detector.Drops." + strings.ToLower(last[len("Drop"):])
	case part == "detector":
		return "Detector." + last
	case part == "flow", strings.HasPrefix(name, "core.flowCounters."):
		return "Flow." + last
	case strings.HasPrefix(name, "core.auditCounters."):
		return "Audit." + strings.TrimPrefix(last, "Audit")
	case strings.HasPrefix(last, "Delegations"):
		return "Delegation." + strings.TrimPrefix(last, "Delegations")
	case strings.HasPrefix(name, "core.wordCounters."):
		return "Checkpoints." + strings.TrimPrefix(last, "Checkpoints")
	}
	return last
}

var otherNames = map[string]string{
	"answering": "Alive", "fingerprint": "Fingerprint", "full": "FullMembers", "holes": "Holes", "lag": "LoopLag",
	"refused": "WritesRefused", "unsent": "FramesStale", "health": "Detector.Health",
	"pace.period": "Detector.Period Detector.Wary", "pace.usual": "",
	"store.LiveKeys":                      "Keys",
	"socket.KernelDrops":                  "Drops.kernel Socket.KernelDrops",
	"socket.Oversize":                     "Drops.oversize Socket.Oversize",
	"core.wordCounters.CheckpointsDiffer": "Checkpoints.Differed",
	"detector.ProbesSent":                 "Detector.Probes", "detector.ProbesAnswered": "Detector.Answers", "detector.RoundsMissed": "Detector.Missed",
	"detector.FullCases": "Detector.Drops.full", "detector.FullFacts": "Detector.Drops.full", "detector.FullQueue": "Detector.Drops.full",
	"detector.FullWatch": "Detector.Drops.full", "detector.Grave": "Detector.Drops.buried",
	"flow.BudgetCuts": "Flow.Cuts", "flow.BudgetTimeouts": "Flow.Timeouts", "flow.Clamped": "Flow.Absurd",

	// What the parts count for their own tests and experiments.
	"core.Derived": "", "core.DetectorFrames": "", "core.Evicted": "", "core.Mended": "", "core.Unseated": "",
	"core.WritesRefused":               "", // who refuses is the engine: refused
	"core.compareCounters.BatchesSent": "", "core.compareCounters.TurnsReceived": "", "core.compareCounters.TurnsSent": "",
	"core.eventCounters.BroadcastsKnown": "", "core.eventCounters.BroadcastsSent": "", "core.eventCounters.BroadcastsTaken": "",
	"core.mailCounters.FullsReceived": "",
	"detector.AcksLate":               "", "detector.AcksTaken": "", "detector.Buried": "", "detector.Digests": "", "detector.FactsEvicted": "",
	"detector.FactsSent": "", "detector.FactsStale": "", "detector.FactsTaken": "", "detector.Refused": "", "detector.Replies": "", "detector.Rounds": "",
	"flow.Cuts": "", "flow.Raises": "",
	"store.CellBytes": "", "store.Compactions.Cells": "", "store.Compactions.Dropped": "", "store.Compactions.Merged": "", "store.Compactions.Moved": "",
	"store.Compactions.Rebuilt": "", "store.Entries": "", "store.IndexBytes": "", "store.LogBytes": "", "store.Origins": "",
}

type leaf struct {
	name  string
	value reflect.Value
}

// leaves are the numbers in v, the unexported ones too; v can be set.
func leaves(name string, v reflect.Value) (all []leaf) {
	join := func(part string) string { return strings.TrimPrefix(name+"."+part, ".") }
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			f = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
			all = append(all, leaves(join(v.Type().Field(i).Name), f)...)
		}
	case reflect.Array:
		for i := range v.Len() {
			all = append(all, leaves(fmt.Sprintf("%s[%d]", name, i), v.Index(i))...)
		}
	default:
		if v.CanInt() || v.CanUint() || v.Kind() == reflect.Bool {
			all = append(all, leaf{name, v})
		}
	}
	return all
}

func add(v reflect.Value, n int) {
	switch {
	case v.CanInt():
		v.SetInt(v.Int() + int64(n))
	case v.CanUint():
		v.SetUint(v.Uint() + uint64(n))
	default:
		v.SetBool(true)
	}
}

// numbersIn are the numbers of s by name.
func numbersIn(s Stats) map[string]float64 {
	all := map[string]float64{}
	for _, l := range leaves("", reflect.ValueOf(&s).Elem()) {
		switch v := l.value; {
		case v.CanInt():
			all[l.name] = float64(v.Int())
		case v.CanUint():
			all[l.name] = float64(v.Uint())
		case v.Bool():
			all[l.name] = 1
		default:
			all[l.name] = 0
		}
	}
	for of, m := range map[string]map[string]uint64{"Drops.": s.Drops, "SendErrors.": s.SendErrors, "Detector.Drops.": s.Detector.Drops} {
		for name := range maps.Keys(m) {
			all[of+name] = float64(m[name])
		}
	}
	return all
}
