package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// Options say what fleet to run.
type Options struct {
	Nodes   int
	Profile string
	Loss    float64
	Seed    uint64
	// Command makes the process of a node from the arguments of Node; nil: this
	// binary with the command "node" before them.
	Command func(args ...string) *exec.Cmd
	// Stderr gets what the nodes complain of.
	Stderr io.Writer
}

// fleet is a number of running nodes.
type fleet struct {
	o     Options
	nodes []*process
	heard chan heard // lines of all nodes
}

// heard is one line of one node.
type heard struct {
	node int
	life int
	Line
}

// process is one node. A life is one start of it.
type process struct {
	index int
	life  int
	cmd   *exec.Cmd
	in    io.WriteCloser
	addr  string
	ended chan struct{}
}

const (
	startTimeout = 20 * time.Second
	formTimeout  = 60 * time.Second
)

func name(i int) string { return "node-" + strconv.Itoa(i) }

// ownBinary starts this binary again.
func ownBinary(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return exec.Command(self, append([]string{"node"}, args...)...)
}

// start makes all nodes and joins them to the first.
func start(ctx context.Context, o Options) (*fleet, error) {
	if o.Command == nil {
		o.Command = ownBinary
	}
	f := &fleet{o: o, heard: make(chan heard, 1<<16)}
	for i := range o.Nodes {
		p, err := f.launch(ctx, i, 0)
		if err != nil {
			f.close()
			return nil, err
		}
		f.nodes = append(f.nodes, p)
	}
	for _, p := range f.nodes[1:] {
		f.say(p, "join "+f.nodes[0].addr)
	}
	return f, nil
}

// launch starts one node and waits for its address.
func (f *fleet) launch(ctx context.Context, i, life int) (*process, error) {
	o := &f.o
	cmd := o.Command("--name", name(i), "--cluster", "qn-kill-"+strconv.FormatUint(o.Seed, 10), "--bind", "127.0.0.1:0",
		"--profile", o.Profile, "--loss", strconv.FormatFloat(o.Loss, 'g', -1, 64),
		"--seed", strconv.FormatUint(o.Seed+uint64(i)*1000+uint64(life), 10))
	cmd.Stderr = o.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name(i), err)
	}
	p := &process{index: i, life: life, cmd: cmd, in: in, ended: make(chan struct{})}
	ready := make(chan string, 1)
	go f.listen(p, out, ready)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case p.addr = <-ready:
		return p, nil
	case <-p.ended:
		err = errors.New("it ended before it said where it listens")
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.kill()
	return nil, fmt.Errorf("starting %s: %w", name(i), err)
}

// listen passes on what a node writes until it ends.
func (f *fleet) listen(p *process, out io.Reader, ready chan<- string) {
	defer close(p.ended)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var l Line
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		if l.Addr != "" {
			ready <- l.Addr
			continue
		}
		f.heard <- heard{p.index, p.life, l}
	}
	p.cmd.Wait() // how it ended is no news: we end them ourselves
}

func (f *fleet) say(p *process, command string) { fmt.Fprintln(p.in, command) }

// kill ends the process at once and waits until it is gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// close ends all nodes.
func (f *fleet) close() {
	go func() { // so that nobody hangs on a full channel
		for range f.heard {
		}
	}()
	var all sync.WaitGroup
	for _, p := range f.nodes {
		all.Go(p.kill)
	}
	all.Wait()
	close(f.heard)
}

// formed waits until every node reaches all others. What it hears meanwhile
// goes to seen.
func (f *fleet) formed(ctx context.Context, seen func(heard)) error {
	ctx, cancel := context.WithTimeout(ctx, formTimeout)
	defer cancel()
	alive := make([]int, len(f.nodes))
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		full := 0
		for _, n := range alive {
			if n == len(f.nodes) {
				full++
			}
		}
		if full == len(f.nodes) {
			return nil
		}
		select {
		case h := <-f.heard:
			if h.Answer == "alive" && h.life == f.nodes[h.node].life {
				alive[h.node] = h.Alive
			}
			seen(h)
		case <-again.C:
			for i, p := range f.nodes {
				if alive[i] != len(f.nodes) {
					f.say(p, "alive")
				}
			}
		case <-ctx.Done():
			return fmt.Errorf("%d of %d processes reach all others, alive there %v: %w", full, len(f.nodes), alive, context.Cause(ctx))
		}
	}
}
