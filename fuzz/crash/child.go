package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

const (
	writers    = 32
	keys       = 25  // of one writer
	valueBytes = 600 // about; many make the log end and a snapshot begin
)

// script is what the child tells its parent, a line each.
type script struct {
	mu sync.Mutex
	w  *bufio.Writer
}

func (s *script) say(format string, args ...any) {
	s.mu.Lock()
	fmt.Fprintf(s.w, format+"\n", args...)
	s.w.Flush()
	s.mu.Unlock()
}

// child runs until it is killed.
func child(dir, how string) error {
	s := &script{w: bufio.NewWriter(os.Stdout)}
	c := engine.Local()
	c.Name, c.Limits.ValueBytes = "crash", 64<<20
	c.Disk.Path, c.Disk.Every = dir, 5*time.Millisecond
	c.Logger = slog.New(slog.NewTextHandler(lines{s}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	if c.Disk.Sync, err = engine.ParseSync(how); err != nil {
		return err
	}
	e, err := engine.Start(context.Background(), c)
	if err != nil {
		return err
	}
	for k, x := range e.Range(c.Name) {
		s.say("has %s %s", k, strings.TrimRight(string(x.Value), "."))
	}
	v, err := e.Set("start", nil)
	if err != nil {
		return err
	}
	s.say("ready %d %d", v.Gen, v.Seq)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() { write(e, s, c.Disk.Sync, w, v.Seq) })
	}
	all.Wait()
	return nil
}

// lines has the log told as lines.
type lines struct{ s *script }

func (l lines) Write(b []byte) (int, error) {
	l.s.say("log %s", strings.TrimSpace(string(b)))
	return len(b), nil
}

// write writes the keys of one writer, with values that only rise.
func write(e *engine.Engine, s *script, how engine.Sync, w int, from uint64) {
	ctx := context.Background()
	fill := strings.Repeat(".", valueBytes)
	for n := from; ; n++ {
		key := fmt.Sprintf("%d-%d", w, n*7%keys)
		op, value := "set", fmt.Sprintf("%d", n)
		if n%11 == 0 {
			op = "delete"
		}
		s.say("try-%s %s %s", op, key, value)
		v, err := engine.Version{}, error(nil)
		if op == "delete" {
			v, err = e.Delete(key)
		} else {
			v, err = e.Set(key, []byte(value+fill[:n%valueBytes]))
		}
		if err == nil && (op == "delete" || n%5 == 0) {
			err = e.WaitSynced(ctx, v)
		} else if err == nil && how != engine.SyncEach {
			continue // not acknowledged as synced
		}
		if err == nil {
			s.say("%s %s %s %d", op, key, value, v.Seq)
		}
	}
}
