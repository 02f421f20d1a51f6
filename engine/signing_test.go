package engine_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

func signingKey(i int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), byte(i+1)))
}

// TestMembersSign: those that sign are known by that within seconds, also where others are older,
// and where somebody lied under their name.
func TestMembersSign(t *testing.T) {
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if i < 3 {
			c.Signing = &engine.Signing{Key: signingKey(i)}
		}
	}}
	virtual(t, 4, o, func(t *testing.T, c *enginetest.Cluster) {
		for i, e := range c.Engines {
			set(t, e, "k", fmt.Sprint(i))
		}
		c.WaitConverged()
		known := func() {
			t.Helper()
			pause(5 * time.Second)
			for i, e := range c.Engines {
				for j := range c.Engines {
					s, err := e.Signed(fmt.Sprint("node-", j))
					want := i < 3 && j < 3 && i != j
					if err != nil || s.Current != want || want && !s.Key.Equal(signingKey(j).Public()) || !want && s.Key != nil {
						t.Errorf("member %d about member %d: %+v, %v", i, j, s, err)
					}
				}
			}
		}
		known()
		victim := c.Engines[1]
		victim.Lie("node-2", "node-0", "k", "forged", 2)
		set(t, c.Engines[0], "other", "1")
		set(t, c.Engines[0], "other", "2")
		known()
		if v, _, _ := victim.Get("node-0", "k"); string(v) != "0" {
			t.Errorf("%q", v)
		}
		if s := victim.Stats().Checkpoints; s.Made == 0 || s.Signed < 3 || s.SignaturesForged+s.Forged > 0 {
			t.Errorf("%+v", s)
		}
		if _, err := victim.Signed("nobody"); err != engine.ErrNoMember {
			t.Error(err)
		}
		victim.Close()
		if _, err := victim.Signed("node-0"); err != engine.ErrClosed {
			t.Error(err)
		}
	})
}

// TestUnnamedIsNotTakenIn: where signatures are required, and it is said whose keys are whose.
func TestUnnamedIsNotTakenIn(t *testing.T) {
	start := func(name string, s *engine.Signing) *engine.Engine {
		c := engine.Local()
		c.Name, c.Signing = name, s
		e, err := engine.Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		return e
	}
	a := start("a", &engine.Signing{Keys: map[string]ed25519.PublicKey{"b": signingKey(1).Public().(ed25519.PublicKey)}, Required: true})
	var refused *engine.RefusedError
	if _, err := start("stranger", nil).Join(t.Context(), a.Addr().String()); !errors.As(err, &refused) || refused.Reason != "banned" {
		t.Errorf("%v: %+v", err, refused)
	}
	if n, err := start("b", &engine.Signing{Key: signingKey(1)}).Join(t.Context(), a.Addr().String()); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// TestRequiredSignatures: of whom no signature comes an event and a warning tell.
func TestRequiredSignatures(t *testing.T) {
	var r recorder
	keys := map[string]ed25519.PublicKey{}
	for i := range 3 {
		keys[fmt.Sprint("node-", i)] = signingKey(i).Public().(ed25519.PublicKey)
	}
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 2 { // it is named, and older
			return
		}
		c.Signing = &engine.Signing{Key: signingKey(i), Keys: keys, Required: true}
		if i == 0 {
			r.attach(c)
		}
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		for i, e := range c.Engines {
			set(t, e, "k", fmt.Sprint(i))
		}
		c.WaitConverged()
		pause(30 * time.Second)
		told := r.of(engine.EventUnsigned, "")
		if len(told) != 1 || told[0].Member.Name != "node-2" || told[0].Cause != engine.ErrUnsigned {
			t.Errorf("%+v", told)
		}
		if s, _ := c.Engines[0].Signed("node-1"); !s.Current {
			t.Errorf("%+v", s)
		}
	})
	if n := strings.Count(r.log.String(), "member-unsigned"); n != 1 || !strings.Contains(r.log.String(), "no signature") {
		t.Errorf("%d lines:\n%s", n, r.log.String())
	}
}

// TestSigningIsChecked: keys that are none, and settings that contradict each other.
func TestSigningIsChecked(t *testing.T) {
	key := signingKey(1)
	public := key.Public().(ed25519.PublicKey)
	f := func(want string, s engine.Signing, change func(c *engine.Config)) {
		t.Helper()
		c := engine.Local()
		c.Name, c.Signing = "m", &s
		if change != nil {
			change(&c)
		}
		err := c.Validate()
		if want == "" && err != nil || want != "" && !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), fmt.Sprintf("%x", key.Seed()[:8])) {
			t.Error("the error shows the key")
		}
	}
	f("", engine.Signing{}, nil)
	f("", engine.Signing{Key: key, Former: signingKey(2), Keys: map[string]ed25519.PublicKey{"m": public}, Required: true}, nil)
	f("Signing.Key", engine.Signing{Key: key[:7]}, nil)
	f("Signing.Former", engine.Signing{Key: key, Former: key[:7]}, nil)
	f("without Signing.Key", engine.Signing{Former: key}, nil)
	f("together with Signing.Key", engine.Signing{Key: key, KeyFile: "f"}, nil)
	f(`Signing.Keys["n"]`, engine.Signing{Keys: map[string]ed25519.PublicKey{"n": public[:3]}}, nil)
	f(`Signing.Keys["n"]`, engine.Signing{Keys: map[string]ed25519.PublicKey{"n": nil}}, nil)
	f("Signing.Keys", engine.Signing{Keys: map[string]ed25519.PublicKey{"\x01": public}}, nil)
	f("", engine.Signing{}, func(c *engine.Config) { c.Tune.Order = tune.OrderPreciseNewest })

	c := engine.Local()
	c.Name, c.Signing = "m", &engine.Signing{Key: key, Keys: map[string]ed25519.PublicKey{"m": signingKey(2).Public().(ed25519.PublicKey)}}
	if e, err := engine.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "neither") {
		t.Errorf("%v: others would not believe it", err)
		e.Close()
	}
	b, err := json.Marshal(&engine.Signing{Key: key, Former: key, KeyFile: "f", Keys: map[string]ed25519.PublicKey{"m": public}, Required: true})
	var back engine.Signing
	if err != nil || json.Unmarshal(b, &back) != nil || back.Key != nil || back.Former != nil || back.KeyFile != "f" || !back.Required || !back.Keys["m"].Equal(public) {
		t.Errorf("%s: %+v, %v", b, back, err)
	}
}

// TestSigningKeyFile: a key, and the one before; nothing of it is shown where it is wrong.
func TestSigningKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sign.key")
	one, two := engine.SigningKeyText(signingKey(1)), engine.SigningKeyText(signingKey(2))
	f := func(text string, mode os.FileMode, want string) (key, former ed25519.PrivateKey) {
		t.Helper()
		os.Remove(path)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chmod(path, mode)
		key, former, err := engine.ReadSigningKeyFile(path)
		if want == "" && err != nil || want != "" && (!strings.Contains(fmt.Sprint(err), want) || !strings.Contains(fmt.Sprint(err), "Signing.KeyFile")) {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), one[:8]) {
			t.Error("the error shows the key")
		}
		return key, former
	}
	if key, former := f("# key\n\n"+one+"\n", 0o600, ""); !key.Equal(signingKey(1)) || former != nil {
		t.Error("another key")
	}
	if key, former := f(two+"\n"+one, 0o640, ""); !key.Equal(signingKey(2)) || !former.Equal(signingKey(1)) {
		t.Error("other keys")
	}
	f("", 0o600, "0 keys")
	f(one+"\n"+one+"\n"+one, 0o600, "3 keys")
	f(one[:62], 0o600, "line 1")
	f(one+"\n"+one[:63]+"x", 0o600, "line 2")
	f(one, 0o644, "chmod 600")
	if _, _, err := engine.ReadSigningKeyFile(path + "/none"); err == nil {
		t.Error("no error for a file that is not there")
	}
}
