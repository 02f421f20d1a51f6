package space

import (
	"context"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// A key whose lifetime is over here, while the engine has not ended it yet, is none for who writes
// depending on it: to keep what is left of its life would make it live for ever.
func TestWhatIsOverLivesNoLonger(t *testing.T) {
	cfg := engine.Local()
	cfg.Name = "a"
	eng, err := engine.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer eng.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := New(ctx, eng)
	over := func(name string) {
		t.Helper()
		if _, err := s.Set(name, []byte("7"), Put{TTL: time.Hour}); err != nil {
			t.Fatal(err)
		}
		s.index.mu.Lock() // the index's clock is ahead of the engine's
		for n, d := range s.index.dues.of {
			d.at = time.Now().Add(-time.Millisecond)
			s.index.dues.of[n] = d
		}
		s.index.mu.Unlock()
	}
	over("./kept")
	if r, err := s.Set("./kept", []byte("8"), Put{Keep: true, Present: true}); err != nil || r.Written {
		t.Errorf("it was there: %+v, %v", r, err)
	}
	over("./old")
	if r, err := s.Set("./old", []byte("8"), Put{Absent: true, Old: true, TTL: time.Hour}); err != nil || !r.Written || r.Old != nil {
		t.Errorf("it was there: %+v, %v", r, err)
	}
	over("./sum")
	if sum, err := s.Add("./sum", 1); err != nil || sum != 1 {
		t.Errorf("%d, %v", sum, err)
	}
	over("./longer")
	if done, err := s.Expire("./longer", 0); err != nil || done {
		t.Errorf("it was there: %v, %v", done, err)
	}
}
