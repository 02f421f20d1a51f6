package peers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/quidnunc/quidnunc/engine"
)

// idler is one member in a process of its own, with nothing to do.
type idler interface {
	addr() string
	join(addr string) error
	members() int                    // that it does not hold for dead
	sent() (datagrams, bytes uint64) // since it started
}

// idlers are the kinds that BenchmarkIdle compares. The slow one holds a member for dead about
// when memberlist does with its LAN defaults: the benchmark prints both.
var idlers = []struct {
	name string
	make func(name string) (idler, error)
}{
	{"quidnunc", func(name string) (idler, error) { return idleEngine(name, engine.LAN()) }},
	{"quidnunc-slow", func(name string) (idler, error) {
		c := engine.WAN()
		c.Detector.Period = 2 * time.Second
		return idleEngine(name, c)
	}},
	{"memberlist-lan", idleList},
}

const (
	idleMembers = 12
	idleSettle  = 10 * time.Second
	idleWindow  = 30 * time.Second
	idleEnv     = "PEERS_IDLE" // what a child is: kind and name
)

// TestMain turns the test binary into a member of BenchmarkIdle where its environment says so.
func TestMain(m *testing.M) {
	kind, name, child := strings.Cut(os.Getenv(idleEnv), " ")
	if !child {
		os.Exit(m.Run())
	}
	if err := idleChild(kind, name, os.Stdin); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

// idleChild obeys its parent until the input ends. Each line is a command, each is answered
// by a line.
func idleChild(kind, name string, in io.Reader) error {
	var x idler
	for _, k := range idlers {
		if k.name == kind {
			var err error
			if x, err = k.make(name); err != nil {
				return err
			}
		}
	}
	if x == nil {
		return errors.New("no such kind: " + kind)
	}
	fmt.Println(x.addr())
	var from use
	for lines := bufio.NewScanner(in); lines.Scan(); {
		switch command, arg, _ := strings.Cut(lines.Text(), " "); command {
		case "join":
			if err := x.join(arg); err != nil {
				return err
			}
			fmt.Println("joined")
		case "await": // as many members
			for n, _ := strconv.Atoi(arg); x.members() != n; {
				time.Sleep(10 * time.Millisecond)
			}
			fmt.Println("there")
		case "begin":
			from = usage(x)
			fmt.Println("began")
		case "end":
			to := usage(x)
			fmt.Println((to.cpu - from.cpu).Microseconds(), to.switches-from.switches, to.datagrams-from.datagrams, to.bytes-from.bytes)
		}
	}
	return nil
}

// use is what a process has used so far. Datagrams and bytes are its payloads of UDP, sent.
type use struct {
	cpu                        time.Duration
	switches, datagrams, bytes int64 // voluntary switches, of all threads
}

func usage(x idler) (u use) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err == nil {
		u.cpu, u.switches = time.Duration(r.Utime.Nano()+r.Stime.Nano()), r.Nvcsw
	}
	d, b := x.sent()
	u.datagrams, u.bytes = int64(d), int64(b)
	return u
}

// BenchmarkIdle compares what members cost that have nothing to do: twelve processes of one
// member each, half a minute. Reported are medians of the twelve: processor time in percent
// of a core, voluntary context switches (each is a wake-up), datagrams and bytes sent, all a
// second; and how long it takes at the end until all others hold one for dead that was
// stopped. One run after the other lets the kinds take turns.
func BenchmarkIdle(b *testing.B) {
	for _, k := range idlers {
		b.Run(k.name, func(b *testing.B) {
			for range b.N {
				idle(b, k.name)
			}
		})
	}
}

func idle(b *testing.B, kind string) {
	var all []*child
	defer func() {
		for _, c := range all {
			c.end()
		}
	}()
	for i := range idleMembers {
		c := startChild(b, kind, "idle-"+strconv.Itoa(i))
		all = append(all, c)
		if i > 0 {
			c.ask(b, "join "+all[0].addr)
		}
	}
	each(b, all, "await "+strconv.Itoa(idleMembers))
	time.Sleep(idleSettle)
	each(b, all, "begin")
	began := time.Now()
	time.Sleep(idleWindow)
	took := time.Since(began).Seconds()
	var columns [4][]float64
	for _, answer := range each(b, all, "end") {
		for i, f := range strings.Fields(answer) {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				b.Fatal(err)
			}
			columns[i] = append(columns[i], v/took)
		}
	}
	for i := range columns[0] {
		columns[0][i] /= 1e4 // microseconds a second
	}
	stopped := all[len(all)-1]
	stopped.cmd.Process.Signal(syscall.SIGSTOP)
	began = time.Now()
	each(b, all[:len(all)-1], "await "+strconv.Itoa(idleMembers-1))
	b.ReportMetric(time.Since(began).Seconds(), "dead-s")
	for i, unit := range []string{"%core", "wakes/s", "datagrams/s", "B/s"} {
		slices.Sort(columns[i])
		b.ReportMetric(columns[i][len(columns[i])/2], unit)
		if i < 2 {
			b.Logf("%s of the twelve: %.3g to %.3g", unit, columns[i][0], columns[i][len(columns[i])-1])
		}
	}
	b.ReportMetric(0, "ns/op")
}

// child is a process of the benchmark.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	addr string
}

func startChild(b *testing.B, kind, name string) *child {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	c := &child{cmd: exec.Command(exe)}
	c.cmd.Env = append(os.Environ(), idleEnv+"="+kind+" "+name)
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	c.addr = c.answer(b)
	return c
}

func (c *child) answer(b *testing.B) string {
	if !c.out.Scan() || strings.HasPrefix(c.out.Text(), "error") {
		b.Fatal("a member ended: ", c.out.Text())
	}
	return c.out.Text()
}

func (c *child) tell(b *testing.B, command string) {
	if _, err := io.WriteString(c.in, command+"\n"); err != nil {
		b.Fatal(err)
	}
}

func (c *child) ask(b *testing.B, command string) string {
	c.tell(b, command)
	return c.answer(b)
}

// each asks all at the same time.
func each(b *testing.B, all []*child, command string) (answers []string) {
	for _, c := range all {
		c.tell(b, command)
	}
	for _, c := range all {
		answers = append(answers, c.answer(b))
	}
	return answers
}

func (c *child) end() {
	c.in.Close()
	c.cmd.Process.Kill()
	c.cmd.Wait()
}

// --- the engine ---

type engineIdler struct{ *engine.Engine }

func idleEngine(name string, c engine.Config) (idler, error) {
	c.Name, c.Cluster, c.Bind = name, "idle", "127.0.0.1:0"
	e, err := engine.Start(context.Background(), c)
	return engineIdler{e}, err
}

func (x engineIdler) addr() string { return x.Addr().String() }

func (x engineIdler) join(addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := x.Join(ctx, addr)
	return err
}

func (x engineIdler) members() (n int) {
	for m := range x.Members() {
		if m.State != engine.StateDead {
			n++
		}
	}
	return n
}

func (x engineIdler) sent() (datagrams, bytes uint64) {
	s := x.Stats()
	return s.FramesSent, s.BytesSent
}

// --- memberlist ---

// listIdler counts what its list sends by UDP. Its streams, once in 30 s, are not in it.
type listIdler struct {
	*memberlist.NetTransport
	list             *memberlist.Memberlist
	datagrams, bytes atomic.Uint64
}

func idleList(name string) (idler, error) {
	c := memberlist.DefaultLANConfig()
	c.Name, c.BindAddr, c.BindPort, c.AdvertisePort, c.LogOutput = name, "127.0.0.1", 0, 0, io.Discard
	t, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{c.BindAddr}, Logger: log.New(io.Discard, "", 0)})
	if err != nil {
		return nil, err
	}
	x := &listIdler{NetTransport: t}
	c.Transport, c.AdvertisePort = x, t.GetAutoBindPort()
	c.BindPort = c.AdvertisePort
	x.list, err = memberlist.Create(c)
	return x, err
}

func (x *listIdler) WriteTo(b []byte, addr string) (time.Time, error) {
	return x.WriteToAddress(b, memberlist.Address{Addr: addr})
}

func (x *listIdler) WriteToAddress(b []byte, addr memberlist.Address) (time.Time, error) {
	x.datagrams.Add(1)
	x.bytes.Add(uint64(len(b)))
	return x.NetTransport.WriteToAddress(b, addr)
}

func (x *listIdler) addr() string {
	n := x.list.LocalNode()
	return net.JoinHostPort(n.Addr.String(), strconv.Itoa(int(n.Port)))
}

func (x *listIdler) join(addr string) error {
	_, err := x.list.Join([]string{addr})
	return err
}

func (x *listIdler) members() int { return x.list.NumMembers() }

func (x *listIdler) sent() (datagrams, bytes uint64) { return x.datagrams.Load(), x.bytes.Load() }
