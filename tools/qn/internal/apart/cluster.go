package apart

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
)

// member is one process.
type member struct {
	cmd    *exec.Cmd
	client *api.Client
	ended  chan struct{}
	alive  bool
	life   int
}

// cluster is all processes.
type cluster struct {
	n       int
	dir     string
	program []string // that a member's process is, before its flags
	path    *path

	mu      sync.Mutex
	members []member
}

// start runs n agents. They end with close.
func start(ctx context.Context, n int, program []string) (c *cluster, err error) {
	c = &cluster{n: n, program: program, members: make([]member, n)}
	if c.dir, err = os.MkdirTemp("", "qn"); err != nil {
		return nil, err
	}
	if c.path, err = newPath(n); err != nil {
		os.RemoveAll(c.dir)
		return nil, err
	}
	for i := range n {
		if err := c.run(ctx, i); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func name(i int) string { return "n" + strconv.Itoa(i) }

// run starts a member's process and waits until it answers.
func (c *cluster) run(ctx context.Context, i int) error {
	c.mu.Lock()
	c.members[i].life++
	socket := filepath.Join(c.dir, fmt.Sprintf("%d-%d", i, c.members[i].life))
	c.mu.Unlock()
	args := append(c.program[1:len(c.program):len(c.program)], "--name", name(i), "--cluster", "qn-demo", "--bind", "127.0.0.1:0", "--advertise", c.path.addr(i),
		"--http=", "--resp=", "--dns=", "--socket", socket, "--leave-timeout", "100ms", "--log-level", "error", "--end-with-input")
	for j := range min(c.n, 3) {
		args = append(args, "--join", c.path.addr(j))
	}
	cmd := exec.Command(c.program[0], args...)
	if _, err := cmd.StdinPipe(); err != nil { // it ends with this process: then the agent does, see --end-with-input
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	client, err := api.NewClient("unix:"+socket, "")
	if err != nil {
		return err
	}
	var st api.Status
	if !until(ctx, func(ctx context.Context) bool { return client.Get(ctx, "/v1/status", &st) == nil }) {
		_ = cmd.Process.Kill()
		return fmt.Errorf("%s does not answer", name(i))
	}
	at, err := netip.ParseAddrPort(st.Addr)
	if err != nil {
		return err
	}
	c.path.place(i, at)
	c.mu.Lock()
	m := &c.members[i]
	m.cmd, m.client, m.ended, m.alive = cmd, client, ended, true
	c.mu.Unlock()
	return nil
}

const (
	settleWait = 20 * time.Second
	lookEvery  = 5 * time.Millisecond
)

// until waits for something to be so, at most settleWait.
func until(ctx context.Context, so func(ctx context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for !so(ctx) {
		select {
		case <-again.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// kill is SIGKILL.
func (c *cluster) kill(i int) {
	c.mu.Lock()
	m := &c.members[i]
	cmd, ended := m.cmd, m.ended
	m.alive = false
	c.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		<-ended
	}
}

// living are the members that run.
func (c *cluster) living() (list []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.members {
		if c.members[i].alive {
			list = append(list, i)
		}
	}
	return list
}

func (c *cluster) client(i int) *api.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.members[i].client
}

// sees counts the members in a state, as one of them tells.
func (c *cluster) sees(ctx context.Context, observer int, state string, of []int) bool {
	var list []api.Member
	if c.client(observer).Get(ctx, "/v1/members", &list) != nil {
		return false
	}
	found := 0
	for _, m := range list {
		for _, i := range of {
			if m.Name == name(i) && m.State == state {
				found++
			}
		}
	}
	return found == len(of)
}

func (c *cluster) allSee(ctx context.Context, state string, of []int) bool {
	for _, i := range c.living() {
		if !c.sees(ctx, i, state, of) {
			return false
		}
	}
	return true
}

// equal reports whether all that run hold the same.
func (c *cluster) equal(ctx context.Context) bool {
	first := ""
	for _, i := range c.living() {
		var st api.Status
		if c.client(i).Get(ctx, "/v1/status", &st) != nil || first != "" && st.Fingerprint != first {
			return false
		}
		first = st.Fingerprint
	}
	return true
}

func (c *cluster) close() {
	for i := range c.n {
		c.kill(i)
	}
	c.path.close()
	_ = os.RemoveAll(c.dir)
}

// errGone is the end of a tour whose processes did not start.
var errGone = errors.New("the processes do not find each other")
