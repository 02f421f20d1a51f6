package stream

import (
	"math/rand/v2"
	"testing"
	"time"
)

func newPool() (p *pool, home *homeward) {
	home = new(homeward)
	home.queue.Init(64)
	return &pool{back: home}, home
}

// holds is what a pool and its queue hold, counted.
func (p *pool) holds() (n int64) {
	for _, list := range p.free {
		for _, b := range list {
			n += int64(cap(b))
		}
	}
	return n
}

// Memory of bodies is kept up to a bound, on its way home too, whatever its sizes.
func TestThePoolIsBounded(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	p, home := newPool()
	var taken [][]byte
	for i := range 20_000 {
		switch n := 1 << rnd.IntN(25); {
		case rnd.IntN(2) == 0 && len(taken) < 8:
			if b := p.get(1 + rnd.IntN(n)); len(b) > 0 {
				taken = append(taken, b)
			}
		case len(taken) > 0 && i%3 == 0:
			p.put(taken[0])
			taken = taken[1:]
		case len(taken) > 0:
			home.push(taken[0])
			taken = taken[1:]
		default:
			home.push(make([]byte, n+i%2)) // from elsewhere
		}
		if kept := home.kept.Load(); kept > poolBytesMax || kept < p.holds() {
			t.Fatalf("step %d: %d bytes are kept by the count, %d in the pool", i, kept, p.holds())
		}
	}
	p.fetch()
	if kept := home.kept.Load(); kept != p.holds() {
		t.Errorf("%d bytes are kept by the count, %d are", kept, p.holds())
	}
}

// What no body needs goes within seconds; what is needed in each of them stays.
func TestThePoolLetsGo(t *testing.T) {
	p, home := newPool()
	const size, many, needed = 64 << 10, 48, 8
	for range many {
		home.push(make([]byte, size))
	}
	now := time.Unix(0, 0)
	for range 10 {
		var used [][]byte
		for range needed {
			used = append(used, p.get(size))
		}
		for _, b := range used {
			home.push(b)
		}
		now = now.Add(trimEvery)
		p.trim(now)
	}
	if kept := home.kept.Load(); kept != needed*size {
		t.Errorf("%d bytes are kept where %d are needed", kept, needed*size)
	}
	for range 6 {
		now = now.Add(trimEvery)
		p.trim(now)
	}
	if !p.empty() {
		t.Errorf("%d bytes are kept where nothing is needed", home.kept.Load())
	}
}
