package codec

import (
	"strings"
	"testing"
)

func TestPrintableName(t *testing.T) {
	f := func(name string, want bool) {
		t.Helper()
		if got := PrintableName([]byte(name)); got != want {
			t.Errorf("%q: %v", name, got)
		}
		if name == "" || len(name) > NameBytesMax {
			return
		}
		in := Intro{ID: 7, Gen: 1, Name: []byte(name)}
		_, body, _ := NextRecord(AppendIntro(nil, &in))
		if err := ParseIntro(body, &in); (err == nil) != want {
			t.Errorf("introduction of %q: %v", name, err)
		}
		hello := Hello{Gen: 1, Name: []byte(name)}
		_, body, _ = NextRecord(AppendHello(nil, &hello))
		if err := ParseHello(body, &hello); (err == nil) != want {
			t.Errorf("greeting of %q: %v", name, err)
		}
	}
	for _, good := range []string{"a", "web-1.example", "höhle 7", "名前", "Ω≠", "🦊", "e\u0301", strings.Repeat("x", NameBytesMax)} {
		f(good, true)
	}
	for _, bad := range []string{
		"", strings.Repeat("x", NameBytesMax+1), "a\nb", "a\x00", "\x1b[2J", "a\x7f", "a\u0085", "a\u00adb", "a\u00a0b",
		"a\u061cb", "a\u200bb", "a\u200fb", "a\u2028b", "a\u2029b", "a\u202eb", "a\u2066b", "\ufeffa", "a\U000e0041", "\xff", "a\xc3", "\xed\xa0\x80", "\ue000",
	} {
		f(bad, false)
	}
	if n := testing.AllocsPerRun(1000, func() { PrintableName([]byte("a\u00e9b")) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
