package exit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestCodesTellKindsApart(t *testing.T) {
	f := func(err error, code int, text string) {
		t.Helper()
		for _, e := range []error{err, wrap(err)} {
			var b strings.Builder
			if got := Report(&b, e); got != code || !strings.Contains(b.String(), text) || strings.Count(b.String(), "\n") > 1 {
				t.Errorf("%v: code %d, said %q; want %d, %q", e, got, b.String(), code, text)
			}
		}
	}
	f(nil, OK, "")
	f(errors.New("disk full"), Failed, "disk full\n")
	f(Usagef("--x %d: no", 3), Usage, "--x 3")
	f(Nof("no such key"), No, "no such key")
	f(Unreachablef("no agent"), Unreachable, "no agent")
	f(context.Canceled, Interrupted, "interrupted")
	var b strings.Builder
	if code := Report(&b, Told("printed")); code != No || b.Len() != 0 {
		t.Errorf("code %d, said %q", code, b.String())
	}
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("outer: %w", err)
}

func TestNearest(t *testing.T) {
	known := []string{"members", "status", "kv", "watch", "lag", "trace", "top", "completion"}
	f := func(word, want string) {
		t.Helper()
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	f("membres", "members")
	f("Member", "members")
	f("statsu", "status")
	f("tarce", "trace")
	f("compl", "completion")
	f("vk", "kv")
	f("t", "")
	f("frobnicate", "")
	f("", "")
}
