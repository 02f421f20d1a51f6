package metrics_test

import (
	"reflect"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/metrics"
)

// TestEachCountIsToldOnce: each number that counts something changes one sample, and no two change
// the same one.
func TestEachCountIsToldOnce(t *testing.T) {
	type sample struct{ family, label string }
	visit := func(s *engine.Stats) map[sample]float64 {
		all := map[sample]float64{}
		metrics.Visit(s, func(d *metrics.Desc, label string, v float64) { all[sample{d.Name, label}] = v })
		return all
	}
	none, by := visit(new(engine.Stats)), map[sample]string{}
	var walk func(s *engine.Stats, v reflect.Value, name string)
	walk = func(s *engine.Stats, v reflect.Value, name string) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(s, v.Field(i), name+"."+v.Type().Field(i).Name)
			}
		case reflect.Uint64:
			v.SetUint(1 << 20)
			told := 0
			for at, now := range visit(s) {
				if now != none[at] {
					if other := by[at]; other != "" {
						t.Errorf("%v tells %s and %s", at, other, name)
					}
					by[at] = name
					told++
				}
			}
			if told > 1 {
				t.Errorf("%s is told %d times", name, told)
			} else if told == 0 {
				t.Logf("%s is not told", name)
			}
			v.SetUint(0)
		}
	}
	s := new(engine.Stats)
	walk(s, reflect.ValueOf(s).Elem(), "Stats")
	if len(by) < 70 {
		t.Errorf("%d counts are told", len(by))
	}
}
