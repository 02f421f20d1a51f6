package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if dir := os.Getenv(envDir); dir != "" {
		fail(child(dir, os.Getenv(envSync)))
	}
	kills := flag.Int("kills", 200, "how often the process is killed with each Sync")
	syncs := flag.String("sync", "interval,never,each", "which Sync, with commas")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments of death")
	most := flag.Duration("time", 5*time.Minute, "when to end whatever is left")
	flag.Parse()
	end := time.Now().Add(*most)
	for _, how := range strings.Split(*syncs, ",") {
		fail(run(how, *kills, *seed, end))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

// run is one trial in a directory of its own, which stays if it fails.
func run(how string, kills int, seed uint64, end time.Time) error {
	dir, err := os.MkdirTemp("", "quidnunc-crash-")
	if err != nil {
		return err
	}
	t := newTrial(filepath.Join(dir, "state"), how, seed)
	for t.kills < kills && time.Now().Before(end) {
		if err := t.life(); err != nil {
			return fmt.Errorf("sync %s, seed %d, life %d, in %s: %w", how, seed, t.kills, t.dir, err)
		}
	}
	files, _ := os.ReadDir(t.dir)
	fmt.Printf("sync %-8s seed %d: %d kills, %d writes acknowledged as on disk, none lost; longest start %v, %d files at the end\n",
		how, seed, t.kills, t.total, t.started.Round(time.Millisecond), len(files))
	return os.RemoveAll(dir)
}
