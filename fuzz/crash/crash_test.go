package main

import (
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		fail(child(dir, os.Getenv(envSync)))
	}
	os.Exit(m.Run())
}

// What was acknowledged as on disk survives SIGKILL at any moment.
func TestKilledAtRandomMoments(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 4
	}
	for _, how := range []string{"interval", "never", "each"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			if err := run(how, kills, uint64(time.Now().UnixNano()), time.Now().Add(2*time.Minute)); err != nil {
				t.Error(err)
			}
		})
	}
}
