package batch

import (
	"slices"
	"sync"
	"testing"
)

// TestTable: changes from many sides are all kept, and who reads sees a list that stays.
func TestTable(t *testing.T) {
	var table Table[int]
	if len(table.All()) != 0 {
		t.Fatal("it is not empty")
	}
	var all sync.WaitGroup
	for k := range 4 {
		all.Go(func() {
			for i := range 50 {
				table.Change(func(list []int) []int { return append(list, 50*k+i) })
			}
		})
	}
	all.Wait()
	seen := table.All()
	held := slices.Clone(seen)
	table.Change(func(list []int) []int {
		clear(list)
		return list[:10]
	})
	if !slices.Equal(seen, held) {
		t.Error("a list that was read has changed")
	}
	slices.Sort(held)
	if len(held) != 200 || held[0] != 0 || held[199] != 199 || len(slices.Compact(held)) != 200 || len(table.All()) != 10 {
		t.Errorf("%d of 200 changes; %d", len(held), len(table.All()))
	}
}
