package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// startOne starts a member for the length of the test.
func startOne(t testing.TB, name string, change func(*engine.Config)) *engine.Engine {
	t.Helper()
	cfg := engine.Local()
	cfg.Name = name
	if change != nil {
		change(&cfg)
	}
	e, err := engine.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestCallsAfterClose(t *testing.T) {
	e := startOne(t, "a", nil)
	v := set(t, e, "k", "v")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	f := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, engine.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx := t.Context()
	_, err := e.Set("k", nil)
	f("Set", err)
	_, err = e.SetTTL("k", nil, time.Second)
	f("SetTTL", err)
	_, err = e.Delete("k")
	f("Delete", err)
	_, err = e.Join(ctx, "127.0.0.1:1")
	f("Join", err)
	f("Leave", e.Leave(ctx))
	f("WaitVersion", e.WaitVersion(ctx, v))
	f("WaitConverged", e.WaitConverged(ctx))
	for _, err := range e.Watch(ctx, "k") {
		f("Watch", err)
	}
	if _, _, ok := e.Get("a", "k"); ok {
		t.Error("Get finds something")
	}
	for range e.Members() {
		t.Error("Members finds somebody")
	}
	for range e.Range("a") {
		t.Error("Range finds something")
	}
	if s := e.Stats(); s.Writes < 1 || s.Members != 1 {
		t.Errorf("the last Stats are %+v", s)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if e.ID() != 0 || e.Name() != "a" {
		t.Error("ID or Name is wrong")
	}
}

func TestCloseFreesEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	var addr netip.AddrPort
	for range 3 { // the same port again and again
		e := startOne(t, "a", func(c *engine.Config) {
			if addr.IsValid() {
				c.Bind = addr.String()
			}
		})
		addr = e.Addr()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { e.Close() })
		}
		wg.Wait()
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestStartErrors(t *testing.T) {
	e := startOne(t, "a", nil)
	cfg := engine.Local()
	cfg.Name, cfg.Bind = "b", e.Addr().String()
	_, err := engine.Start(t.Context(), cfg)
	var ce *engine.ConfigError
	if !errors.As(err, &ce) || ce.Field != "Bind" || !errors.Is(err, engine.ErrConfig) {
		t.Errorf("a port in use: %v", err)
	}
	cfg.Bind, cfg.Advertise, cfg.Resolver = "127.0.0.1:0", "nowhere.example:1", noDNS{}
	if _, err = engine.Start(t.Context(), cfg); !errors.As(err, &ce) || ce.Field != "Advertise" || !errors.Is(err, errNoDNS) {
		t.Errorf("an advertised name that does not resolve: %v", err)
	}
	r := engine.NewReactor(engine.ReactorOptions{})
	r.Close()
	cfg.Advertise, cfg.Reactor = "", r
	if _, err := engine.Start(t.Context(), cfg); err == nil {
		t.Error("started on a closed reactor")
	}
}

var errNoDNS = errors.New("no DNS here")

type noDNS struct{}

func (noDNS) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return nil, errNoDNS }

func (noDNS) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, errNoDNS
}

func TestWriteErrors(t *testing.T) {
	e := startOne(t, "a", func(c *engine.Config) { c.Limits.Keys = 20 })
	f := func(key string, bytes int, want error, text string) {
		t.Helper()
		_, err := e.Set(key, make([]byte, bytes))
		if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("Set of %d + %d bytes: %v, want %v %q", len(key), bytes, err, want, text)
		}
	}
	f("", 1, engine.ErrKey, "at least one byte")
	f("\x00left", 1, engine.ErrKey, "first not zero")
	f(strings.Repeat("k", 256), 1, engine.ErrTooLarge, "limit is 255 bytes")
	f(strings.Repeat("k", 255), 1, nil, "")
	f("k", engine.EntryBytesMax-1, nil, "")
	f("k", engine.EntryBytesMax, engine.ErrTooLarge, fmt.Sprintf("limit is %d bytes", engine.EntryBytesMax))
	for _, ttl := range []time.Duration{0, -1, engine.TTLMax + 1} {
		if _, err := e.SetTTL("k", nil, ttl); !errors.Is(err, engine.ErrTTL) {
			t.Errorf("SetTTL %v: %v", ttl, err)
		}
	}
	n := 0
	for i := range 100 {
		if _, err := e.Set(fmt.Sprint("key-", i), nil); err != nil {
			if !errors.Is(err, engine.ErrFull) {
				t.Fatal(err)
			}
			break
		}
		n++
	}
	if s := e.Stats(); n != 18 || s.Keys != 20 || s.WritesRefused != 0 || s.WritesRejected != 8 {
		t.Errorf("%d more keys fitted; %d keys, %d refused, %d rejected", n, s.Keys, s.WritesRefused, s.WritesRejected)
	}
	f("key-3", 10, nil, "")
}

// Writers that are faster than the loop are told so, and what was accepted is
// all there in the end.
func TestBackpressure(t *testing.T) {
	e := startOne(t, "a", func(c *engine.Config) { c.StageBytes = 16 << 10 })
	refused := 0
	want := map[string]engine.Version{}
	for i := range 200000 {
		key := fmt.Sprint("key-", i%1000)
		v, err := e.Set(key, make([]byte, 500))
		switch {
		case err == nil:
			want[key] = v
		case errors.Is(err, engine.ErrBackpressure):
			refused++
		default:
			t.Fatal(err)
		}
	}
	t.Logf("%d of 200000 refused", refused)
	for key, v := range want {
		if _, m, ok := e.Get("a", key); !ok || m.Version != v {
			t.Fatalf("%s: %v, want %v", key, m.Version, v)
		}
	}
	if s := e.Stats(); s.WritesRejected != uint64(refused) || s.WritesRefused != 0 {
		t.Errorf("%d rejected, %d refused", s.WritesRejected, s.WritesRefused)
	}
}

func TestOwnWritesAreReadableAtOnce(t *testing.T) {
	e := startOne(t, "a", nil)
	buf := make([]byte, 0, 100)
	for i := range 5000 {
		v := set(t, e, "k", fmt.Sprint(i))
		got, m, ok := e.AppendGet(buf, "a", "k")
		if !ok || string(got) != fmt.Sprint(i) || m.Version != v {
			t.Fatalf("wrote %d as %v, read %q %v %v", i, v, got, m.Version, ok)
		}
		if i%10 == 0 {
			e.Delete("k")
			if _, _, ok := e.Get("a", "k"); ok {
				t.Fatal("deleted, and still there")
			}
		}
	}
}

func TestRangeOfOwnKeys(t *testing.T) {
	e := startOne(t, "a", nil)
	for i := range 100 {
		set(t, e, fmt.Sprint("k", i), "v")
	}
	n := 0
	for k, entry := range e.Range("a") {
		if string(k) != fmt.Sprint("k", n) || string(entry.Value) != "v" {
			t.Fatalf("entry %d is %s=%s", n, k, entry.Value)
		}
		if n++; n == 99 {
			break
		}
		e.Set("k99", []byte("w")) // the body may write
	}
	for range e.Range("nobody") {
		t.Error("nobody has keys")
	}
}

// Callbacks may call back, even Close.
func TestCallbacksCallBack(t *testing.T) {
	var e *engine.Engine
	ready, closed := make(chan struct{}), make(chan struct{})
	e = startOne(t, "a", func(c *engine.Config) {
		c.OnEvent = func(ev engine.Event) {
			<-ready
			e.Stats()
			e.Set("k", nil)
			for range e.Members() {
			}
			if ev.Kind == engine.EventJoined {
				e.Close()
				close(closed)
			}
		}
	})
	close(ready)
	b := startOne(t, "b", nil)
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	b.Join(short, e.Addr().String()) // it closes before or after it has taken b in
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("Close in a callback hangs")
	}
}

func TestEventsAndLog(t *testing.T) {
	var mu sync.Mutex
	var log bytes.Buffer
	kinds := map[engine.EventKind]engine.Event{}
	c := enginetest.NewCluster(t, 3, enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 0 {
			c.Logger = slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil))
			c.OnEvent = func(ev engine.Event) {
				mu.Lock()
				kinds[ev.Kind] = ev
				mu.Unlock()
			}
		}
	}})
	seen := func(k engine.EventKind) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return kinds[k].Kind == k
		}
	}
	eventually(t, "joined", seen(engine.EventJoined))
	c.Stop(2)
	eventually(t, "left", seen(engine.EventLeft))
	c.Partition([]int{1})
	set(t, c.Engines[0], "k", "v") // an unacknowledged write finds out
	unreachable, dead := seen(engine.EventUnreachable), seen(engine.EventDead)
	eventually(t, "unreachable, or found dead before that", func() bool { return unreachable() || dead() })
	c.Heal()
	eventually(t, "reachable", seen(engine.EventReachable))
	mu.Lock()
	defer mu.Unlock()
	if m := kinds[engine.EventLeft].Member; m.Name != "node-2" || m.State != engine.StateLeft || !m.Addr.IsValid() {
		t.Errorf("left: %+v", m)
	}
	for _, line := range []string{"member-joined", "member-left", "peer=node-2"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log has no %q:\n%s", line, log.String())
		}
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func TestWatch(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	set(t, c.Engines[1], "addr", "before")
	c.WaitConverged()
	updates := make(chan engine.Update)
	go func() {
		defer close(updates)
		for u, err := range c.Engines[0].Watch(ctx, "addr") {
			if err != nil {
				return
			}
			updates <- u
		}
	}()
	f := func(member, value string, deleted bool) {
		t.Helper()
		for u := range updates { // values in between may be seen or not
			if u.Member == member && string(u.Value) == value && u.Deleted == deleted && u.Key == "addr" {
				return
			}
		}
		t.Fatalf("no update %s %s", member, value)
	}
	f("node-1", "before", false)
	for i := range 1000 {
		set(t, c.Engines[2], "addr", fmt.Sprint(i))
		set(t, c.Engines[2], "other", fmt.Sprint(i))
	}
	f("node-2", "999", false)
	set(t, c.Engines[0], "addr", "own")
	f("node-0", "own", false)
	c.Engines[2].Delete("addr")
	f("node-2", "", true)
	cancel()
	for range updates {
	}
}

func TestWatchEnds(t *testing.T) {
	e := startOne(t, "a", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range e.Watch(ctx, "k") {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	done := make(chan error)
	go func() {
		for _, err := range e.Watch(context.Background(), "k") {
			done <- err
		}
	}()
	e.Close()
	if err := <-done; !errors.Is(err, engine.ErrClosed) {
		t.Error(err)
	}
}

func TestJoin(t *testing.T) {
	virtual(t, 3, enginetest.Options{Apart: true}, func(t *testing.T, cluster *enginetest.Cluster) {
		a, b, c := cluster.Engines[0], cluster.Engines[1], cluster.Engines[2]
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		// Some answer, one does not, one is ourselves: partial success.
		short, cancelShort := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancelShort()
		n, err := c.Join(short, a.Addr().String(), b.Addr().String(), "127.0.0.1:9", c.Addr().String())
		if n != 2 || err != nil {
			t.Errorf("Join: %d, %v", n, err)
		}
		if n, err := a.Join(ctx, a.Addr().String()); n != 0 || err != nil {
			t.Errorf("joining oneself: %d, %v", n, err)
		}
		if n, err := a.Join(ctx); n != 0 || err != nil {
			t.Errorf("joining nobody: %d, %v", n, err)
		}
		n, err = c.Join(ctx, "bad seed:x", a.Addr().String())
		if n != 1 || err != nil {
			t.Errorf("one bad seed: %d, %v", n, err)
		}
		var je *engine.JoinError
		n, err = c.Join(ctx, "dns+srv://a:1", "dns://no/where")
		if n != 0 || !errors.As(err, &je) || len(je.Seeds) != 2 || !strings.Contains(err.Error(), `"dns://no/where"`) {
			t.Errorf("only bad seeds: %d, %v", n, err)
		}
		gone, cancelGone := context.WithCancel(ctx)
		cancelGone()
		if n, err := c.Join(gone, "127.0.0.1:9"); n != 0 || !errors.Is(err, engine.ErrJoin) {
			t.Errorf("a context that is over: %d, %v", n, err)
		}
	})
}

// The first seed named starts later than the member that wants to join it.
func TestSeedsAreTriedForEver(t *testing.T) {
	r := engine.NewReactor(engine.ReactorOptions{})
	defer r.Close()
	hole := startOne(t, "hole", nil)
	addr := hole.Addr()
	hole.Close()
	e := startOne(t, "a", func(c *engine.Config) {
		c.Reactor = r
		c.Seeds = []string{"seed.example:" + fmt.Sprint(addr.Port())}
		c.Resolver = localDNS{}
	})
	b := startOne(t, "b", func(c *engine.Config) { c.Bind, c.Reactor = addr.String(), r })
	eventually(t, "a finds b", func() bool { return e.Stats().Alive == 2 && b.Stats().Alive == 2 })
	b.Close()
	e.Close()
}

// localDNS knows every name as 127.0.0.1.
type localDNS struct{ noDNS }

func (localDNS) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func TestReactorCloseEndsEngines(t *testing.T) {
	r := engine.NewReactor(engine.ReactorOptions{})
	e := startOne(t, "a", func(c *engine.Config) { c.Reactor = r })
	r.Close()
	r.Close()
	if _, err := e.Set("k", nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Set: %v", err)
	}
	e.Close()
}
