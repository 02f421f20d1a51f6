package resp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func words(args [][]byte) string { return string(bytes.Join(args, []byte("|"))) }

func TestParse(t *testing.T) {
	f := func(in, want string, used int) {
		t.Helper()
		n, _, args, err := parse([]byte(in), nil)
		if err != nil || n != used || words(args) != want {
			t.Errorf("%q: %d bytes, %q, %v; want %d, %q", in, n, words(args), err, used, want)
		}
		for cut := range used { // no part of it is a request
			if n, need, _, err := parse([]byte(in[:cut]), nil); n != 0 || err != nil || need <= cut {
				t.Errorf("%q: %d bytes, need %d, %v", in[:cut], n, need, err)
			}
		}
	}
	f("*1\r\n$4\r\nPING\r\n", "PING", 14)
	f("*2\r\n$3\r\nGET\r\n$0\r\n\r\nPING\r\n", "GET|", 19)
	f("*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\n", "GET|a\r\n", 22)
	f("*0\r\n", "", 4)
	f("*-1\r\n", "", 5)
	f("PING\r\n", "PING", 6)
	f("  set  k\t\"a b\" 'c'\n", "set|k|a b|c", 19)
	f("\r\n", "", 2)
}

func TestParseRefuses(t *testing.T) {
	f := func(in string, want error) {
		t.Helper()
		if n, _, _, err := parse([]byte(in), nil); n != 0 || err != want {
			t.Errorf("%.40q: %d, %v; want %v", in, n, err, want)
		}
	}
	f("*1025\r\n", errMultibulk)
	f("*x\r\n", errMultibulk)
	f("*1\n", errMultibulk)
	f("*"+strings.Repeat("1", 64), errMultibulk)
	f("*1\r\nPING\r\n", errDollar)
	f("*1\r\n$-1\r\n", errBulk)
	f("*1\r\n$99999999\r\n", errBulk)
	f("*1\r\n$1\r\nabc\r\n", errBulk)
	f("POST / HTTP/1.1\r\n", errHTTP)
	f("Host: x\r\n", errHTTP)
	f("get \"a\r\n", errQuotes)
	f("get \"a\"b\r\n", errQuotes)
	f(strings.Repeat("a", inlineMax), errInline)
}

func TestGlob(t *testing.T) {
	f := func(pattern, s string, want bool) {
		t.Helper()
		if got := glob(pattern, s); got != want {
			t.Errorf("glob(%q, %q) = %v", pattern, s, got)
		}
	}
	f("*", "", true)
	f("a*c", "abbc", true)
	f("a*c", "abb", false)
	f("h?llo", "hello", true)
	f("h[ae]llo", "hallo", true)
	f("h[^e]llo", "hello", false)
	f("h[a-c]llo", "hbllo", true)
	f("a\\*c", "a*c", true)
	f("a\\*c", "abc", false)
	f("[", "a", false)
	f("**a**b", "xaxb", true)
	f(strings.Repeat("*a", 40)+"b", strings.Repeat("a", 2000), false) // and soon
}

// FuzzParse: whatever comes, the parser takes a part of it or waits for more than there is; what it
// took means the same in the form that clients send.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "PING\r\n", "set k \"v w\"\r\n", "*1\r\n$", "*3\r\n$0\r\n\r\n", "POST /\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		n, need, args, err := parse(in, nil)
		switch {
		case err != nil:
			if n != 0 {
				t.Fatal("an error that took something")
			}
			return
		case n == 0:
			if need <= len(in) {
				t.Fatalf("needs %d of %d", need, len(in))
			}
			return
		case n > len(in):
			t.Fatal("took more than there is")
		}
		var again bytes.Buffer
		fmt.Fprintf(&again, "*%d\r\n", len(args))
		for _, a := range args {
			fmt.Fprintf(&again, "$%d\r\n%s\r\n", len(a), a)
		}
		m, _, same, err := parse(again.Bytes(), nil)
		if err != nil || m != again.Len() || words(same) != words(args) {
			t.Fatalf("%q became %q: %v", args, same, err)
		}
	})
}
