package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is a binary of qn.
type program string

var qn program // of this tree

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "qn-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if qn, err = build("../..", dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// build makes qn from a tree, in a directory.
func build(tree, dir string) (program, error) {
	file := filepath.Join(dir, "qn")
	cmd := exec.Command("go", "build", "-o", file, "./tools/qn")
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s\n%w", out, err)
	}
	return program(file), nil
}

// process is a running qn.
type process struct {
	*exec.Cmd
	mu   sync.Mutex
	text strings.Builder // of its standard error
	grew chan struct{}
}

// start runs qn until the test ends.
func start(t testing.TB, args ...string) *process { return qn.start(t, args...) }

func (x program) start(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(string(x), args...), grew: make(chan struct{}, 1)}
	errors, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(errors); lines.Scan(); {
			p.mu.Lock()
			p.text.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			select {
			case p.grew <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		p.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(10*time.Second, func() { p.Process.Kill() })
		<-read
		p.Wait()
		killer.Stop()
	})
	return p
}

// find waits for a line and returns what the pattern's group matches.
func (p *process) find(t testing.TB, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.After(30 * time.Second); ; {
		p.mu.Lock()
		m := re.FindStringSubmatch(p.text.String())
		p.mu.Unlock()
		if m != nil {
			return m[1]
		}
		select {
		case <-p.grew:
		case <-end:
			t.Fatalf("no %q in %q", pattern, p.text.String())
		}
	}
}

// run runs qn to its end.
func run(t testing.TB, args ...string) (stdout string, code int) { return qn.run(t, args...) }

func (x program) run(t testing.TB, args ...string) (stdout string, code int) {
	t.Helper()
	cmd := exec.Command(string(x), args...)
	out, err := cmd.Output()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
