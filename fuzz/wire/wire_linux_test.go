package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	wireTime = flag.Duration("wire.time", 45*time.Second, "how long the wire is hurt")
	wireSeed = flag.Uint64("wire.seed", 0, "of the plan; 0: any")

	wireProcesses = flag.Int("wire.processes", 6, "of which nearly all are killed, 6 to 64")
)

func TestMain(m *testing.M) {
	beMember()
	os.Exit(m.Run())
}

// allowed skips where a machine lacks what the wire is made of.
func allowed(t *testing.T, err error) {
	t.Helper()
	for _, lacks := range []error{syscall.EPERM, syscall.EACCES, syscall.ENOENT, syscall.ENODEV, syscall.ENXIO, syscall.ENOSYS} {
		if errors.Is(err, lacks) {
			t.Skip("SKIPPED: no cluster behind a wire of its own: ", err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever happens to the network and the processes, what members show is what their owners
// wrote, nobody dies who lives, and all have all soon after.
func TestHurtClustersShowWhatWasWritten(t *testing.T) {
	if testing.Short() {
		t.Skip("most of a minute of processes and faults")
	}
	o := options{Nodes: 8, Seed: *wireSeed, Time: *wireTime, Kinds: kinds, Rate: 20, Out: t.Output()}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	w, err := newWire(1, 1)
	allowed(t, err)
	w.close()
	if err := run(t.Context(), o); err != nil {
		t.Errorf("go run ./fuzz/wire -seed %d: %v", o.Seed, err)
	}
}

// A seed plans the same faults each time, and all kinds before any comes again.
func TestPlanIsTheSeeds(t *testing.T) {
	a, b := newPlanner(5, 8, kinds), newPlanner(5, 8, kinds)
	for range 3 {
		var played []kind
		for range kinds {
			f, g := a.next(), b.next()
			if f.String() != g.String() {
				t.Fatalf("%v and %v", &f, &g)
			}
			played = append(played, f.kind)
		}
		slices.Sort(played)
		if all := slices.Sorted(slices.Values(kinds)); !slices.Equal(played, all) {
			t.Fatalf("%v", played)
		}
	}
}

// The kernel of a host believes what the wire says as a router.
func TestRoutersAreBelieved(t *testing.T) {
	c := newCluster(t, 2)
	c.set(path{Hole: 1280, Told: true}, anyTwo)
	c.start()
	if err := c.hosts[0].in(learns1280); err != nil {
		t.Error(err)
	}
}

// learns1280 sends too much and waits until the kernel knows better.
func learns1280() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO),
		unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: addressOf(1).As4()}),
	); err != nil {
		return err
	}
	if _, err := unix.Write(fd, make([]byte, 1400)); err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if mtu, err := unix.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU); err != nil || mtu == 1280 || time.Now().After(end) {
			if err == nil && mtu != 1280 {
				err = fmt.Errorf("the path has an MTU of %d", mtu)
			}
			return err
		}
	}
}
