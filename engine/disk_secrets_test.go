package engine_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/disk"
)

// withSecrets has a member keep its secrets, of which the configuration has some.
func withSecrets(secrets ...engine.Secret) func(c *engine.Config) {
	return func(c *engine.Config) {
		c.Disk.KeepSecrets = true
		for _, k := range secrets { // the engine erases nothing of its caller's
			c.Secrets = append(c.Secrets, engine.Secret{ID: k.ID, Bytes: bytes.Clone(k.Bytes)})
		}
	}
}

// privateDir is one that only its owner can use.
func privateDir(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state") // a start makes it
}

func held(e *engine.Engine) string {
	s := ""
	for _, k := range e.Secrets() {
		s += fmt.Sprint(k.ID, " ")
		if k.Primary {
			s += "seals "
		}
	}
	return strings.TrimSpace(s)
}

func turned(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestReplacedSecretsComeBack: a member that was told of another secret has it after a restart,
// whatever its configuration says, and after a kill; what was removed does not come back, and what
// is new in the configuration is accepted too.
func TestReplacedSecretsComeBack(t *testing.T) {
	dir := privateDir(t)
	one, two, three := engine.NewSecret(1), engine.NewSecret(2), engine.NewSecret(3)
	e := startWith(t, "a", dir, withSecrets(one))
	turned(t, e.AddSecret(two), e.UseSecret(2), e.RemoveSecret(1))
	killed := copyDir(t, dir)
	os.Chmod(killed, 0o700)
	e.Close()
	for _, path := range []string{dir, killed} {
		log := new(heard)
		e = startWith(t, "a", path, func(c *engine.Config) { withSecrets(one)(c); c.Logger = log.logger() })
		if got := held(e); got != "2 seals" {
			t.Errorf("%q after a restart", got)
		}
		eventually(t, "it is told that the configuration is older", func() bool { return log.has("a secret of the configuration was removed before") })
		b := startWith(t, "b", t.TempDir(), func(c *engine.Config) { c.Secrets = []engine.Secret{two} })
		if _, err := b.Join(t.Context(), e.Addr().String()); err != nil {
			t.Error(err)
		}
		e.Close()
	}
	e = startWith(t, "a", dir, withSecrets(three, one))
	if got := held(e); got != "2 seals 3" {
		t.Errorf("%q with a new one in the configuration", got)
	}
	e.Close()
	c := engine.Local()
	c.Name, c.Disk.Path = "a", dir
	withSecrets(engine.NewSecret(2))(&c)
	_, err := engine.Start(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "secret 2") || !strings.Contains(err.Error(), "a number of its own") {
		t.Errorf("another one of the same number: %v", err)
	}
}

// where tells which files of a directory hold a secret, as it is or as what it gives.
func where(t *testing.T, dir string, k engine.Secret) (files []string) {
	t.Helper()
	prk, err := hkdf.Extract(sha256.New, k.Bytes, []byte("quidnunc frame v1"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, k.Bytes) || bytes.Contains(b, prk) || bytes.Contains(b, []byte(k.Text()[2:])) {
			files = append(files, f.Name())
		}
	}
	return files
}

// TestSecretsAreOnDiskOnRequestOnly: in one file that only its owner can read, as long as they are
// held; without the request in none, and a start without it erases them.
func TestSecretsAreOnDiskOnRequestOnly(t *testing.T) {
	one, two := engine.NewSecret(1), engine.NewSecret(2)
	dir := privateDir(t)
	use := func(e *engine.Engine) {
		set(t, e, "k", "v")
		turned(t, e.AddSecret(two), e.UseSecret(2))
	}
	f := func(k engine.Secret, want string) {
		t.Helper()
		if got := strings.Join(where(t, dir, k), " "); got != want {
			t.Errorf("secret %d is in %q, not in %q", k.ID, got, want)
		}
	}
	e := startWith(t, "a", dir, func(c *engine.Config) { withSecrets(one)(c); c.Disk.KeepSecrets = false })
	use(e)
	e.Close()
	f(one, "")
	f(two, "")
	e = startWith(t, "a", dir, withSecrets(one))
	f(one, "quidnunc.secrets")
	use(e)
	f(one, "quidnunc.secrets")
	f(two, "quidnunc.secrets")
	if info, err := os.Stat(filepath.Join(dir, "quidnunc.secrets")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	turned(t, e.RemoveSecret(1))
	f(one, "")
	e.Close()
	f(two, "quidnunc.secrets")
	startWith(t, "a", dir, func(c *engine.Config) { withSecrets(one)(c); c.Disk.KeepSecrets = false }).Close()
	f(two, "")
}

// TestDamagedSecretsOnDisk: whatever is left of the file, the start says so, goes on with what the
// configuration has, and writes a good one.
func TestDamagedSecretsOnDisk(t *testing.T) {
	one, two := engine.NewSecret(1), engine.NewSecret(2)
	dir := privateDir(t)
	e := startWith(t, "a", dir, withSecrets(one))
	turned(t, e.AddSecret(two), e.UseSecret(2))
	e.Close()
	path := filepath.Join(dir, "quidnunc.secrets")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut <= 2*len(whole); cut += 7 {
		b := bytes.Clone(whole)
		if cut < len(b) {
			b = b[:cut]
		} else {
			b[(cut-len(b))%len(b)] ^= 4
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		log := new(heard)
		c := engine.Local()
		c.Name, c.Disk.Path, c.Logger = "a", dir, log.logger()
		withSecrets(one)(&c)
		e, err := engine.Start(t.Context(), c)
		if err != nil {
			t.Fatalf("%d: %v", cut, err)
		}
		if got := held(e); got != "1 seals" {
			t.Errorf("%d: %q", cut, got)
		}
		eventually(t, "the damage is told", func() bool { return log.has("quidnunc.secrets is damaged") })
		e.Close()
		if got := where(t, dir, one); len(got) != 1 {
			t.Errorf("%d: written to %q", cut, got)
		}
	}
}

// TestSecretsAndABadDirectory: what can't be done is said at the start.
func TestSecretsAndABadDirectory(t *testing.T) {
	one := engine.NewSecret(1)
	f := func(change func(c *engine.Config), want ...string) {
		t.Helper()
		c := engine.Local()
		c.Name, c.Disk.Path = "a", privateDir(t)
		withSecrets(one)(&c)
		change(&c)
		e, err := engine.Start(t.Context(), c)
		if err == nil {
			e.Close()
		}
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%v, and not %q", err, w)
			}
		}
	}
	f(func(c *engine.Config) { c.Secrets = nil }, "Disk.KeepSecrets", "set without secrets", "qn keys gen")
	f(func(c *engine.Config) { c.Disk.Path = "" }, "Disk.KeepSecrets", "set without Disk.Path")
	for _, mode := range []os.FileMode{0o755, 0o770, 0o701} {
		f(func(c *engine.Config) {
			os.Mkdir(c.Disk.Path, mode)
			os.Chmod(c.Disk.Path, mode)
		}, "Disk.Path", fmt.Sprintf("(mode %04o)", mode), "chmod 700 ")
	}
	dir := privateDir(t)
	startWith(t, "a", dir, withSecrets(one)).Close()
	b, err := os.ReadFile(filepath.Join(dir, "quidnunc.secrets"))
	if err != nil {
		t.Fatal(err)
	}
	f(func(c *engine.Config) {
		c.Name = "b"
		os.Mkdir(c.Disk.Path, 0o700)
		os.WriteFile(filepath.Join(c.Disk.Path, "quidnunc.secrets"), b, 0o600)
	}, `of member "a"`, "a directory of its own")
}

// TestSecretsAndAFullDisk: a change that can't be written holds, is told, and is on disk once there
// is room.
func TestSecretsAndAFullDisk(t *testing.T) {
	dir, is, log := privateDir(t), new(atomic.Bool), new(heard)
	one, two := engine.NewSecret(1), engine.NewSecret(2)
	e := startWith(t, "a", dir, func(c *engine.Config) {
		withSecrets(one)(c)
		c.Disk.Every, c.Logger = 10*time.Millisecond, log.logger()
		c.Disk.SetFS(full{disk.Dir(dir), is})
	})
	is.Store(true)
	set(t, e, "k", "v")
	eventually(t, "the disk is full", func() bool { return log.has("go on in memory only") })
	if err := e.AddSecret(two); !errors.Is(err, engine.ErrDisk) || !strings.Contains(err.Error(), "the change holds") || !strings.Contains(err.Error(), "free space") {
		t.Errorf("%v", err)
	}
	if got := held(e); got != "1 seals 2" {
		t.Errorf("%q", got)
	}
	is.Store(false)
	eventually(t, "it works again", func() bool { return log.has("disk works again") })
	eventually(t, "the secret is on disk", func() bool { return len(where(t, dir, two)) == 1 })
	e.Close()
	if got := held(startWith(t, "a", dir, withSecrets(one))); got != "1 seals 2" {
		t.Errorf("%q after a restart", got)
	}
}
