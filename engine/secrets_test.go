package engine_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

func key(id uint8) engine.Secret {
	return engine.Secret{ID: id, Bytes: bytes.Repeat([]byte{0xa0 | id, 0x5e}, 16)}
}

// text is a log that any goroutine may write and read.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (x *text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.Write(p)
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.String()
}

func keyed(log *text, ids ...uint8) enginetest.Options {
	return enginetest.Options{Config: func(_ int, c *engine.Config) {
		for _, id := range ids {
			c.Secrets = append(c.Secrets, key(id))
		}
		if log != nil {
			c.Logger = slog.New(slog.NewJSONHandler(log, nil))
		}
	}}
}

func TestKeysArePrintedWithoutTheSecret(t *testing.T) {
	k := key(3)
	digits := hex.EncodeToString(k.Bytes)
	var log text
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k, "config", engine.Config{Secrets: []engine.Secret{k}})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k, "config", engine.Config{Secrets: []engine.Secret{k}})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb+"\n", k)
		fmt.Fprintf(&log, verb+"\n", []engine.Secret{k})
		fmt.Fprintf(&log, verb+"\n", engine.Config{Secrets: []engine.Secret{k}})
	}
	j, err := json.Marshal([]engine.Secret{k})
	fmt.Fprintf(&log, "%s %v\n", j, err)
	for _, leak := range []string{digits, digits[:12], "163 94", "oygo", strings.ToUpper(digits[:12]), `\xa3`} {
		if strings.Contains(log.String(), leak) {
			t.Errorf("%q is printed in\n%s", leak, log.String())
		}
	}
	if again, err := engine.ParseSecret(k.Text()); err != nil || !bytes.Equal(again.Bytes, k.Bytes) || again.ID != 3 {
		t.Errorf("%v, %v", again, err)
	}
	if a, b := engine.NewSecret(1), engine.NewSecret(1); bytes.Equal(a.Bytes, b.Bytes) || len(a.Bytes) != 32 {
		t.Error("new keys are not random")
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	digits := strings.Repeat("ab", 16)
	good := write("good", "# keys of the cluster\n\n7:"+digits+"\n 9:"+strings.Repeat("cd", 32)+"\n", 0o400)
	if keys, err := engine.ReadSecretFile(good); err != nil || len(keys) != 2 || keys[0].ID != 7 || len(keys[1].Bytes) != 32 {
		t.Errorf("%v, %v", keys, err)
	}
	if keys, err := engine.ReadSecretFile(write("mounted", "7:"+digits+"\n", 0o440)); err != nil || len(keys) != 1 {
		t.Errorf("a file that its group may read: %v", err)
	}
	f := func(path string, wants ...string) {
		t.Helper()
		c := engine.Local()
		c.Name, c.SecretFiles = "a", []string{path}
		e, err := engine.Start(context.Background(), c)
		if e != nil {
			e.Close()
		}
		if !errors.Is(err, engine.ErrConfig) {
			t.Fatalf("%s: %v", path, err)
		}
		for _, w := range append(wants, "Config.SecretFiles[0]", path) {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not say %q", err, w)
			}
		}
		if strings.Contains(err.Error(), digits[:8]) {
			t.Errorf("%q shows the key", err)
		}
	}
	f(filepath.Join(dir, "none"), "no such file", "qn keys gen", "chmod 600")
	f(write("open", digits, 0o644), "mode 0644", "chmod 600 "+filepath.Join(dir, "open"))
	f(write("group", digits, 0o660), "mode 0660", "chmod 600")
	f(write("short", digits[:30], 0o600), "line 1", "15 bytes", "16 or 32", "qn keys gen")
	f(write("text", "7:"+digits[:30]+"zz", 0o600), "hexadecimal")
	f(write("zero", "0:"+digits, 0o600), "1 to 255")
	f(write("empty", "# nothing\n", 0o600), "no secret")
	f(write("twice", "7:"+digits+"\n7:"+digits[:30]+"00", 0o600), "another key of this id")
	f(dir, "not a regular file")
}

func TestKeysInTheConfiguration(t *testing.T) {
	f := func(change func(*engine.Config), field string, wants ...string) {
		t.Helper()
		c := engine.Local()
		c.Name, c.Bind = "a", "0.0.0.0:0"
		change(&c)
		err := c.Validate()
		var ce *engine.ConfigError
		if field == "" && err != nil || field != "" && (!errors.As(err, &ce) || ce.Field != field) {
			t.Errorf("%v, want an error of field %q", err, field)
		}
		for _, w := range wants {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not say %q", err, w)
			}
		}
	}
	f(func(c *engine.Config) {}, "Bind", "no secret is set")
	f(func(c *engine.Config) { c.Secrets = []engine.Secret{key(1)} }, "")
	f(func(c *engine.Config) { c.SecretFiles = []string{"x"} }, "")
	f(func(c *engine.Config) { c.Insecure = true }, "")
	f(func(c *engine.Config) { c.Insecure, c.Secrets = true, []engine.Secret{key(1)} }, "Insecure", "leave it out")
	f(func(c *engine.Config) { c.Secrets = []engine.Secret{{ID: 4, Bytes: make([]byte, 15)}} }, "Secrets[0]", "15 bytes", "16 or 32")
	f(func(c *engine.Config) { c.Secrets = []engine.Secret{key(1), {Bytes: make([]byte, 16)}} }, "Secrets[1]", "1 to 255")
	f(func(c *engine.Config) { c.Secrets = make([]engine.Secret, 9) }, "Secrets", "at most 8")
}

// TestKeysAreReplacedUnderLoad: while writes go on, a key is added, used and
// the old one removed, and no frame that comes is refused for it.
func TestKeysAreReplacedUnderLoad(t *testing.T) {
	var log text
	c := enginetest.NewCluster(t, 5, keyed(&log, 1))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := c.Engines[n%5].Set(fmt.Sprint("k", n%50), fmt.Append(nil, n)); err != nil && !errors.Is(err, engine.ErrBackpressure) {
				t.Error(err)
				return
			}
		}
	}()
	all := func(what string, step func(e *engine.Engine) error, settled func(k []engine.SecretState) bool) {
		for _, e := range c.Engines {
			if err := step(e); err != nil {
				t.Errorf("%s: %s: %v", e.Name(), what, err)
			}
		}
		eventually(t, what, func() bool {
			for _, e := range c.Engines {
				if !settled(e.Secrets()) {
					return false
				}
			}
			return true
		})
	}
	all("add", func(e *engine.Engine) error { return e.AddSecret(key(2)) }, func(k []engine.SecretState) bool {
		return len(k) == 2 && k[0].Primary && len(k[0].Sealing) == 4 && len(k[1].Lacking) == 0
	})
	all("use", func(e *engine.Engine) error { return e.UseSecret(2) }, func(k []engine.SecretState) bool {
		return k[1].Primary && len(k[0].Sealing) == 0
	})
	all("remove", func(e *engine.Engine) error { return e.RemoveSecret(1) }, func(k []engine.SecretState) bool {
		return len(k) == 1 && k[0].ID == 2 && len(k[0].Lacking) == 0
	})
	close(stop)
	<-done
	c.WaitConverged()
	same(t, c)
	for _, e := range c.Engines {
		d := e.Stats().Drops
		if n := d["key"] + d["auth"] + d["unsealed"] + d["rate"] + d["cookie"]; n > 0 {
			t.Errorf("%s dropped %v", e.Name(), d)
		}
	}
	eventually(t, "the log says it", func() bool { return strings.Contains(log.String(), "secret added") })
	digits := hex.EncodeToString(key(1).Bytes)
	if s := log.String(); strings.Contains(s, digits[:8]) || strings.Contains(s, string(key(1).Bytes)) {
		t.Errorf("the log: %s", s)
	}
}

func TestKeyMistakes(t *testing.T) {
	c := enginetest.NewCluster(t, 1, keyed(nil, 1, 2))
	e := c.Engines[0]
	f := func(err, want error, text string) {
		t.Helper()
		if want != nil && !errors.Is(err, want) || err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %v, %q", err, want, text)
		}
	}
	f(e.UseSecret(3), engine.ErrSecretMissing, "secret 3")
	f(e.RemoveSecret(3), engine.ErrSecretMissing, "secret 3")
	f(e.RemoveSecret(1), nil, "use another first")
	f(e.AddSecret(engine.Secret{ID: 1, Bytes: make([]byte, 16)}), nil, "another key of this id")
	f(e.AddSecret(engine.Secret{ID: 1, Bytes: make([]byte, 5)}), nil, "16 or 32")
	f(e.AddSecret(engine.Secret{ID: 3, Bytes: key(1).Bytes}), nil, "same key under another id")
	if err := e.AddSecret(key(1)); err != nil {
		t.Error(err)
	}
	e.Close()
	f(e.UseSecret(2), engine.ErrClosed, "closed")
	if e.Secrets() != nil || e.Rejects() != nil {
		t.Error("a closed engine tells of keys")
	}
	plain := enginetest.NewCluster(t, 1, enginetest.Options{}).Engines[0]
	f(plain.AddSecret(key(1)), engine.ErrNoSecrets, "Config.Secrets")
	if plain.Secrets() != nil {
		t.Error("keys without keys")
	}
}

// TestJoinSaysWhichKeyIsMissing: also for nodes that seal and others that don't.
func TestJoinSaysWhichKeyIsMissing(t *testing.T) {
	var log text
	virtual(t, 3, enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
		if i < 2 {
			c.Secrets = []engine.Secret{key(uint8(i + 1)), key(uint8(i + 5))}
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		}
	}}, func(t *testing.T, c *enginetest.Cluster) {
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Engines[0].Join(short, c.Engines[1].Addr().String())
		var missing *engine.SecretError
		if !errors.As(err, &missing) || missing.ID != 2 || !errors.Is(err, engine.ErrSecretMissing) || !strings.Contains(err.Error(), "unknown secret 2 (we hold 1, 5)") {
			t.Errorf("join: %v", err)
		}
		line := fmt.Sprintf("unknown secret 1 from %s (we hold 2, 6)", c.Engines[0].Addr())
		eventually(t, "the log says it", func() bool { return strings.Contains(log.String(), line) })
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%d times in the log", n)
		}
		found := false
		for _, r := range c.Engines[1].Rejects() {
			found = found || r.Source == c.Engines[0].Addr() && r.Reason == "key" && r.SecretID == 1 && r.Count > 1
		}
		if !found {
			t.Errorf("rejects: %+v", c.Engines[1].Rejects())
		}
		short, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Engines[2].Join(short, c.Engines[1].Addr().String()); !errors.Is(err, engine.ErrNoSecrets) {
			t.Errorf("without keys: %v", err)
		}
		if err := c.Engines[0].AddSecret(key(2)); err != nil {
			t.Fatal(err)
		}
		if err := c.Engines[0].UseSecret(2); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Engines[0].Join(t.Context(), c.Engines[1].Addr().String()); n != 1 {
			t.Errorf("with the key: %v", err)
		}
	})
}

func TestLimitsOfOneMember(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 0 {
			c.Limits.KeysPerOrigin, c.Limits.BytesPerOrigin, c.Limits.Watchers = 20, 4000, 2
		}
	}})
	full := 0
	for k := range 50 {
		if _, err := c.Engines[0].Set(fmt.Sprint("k", k), []byte("v")); errors.Is(err, engine.ErrFull) {
			full++
		}
		set(t, c.Engines[1], fmt.Sprint("k", k), "v")
	}
	if full < 28 || full > 30 {
		t.Errorf("%d of 50 keys refused, 20 allowed", full)
	}
	eventually(t, "the other's keys are limited too", func() bool { return c.Engines[0].Stats().Drops["full"] > 0 })
	if _, _, ok := c.Engines[0].Get("node-1", "k40"); ok {
		t.Error("a member wrote more than it may")
	}
	if _, _, ok := c.Engines[0].Get("node-1", "k10"); !ok {
		t.Error("what it may write is not there")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 2 {
		watching := make(chan struct{})
		go func() {
			first := true
			for range c.Engines[0].Watch(ctx, "k1") {
				if first {
					close(watching)
					first = false
				}
			}
		}()
		<-watching
	}
	for _, err := range c.Engines[0].Watch(ctx, "k1") {
		if !errors.Is(err, engine.ErrWatchers) {
			t.Errorf("a third watcher: %v", err)
		}
	}
	small := engine.Limits{Origins: 100, Keys: 1000, ValueBytes: 1 << 20}
	if a, b := small.Footprint(), (engine.Limits{}).Footprint(); a < 1<<20 || a > 8<<20 || b < 32<<20 || b > 96<<20 {
		t.Errorf("footprints %d and %d", a, b)
	}
}
