package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSharedKeysThroughFaults: whatever goes, comes back with or without a disk, sleeps and has a
// wrong clock, all hold the same in the end, a write has one value wherever it is read, and what
// all have acknowledged is never undone but by a later write. A run is repeated by its seed, up to
// what goroutines do in another order:
//
//	go test ./engine -run TestSharedKeysThroughFaults -shared.first 1 -shared.seeds 200
//	go test ./engine -run TestSharedKeysThroughFaults -shared.replay 4f3a:1,7-12
func TestSharedKeysThroughFaults(t *testing.T) {
	if *sharedReplay != "" {
		seed, keep, err := parseSharedReplay(*sharedReplay)
		if err != nil {
			t.Fatal(err)
		}
		p := keep.of(newSharedPlan(seed))
		if law := trySharedPlan(t, p); law != "" {
			t.Fatalf("%s%s", p.text(), law)
		}
		return
	}
	first := *sharedFirst
	if first == 0 {
		first = rand.Uint64() >> 32
	}
	for seed := first; seed < first+uint64(*sharedSeeds); seed++ {
		t.Run(fmt.Sprintf("seed %x", seed), func(t *testing.T) {
			law := trySharedPlan(t, newSharedPlan(seed))
			if law == "" {
				return
			}
			keep, small := shrinkShared(t, seed)
			t.Errorf("%s%s\nshrunk: %s\n-shared.replay %s", keep.of(newSharedPlan(seed)).text(), law, small, keep.replay(seed))
		})
	}
}

func (p *sharedPlan) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d members, disks %v %v, loss %v\n", p.members, p.disks, p.sync, p.loss)
	for i := range p.steps {
		fmt.Fprintln(&b, "\t", p.steps[i])
	}
	return b.String()
}

// kept are the steps of a plan that are left, ascending; nil: all.
type kept []int

func (k kept) of(p *sharedPlan) *sharedPlan {
	if k == nil {
		return p
	}
	q := *p
	q.steps = nil
	for _, i := range k {
		if i < len(p.steps) {
			q.steps = append(q.steps, p.steps[i])
		}
	}
	return &q
}

// shrinkShared leaves out of a plan that breaks a law what it does not need (Zeller and Hildebrandt
// 2002, ddmin): runs are not quite repeatable, so what does not fail at once is tried twice.
func shrinkShared(t *testing.T, seed uint64) (kept, string) {
	p := newSharedPlan(seed)
	keep, law := make(kept, len(p.steps)), ""
	for i := range keep {
		keep[i] = i
	}
	fails := func(k kept) bool {
		for range 2 {
			if l := trySharedPlan(t, k.of(p)); l != "" {
				law = l
				return true
			}
		}
		return false
	}
	for size := len(keep) / 2; size > 0; size /= 2 {
		for at := 0; at < len(keep); {
			if k := slices.Delete(slices.Clone(keep), at, min(at+size, len(keep))); fails(k) {
				keep = k
			} else {
				at += size
			}
		}
	}
	return keep, law
}

// replay is a word for some steps of the plan of a seed: ranges of their numbers.
func (k kept) replay(seed uint64) string {
	word := fmt.Sprintf("%x:", seed)
	for i := 0; i < len(k); {
		end := i
		for end+1 < len(k) && k[end+1] == k[end]+1 {
			end++
		}
		word += strconv.Itoa(k[i])
		if end > i {
			word += "-" + strconv.Itoa(k[end])
		}
		if i = end + 1; i < len(k) {
			word += ","
		}
	}
	return word
}

func parseSharedReplay(word string) (seed uint64, k kept, err error) {
	head, tail, some := strings.Cut(word, ":")
	if seed, err = strconv.ParseUint(head, 16, 64); err != nil || !some {
		return seed, nil, err
	}
	k = kept{}
	for part := range strings.SplitSeq(tail, ",") {
		if part == "" {
			continue
		}
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, err := strconv.Atoi(from)
		if err != nil {
			return 0, nil, err
		}
		b, err := strconv.Atoi(to)
		if err != nil {
			return 0, nil, err
		}
		for ; a <= b; a++ {
			k = append(k, a)
		}
	}
	return seed, k, nil
}

func TestSharedReplayWords(t *testing.T) {
	f := func(seed uint64, k kept, want string) {
		t.Helper()
		word := k.replay(seed)
		again, back, err := parseSharedReplay(word)
		if word != want || err != nil || again != seed || !slices.Equal(back, k) {
			t.Errorf("%q, want %q; back %x %v %v", word, want, again, back, err)
		}
	}
	f(0x4f3a, kept{1, 7, 8, 9, 12}, "4f3a:1,7-9,12")
	f(1, kept{}, "1:")
	for _, bad := range []string{"", "x", "1:a", "1:2-b"} {
		if _, _, err := parseSharedReplay(bad); err == nil {
			t.Errorf("%q was believed", bad)
		}
	}
}
