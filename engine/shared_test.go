package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

func sharedText(e *engine.Engine, key string) string {
	v, _, ok := e.Shared().Get(key)
	if !ok {
		return "-"
	}
	return string(v)
}

// everywhere waits until all given members read want.
func everywhere(t *testing.T, list []*engine.Engine, key, want string) {
	t.Helper()
	for _, e := range list {
		eventually(t, fmt.Sprintf("%s reads %q as %q", e.Name(), key, want), func() bool { return sharedText(e, key) == want })
	}
}

// TestSharedKeys: whoever writes, all read the same; the last writer wins, then the first, then a
// delete, then a forced write.
func TestSharedKeys(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	a, b, d := c.Engines[0].Shared(), c.Engines[1].Shared(), c.Engines[2].Shared()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(a.Set("k", []byte("one")))
	if _, v, _ := a.Get("k"); v.Author != b.Author(c.Engines[0].Name()) || v.Author == b.Author(c.Engines[1].Name()) {
		t.Errorf("%+v is not of %s", v, c.Engines[0].Name())
	}
	if got := sharedText(c.Engines[0], "k"); got != "one" {
		t.Errorf("an own write is not read at once: %q", got)
	}
	everywhere(t, c.Engines, "k", "one")
	must(b.Set("k", []byte("two")))
	everywhere(t, c.Engines, "k", "two")
	must(d.Delete("k"))
	everywhere(t, c.Engines, "k", "-")
	must(a.SetOnce("k", []byte("first")))
	everywhere(t, c.Engines, "k", "first")
	var conflict *engine.ConflictError
	if _, err := b.SetOnce("k", []byte("second")); !errors.As(err, &conflict) || conflict.Have.IsZero() {
		t.Errorf("%v", err)
	}
	must(b.Delete("k"))
	everywhere(t, c.Engines, "k", "-")
	must(b.SetOnce("k", []byte("again")))
	everywhere(t, c.Engines, "k", "again")
	must(d.Force("k", []byte("forced")))
	everywhere(t, c.Engines, "k", "forced")
	must(a.Set("k", []byte("last")))
	everywhere(t, c.Engines, "k", "last")
	set(t, c.Engines[0], "k", "own")
	if got := sharedText(c.Engines[0], "k"); got != "last" {
		t.Errorf("a member's key shows as a shared one: %q", got)
	}
	if a.Len() != 1 {
		t.Errorf("%d keys", a.Len())
	}
}

// TestSharedConditions: compare and set succeeds once everybody has it, and reports conflicts.
func TestSharedConditions(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{})
	ctx := t.Context()
	a, b := c.Engines[0].Shared(), c.Engines[1].Shared()
	v, err := a.SetIf(ctx, "k", engine.SharedVersion{}, []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if got, at, _ := b.Get("k"); string(got) != "1" || at != v {
		t.Errorf("%q %v, want version %v", got, at, v)
	}
	w, err := b.SetIf(ctx, "k", v, []byte("2"))
	if err != nil {
		t.Fatal(err)
	}
	var conflict *engine.ConflictError
	if _, err = a.SetIf(ctx, "k", v, []byte("3")); !errors.As(err, &conflict) || conflict.Have != w {
		t.Errorf("%v, want a conflict with %v", err, w)
	}
	if _, err = a.SetIf(ctx, "k", engine.SharedVersion{}, []byte("3")); !errors.Is(err, engine.ErrConflict) {
		t.Error(err)
	}
	p, err := a.SetOnce("lock", []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err = p.Confirm(ctx); err != nil {
		t.Error(err)
	}
	b.Force("lock", []byte("b"))
	everywhere(t, c.Engines, "lock", "b")
	if err = p.Confirm(ctx); !errors.Is(err, engine.ErrConflict) {
		t.Error(err)
	}
}

// TestSharedLimits: what Set takes, whoever adopts it can hold and send.
func TestSharedLimits(t *testing.T) {
	e := startOne(t, "a", nil)
	s := e.Shared()
	long := strings.Repeat("k", engine.SharedKeyBytesMax)
	if _, err := s.Set(long, make([]byte, engine.SharedEntryBytesMax-len(long))); err != nil {
		t.Error(err)
	}
	var size *engine.SizeError
	if _, err := s.Set("k", make([]byte, engine.SharedEntryBytesMax)); !errors.As(err, &size) || size.Limit != engine.SharedEntryBytesMax {
		t.Error(err)
	}
	if _, err := s.Set(long+"k", nil); !errors.As(err, &size) || size.Limit != engine.SharedKeyBytesMax {
		t.Error(err)
	}
	if _, err := s.Set("", nil); !errors.Is(err, engine.ErrKey) {
		t.Error(err)
	}
	e.Close()
	if _, err := s.Set("k", nil); !errors.Is(err, engine.ErrClosed) {
		t.Error(err)
	}
	if _, _, ok := s.Get(long); ok {
		t.Error("a closed engine reads")
	}
}

// TestSharedReadsAllocateNothing: neither the index nor the staged writes cost memory.
func TestSharedReadsAllocateNothing(t *testing.T) {
	e := startOne(t, "a", nil)
	if _, err := e.Shared().Set("k", []byte("value")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is applied", func() bool { return e.Stats().Staged == 0 })
	buf := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(1000, func() {
		if v, _, ok := e.Shared().AppendGet(buf, "k"); !ok || len(v) != 5 {
			t.Fatal(v, ok)
		}
	}); n != 0 {
		t.Error(n, "allocations")
	}
}

// TestSharedKeysOutliveTheirWriter: what a member wrote last is read after it left, died, or came
// back with nothing.
func TestSharedKeysOutliveTheirWriter(t *testing.T) {
	for _, how := range []string{"leaves", "dies", "returns blank"} {
		t.Run(how, func(t *testing.T) {
			c := enginetest.NewCluster(t, 4, enginetest.Options{Config: func(_ int, c *engine.Config) {
				d := &c.Detector
				d.Grace, d.DeadAge, d.LeftAge = 300*time.Millisecond, time.Second, time.Second
			}})
			rest := c.Engines[:3]
			w := c.Engines[3].Shared()
			for i := range 50 {
				if _, err := w.Set(fmt.Sprint("key", i), []byte("kept")); err != nil {
					t.Fatal(err)
				}
			}
			c.Engines[0].Shared().Set("deleted", []byte("v"))
			everywhere(t, c.Engines, "deleted", "v")
			v, _ := w.Delete("deleted")
			if err := c.Engines[3].WaitVersion(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			switch how {
			case "leaves":
				c.Stop(3)
			case "dies":
				c.Kill(3)
			default:
				c.Kill(3)
				c.Restart(3)
				rest = c.Engines
			}
			eventually(t, "the claims were taken over", func() bool {
				n := 0
				for _, e := range rest {
					n += e.Shared().Adopted()
				}
				return n >= 51
			})
			if how != "returns blank" {
				for _, e := range rest {
					eventually(t, "the writer is forgotten", func() bool { _, ok := e.Member("node-3"); return !ok })
				}
			}
			for i := range 50 {
				everywhere(t, rest, fmt.Sprint("key", i), "kept")
			}
			everywhere(t, rest, "deleted", "-")
		})
	}
}
