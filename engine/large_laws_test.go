package engine_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

// virtualStreams runs a test on members with streams, in virtual time.
func virtualStreams(t *testing.T, n int, edit func(i int, c *engine.Config), do func(t *testing.T, net *simnet.Network, c *enginetest.Cluster)) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.NewNetwork(1, simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: sched.Millisecond}})
		poller := net.Poller()
		do(t, net, enginetest.NewCluster(t, n, enginetest.Options{Transport: poller, Timeout: 5 * time.Minute, Config: func(i int, c *engine.Config) {
			if c.Streams = poller.Streams(); edit != nil {
				edit(i, c)
			}
		}}))
	})
}

// reads tells whether a member reads a value.
func reads(e *engine.Engine, member, key string, want []byte) bool {
	got, _, ok := e.Get(member, key)
	return ok && bytes.Equal(got, want)
}

// A member opens few streams, and an idle one gives its place away: the values of many authors
// arrive as soon as those of few.
func TestStreamsGivePlaceToOthers(t *testing.T) {
	const n = 14 // more than a member may open streams to
	virtualStreams(t, n, nil, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		for round := range 3 {
			for i, e := range c.Engines {
				if _, err := e.Set("k", value(20_000, byte(round*n+i))); err != nil {
					t.Fatal(err)
				}
				pause(50 * time.Millisecond)
			}
			pause(2 * time.Second)
			for i, author := range c.Engines {
				for _, e := range c.Engines {
					if !reads(e, author.Name(), "k", value(20_000, byte(round*n+i))) {
						t.Errorf("round %d: %s has no value of %s; %+v", round, e.Name(), author.Name(), e.Large())
					}
				}
			}
		}
	})
}

// What nobody has is asked for less and less often, costs nothing between two rounds, and keeps
// nothing else waiting. In virtual time a loop that spins would never end.
func TestContentsThatNobodyHas(t *testing.T) {
	const missing = 500
	virtualStreams(t, 3, nil, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		for i := range missing {
			if err := c.Engines[0].SetReference(fmt.Sprint("nothing", i), 1000, sha256.Sum256([]byte{byte(i), byte(i >> 8)})); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Engines[0].Set("something", value(50_000, 1)); err != nil {
			t.Fatal(err)
		}
		pause(time.Second)
		if !reads(c.Engines[1], "node-0", "something", value(50_000, 1)) {
			t.Errorf("a value behind %d that nobody has does not come; %+v", missing, c.Engines[1].Large())
		}
		pause(10 * time.Minute)
		s := c.Engines[1].Large()
		if rounds := s.Absent / (2 * missing); s.Missing != missing || rounds < 5 || rounds > 20 {
			t.Errorf("%d missing, asked for %d times each in ten minutes; %+v", s.Missing, rounds, s)
		}
	})
}

// Who names the sum of another's value and a wrong length hides it from nobody.
func TestALieAboutALengthHidesNothing(t *testing.T) {
	for _, length := range []int{1, 1000, 8 << 20} {
		virtualStreams(t, 3, nil, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
			want := value(100_000, 7)
			if err := c.Engines[1].SetReference("lie", length, sha256.Sum256(want)); err != nil {
				t.Fatal(err)
			}
			pause(time.Second)
			if _, err := c.Engines[0].Set("k", want); err != nil {
				t.Fatal(err)
			}
			pause(2 * time.Second)
			for _, e := range c.Engines {
				if !reads(e, "node-0", "k", want) {
					t.Errorf("length %d: %s lacks the value; %+v", length, e.Name(), e.Large())
				}
				if b, _, ok := e.Get("node-1", "lie"); ok {
					t.Errorf("length %d: %s reads %d bytes as what is %d long", length, e.Name(), len(b), length)
				}
			}
		})
	}
}

// A short value is shown until the long one in its place is here, and Meta says that one comes.
func TestAShortValueStaysUntilTheLongOneIsHere(t *testing.T) {
	virtualStreams(t, 3, nil, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		a, b := c.Engines[0], c.Engines[1]
		short := set(t, a, "k", "short")
		c.WaitConverged()
		for i := range 5 { // readers meet no gap while writes of both kinds follow each other
			if err := a.SetReference("k", 5000+i, sha256.Sum256([]byte("nobody"))); err != nil {
				t.Fatal(err)
			}
			pause(100 * time.Millisecond)
			got, meta, ok := b.Get("node-0", "k")
			if !ok || string(got) != "short" || meta.Version != short || meta.Newer.Compare(short) <= 0 {
				t.Errorf("%q, %+v, %v", got, meta, ok)
			}
		}
		if _, err := a.Set("k", value(9000, 3)); err != nil {
			t.Fatal(err)
		}
		pause(time.Second)
		if got, meta, _ := b.Get("node-0", "k"); !bytes.Equal(got, value(9000, 3)) || !meta.Newer.IsZero() {
			t.Errorf("%d bytes, %+v", len(got), meta)
		}
		set(t, a, "k", "short again")
		pause(time.Minute)
		for _, e := range c.Engines {
			if s := e.Large(); s.Here+s.Refs+s.Missing+s.Bytes != 0 {
				t.Errorf("%s keeps %+v", e.Name(), s)
			}
		}
	})
}

// An overwrite that is not larger needs no room, however full this member is; what others write
// waits for room, and has it as soon as there is some.
func TestLargeOverwritesNeedNoRoom(t *testing.T) {
	virtualStreams(t, 2, func(_ int, c *engine.Config) { c.Limits.ContentBytes = 1 << 20 }, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		a, b := c.Engines[0], c.Engines[1]
		for k := range 10 {
			if _, err := a.Set(fmt.Sprint("k", k), value(100_000, byte(k))); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.Set("one more", value(100_000, 99)); !errors.Is(err, engine.ErrFull) {
			t.Fatalf("above ContentBytes: %v", err)
		}
		c.WaitConverged()
		for i := range 50 {
			if _, err := a.Set(fmt.Sprint("k", i%10), value(100_000, byte(100+i))); err != nil {
				t.Fatalf("overwrite %d: %v", i, err)
			}
			pause(10 * time.Millisecond)
		}
		pause(2 * time.Second)
		if _, err := b.Set("mine", value(20_000, 1)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Set("waits", value(100_000, 2)); !errors.Is(err, engine.ErrFull) {
			t.Fatalf("a member full of what others wrote: %v", err)
		}
		pause(time.Second)
		if _, err := a.Delete("k3"); err != nil {
			t.Fatal(err)
		}
		pause(time.Second)
		if _, err := b.Set("waits", value(100_000, 2)); err != nil {
			t.Fatalf("after there was room: %v", err)
		}
		pause(2 * time.Second)
		if !reads(a, "node-1", "waits", value(100_000, 2)) {
			t.Errorf("what has room now does not come; %+v", a.Large())
		}
	})
}

// The contents of a member that is forgotten go with it.
func TestContentsOfTheForgottenGo(t *testing.T) {
	virtualStreams(t, 3, func(_ int, c *engine.Config) {
		c.Detector.DeadAge, c.Detector.LeftAge = 5*time.Second, 5*time.Second
	}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		for k := range 300 {
			if _, err := c.Engines[2].Set(fmt.Sprint("k", k), value(2000+k, byte(k))); err != nil {
				t.Fatal(err)
			}
		}
		c.WaitConverged()
		pause(30 * time.Second) // nothing changes for long
		if s := c.Engines[0].Large(); s.Here != 300 {
			t.Fatalf("%+v", s)
		}
		c.Kill(2)
		pause(2 * time.Minute)
		for _, e := range c.Engines[:2] {
			if s := e.Large(); s.Here+s.Refs+s.Missing+s.Bytes != 0 {
				t.Errorf("%s keeps %+v", e.Name(), s)
			}
		}
	})
}

// heardLines keeps what a logger writes, on whatever goroutine.
type heardLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *heardLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *heardLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A member whose TCP port is closed by a firewall is told of once, with both of its ports;
// datagrams go on.
func TestClosedStreamsAreToldOnce(t *testing.T) {
	var lines heardLines
	virtualStreams(t, 2, func(i int, c *engine.Config) {
		if i == 1 {
			c.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		}
	}, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		a, b := c.Engines[0], c.Engines[1]
		net.SetStreamFaults(simnet.StreamFaults{HalfOpen: simnet.Always})
		if _, err := a.Set("k", value(9000, 3)); err != nil {
			t.Fatal(err)
		}
		pause(2 * time.Minute)
		set(t, a, "small", "goes on")
		pause(time.Second)
		if !reads(b, "node-0", "small", []byte("goes on")) {
			t.Error("datagrams do not go on")
		}
		net.SetStreamFaults(simnet.StreamFaults{})
		pause(2 * time.Minute)
		if !reads(b, "node-0", "k", value(9000, 3)) {
			t.Errorf("the value does not come when the port is open; %+v", b.Large())
		}
		text := lines.String()
		tcp, udp := fmt.Sprintf("tcp_port=%d", a.Large().Port), fmt.Sprintf("udp_port=%d", a.Addr().Port())
		if n := strings.Count(text, "do not open"); n != 1 || !strings.Contains(text, tcp) || !strings.Contains(text, udp) {
			t.Errorf("told %d times, want once, with %s and %s:\n%s", n, tcp, udp, text)
		}
	})
}

// A key that is written faster than it can be fetched is fetched one value after the other, and
// what was replaced before its turn is left out: the newest comes next behind what has begun.
func TestWhatIsReplacedBeforeItsTurnIsNotFetched(t *testing.T) {
	const size = 1 << 20
	virtualStreams(t, 3, nil, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		a, b := c.Engines[0], c.Engines[1]
		net.SetStreamFaults(simnet.StreamFaults{Rate: size}) // a second each
		for i := range 30 {
			if _, err := a.Set("k", value(size, byte(i))); err != nil {
				t.Fatal(err)
			}
			pause(50 * time.Millisecond)
		}
		pause(3 * time.Second)
		if !reads(b, "node-0", "k", value(size, 29)) {
			t.Errorf("the newest is not here 3 s after it was written; %+v", b.Large())
		}
		if s := b.Large(); s.Fetched > 6 {
			t.Errorf("%d were fetched; %+v", s.Fetched, s)
		}
		pause(time.Minute)
		for _, e := range c.Engines {
			if left := e.LargeLeft(); left != "" {
				t.Errorf("%s keeps %s", e.Name(), left)
			}
		}
	})
}
