package main

import (
	"slices"
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	f := func(in, out string, failed bool, skips ...string) {
		t.Helper()
		var said strings.Builder
		x := tally{out: &said, output: map[string][]string{}}
		if err := x.read(strings.NewReader(in)); err != nil {
			t.Fatal(err)
		}
		if said.String() != out || x.failed != failed || !slices.Equal(x.skips, skips) {
			t.Errorf("printed %q, failed %v, skips %q", said.String(), x.failed, x.skips)
		}
	}
	f("go: downloading x\n", "go: downloading x\n", false)
	f(`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: noise\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`, "ok  \tp\t0.1s\n", false)
	f(`{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:7: no IPv6 here\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"q"}
`, "", false, "p TestB: b_test.go:7: no IPv6 here")
	f(`{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:9: wrong\n"}
{"Action":"fail","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`, "    c_test.go:9: wrong\nFAIL\tp\t0.1s\n", true)
	f(`{"ImportPath":"p","Action":"build-output","Output":"p/a.go:1:1: no\n"}
{"ImportPath":"p","Action":"build-fail"}
`, "p/a.go:1:1: no\n", true)
}
