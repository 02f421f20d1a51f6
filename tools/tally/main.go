// Tally reads the output of go test -json and prints what go test would have
// printed: a line for each package, and all that a failed test wrote. Each test
// that was skipped is appended, with its reason, to the file that -skips names,
// so that a gate can say at its end what it did not ask.
//
//	go test -json ./... | go run ./tools/tally -skips FILE
//
// It ends with status 1 if anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of a build that failed
}

// tally keeps the output of the tests that still run.
type tally struct {
	out    io.Writer
	output map[string][]string // by package and test
	skips  []string
	failed bool
}

func main() {
	path := flag.String("skips", "", "file to which skipped tests are appended")
	flag.Parse()
	t := tally{out: os.Stdout, output: map[string][]string{}}
	err := t.read(os.Stdin)
	if err == nil && *path != "" {
		err = appendLines(*path, t.skips)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
	}
	if err != nil || t.failed {
		os.Exit(1)
	}
}

// read takes in all events. What is no event, such as a message of the go
// command itself, is passed on.
func (t *tally) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(t.out, lines.Text())
			continue
		}
		t.take(&e)
	}
	return lines.Err()
}

func (t *tally) take(e *event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "build-fail":
		t.failed = true
	case "output":
		t.said(e, key)
	case "skip":
		if e.Test != "" { // else a package without tests
			t.skips = append(t.skips, key+": "+reason(t.output[key]))
		}
		delete(t.output, key)
	case "pass":
		delete(t.output, key)
	case "fail":
		t.failed = true
		for _, line := range t.output[key] {
			fmt.Fprint(t.out, line)
		}
		delete(t.output, key)
	}
}

// said keeps a line of a test and passes on the result of a package.
func (t *tally) said(e *event, key string) {
	result := strings.HasPrefix(e.Output, "ok ") || strings.HasPrefix(e.Output, "FAIL\t")
	switch {
	case e.Test != "":
		t.output[key] = append(t.output[key], e.Output)
	case result || strings.HasPrefix(e.Output, "panic:"):
		fmt.Fprint(t.out, e.Output)
	default:
		t.output[key] = append(t.output[key], e.Output)
	}
}

// reason is the last thing that a skipped test said for itself.
func reason(output []string) string {
	why := "no reason given"
	for _, line := range output {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			why = line
		}
	}
	return why
}

func appendLines(path string, lines []string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if _, err = fmt.Fprintln(f, line); err != nil {
			break
		}
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
