//go:build linux

package linux

import (
	"strconv"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/batchtest"
)

// poor is a container that forbids everything that may be missing.
var poor = features{}

func open(t testing.TB, idle batch.Idle, f features) *Poller {
	t.Helper()
	p, err := newPoller(batch.PollerOptions{Idle: idle}, f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBehaviour(t *testing.T) {
	for _, c := range []struct {
		name string
		idle batch.Strategy
		feat features
	}{
		{"park", batch.Park, probed()},
		{"spinThenPark", batch.SpinThenPark, probed()},
		{"spin", batch.Spin, probed()},
		{"withoutCalls", batch.Park, poor},
	} {
		t.Run(c.name, func(t *testing.T) {
			batchtest.Run(t, func(t testing.TB) batch.Poller {
				return open(t, batch.Idle{Strategy: c.idle}, c.feat)
			})
		})
	}
}

func BenchmarkSelf(b *testing.B) {
	batchtest.BenchmarkSelf(b, func(b testing.TB) batch.Poller { return open(b, batch.Idle{}, probed()) })
}

// BenchmarkSelfGSO is BenchmarkSelf with segmented sends and coalesced receives,
// for bench/floor.sh with GSO=1.
func BenchmarkSelfGSO(b *testing.B) {
	needSegments(b)
	for _, size := range []int{64, 512, 1400} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			batchtest.Stream(b, open(b, batch.Idle{}, probed()), batch.Options{GSO: batch.On, GRO: batch.On}, size, 32)
		})
	}
}

func BenchmarkPingPong(b *testing.B) {
	batchtest.BenchmarkPingPong(b, func(b testing.TB, i batch.Idle) batch.Poller { return open(b, i, probed()) },
		batch.Park, batch.SpinThenPark, batch.Spin)
}
