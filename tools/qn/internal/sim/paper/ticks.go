package paper

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// ticks are some six to twelve names along an axis, at 1, 2 or 5 times a power of ten, each
// with as many decimals as tell it from the next.
type ticks struct{}

const ticksMost = 12

// Ticks lists them.
func (ticks) Ticks(low, high float64) (all []plot.Tick) {
	if !(high > low) {
		return []plot.Tick{{Value: low, Label: strconv.FormatFloat(low, 'g', -1, 64)}}
	}
	power := math.Floor(math.Log10((high - low) / ticksMost))
	step := math.Pow(10, power+1)
	for _, of := range [...]float64{1, 2, 5} {
		if s := of * math.Pow(10, power); (high-low)/s < ticksMost {
			step = s
			break
		}
	}
	decimals := max(0, int(-math.Floor(math.Log10(step)+1e-9)))
	for k := math.Ceil(low/step - 1e-9); k*step <= high+1e-9*step; k++ {
		all = append(all, plot.Tick{Value: k * step, Label: strconv.FormatFloat(k*step+0, 'f', decimals, 64)})
	}
	return all
}
