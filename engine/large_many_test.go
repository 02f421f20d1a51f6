package engine_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// What ten thousand large values take of the heap is little more than what LargeStats.Bytes says of
// them: memory comes in sizes that waste a quarter at most, and each has its place in tables.
func TestMemoryOfManyLargeValues(t *testing.T) {
	const values, size, each = 10_000, 6000, 2000
	all := largeCluster(t, 2, nil)
	before := holdsNow()
	for i := range values {
		insist(t, all[0], func() (engine.Version, error) { return all[0].Set(fmt.Sprintf("key-%06d", i), uniqueValue(size, i)) })
	}
	last := fmt.Sprintf("key-%06d", values-1)
	see(t, all[1], "m0", last, uniqueValue(size, values-1))
	for range 600 {
		if all[1].Large().Here == values {
			break
		}
		<-time.After(100 * time.Millisecond)
	}
	counted := 0
	for _, e := range all {
		s := e.Large()
		if s.Here != values || s.Bytes != values*size {
			t.Fatalf("%+v", s)
		}
		counted += s.Bytes
	}
	grew := int(holdsNow().bytes - before.bytes)
	t.Logf("%d bytes are counted, %d held: %.2f", counted, grew, float64(grew)/float64(counted))
	if most := counted*5/4 + 2*values*each + 40<<20; grew > most { // what is kept for later bodies too
		t.Errorf("%d bytes are held for %d that are counted, want at most %d", grew, counted, most)
	}
}

// uniqueValue is a value that no other number has.
func uniqueValue(size, number int) []byte {
	b := value(size, byte(number))
	copy(b, fmt.Sprint(number, " "))
	return b
}

// AppendGet of a large value goes behind what is there, whatever room is there, and changes nothing else.
func TestAppendGetOfLargeValuesAtEachCapacity(t *testing.T) {
	const size = 3000
	all := largeCluster(t, 2, nil)
	want := value(size, 9)
	if _, err := all[0].Set("k", want); err != nil {
		t.Fatal(err)
	}
	see(t, all[1], "m0", "k", want)
	for _, e := range all {
		for capacity := 3; capacity < size+40; capacity++ {
			memory := bytes.Repeat([]byte{0xee}, capacity+16)
			dst := memory[:3:capacity]
			copy(dst, "abc")
			got, _, ok := e.AppendGet(dst, "m0", "k")
			if !ok || string(got[:3]) != "abc" || !bytes.Equal(got[3:], want) || string(dst) != "abc" {
				t.Fatalf("%s, capacity %d: %v, %d bytes", e.Name(), capacity, ok, len(got))
			}
			for _, b := range memory[capacity:] {
				if b != 0xee {
					t.Fatalf("%s, capacity %d: wrote behind it", e.Name(), capacity)
				}
			}
			if got, _, ok := e.AppendGet(dst, "m0", "none"); ok || string(got) != "abc" {
				t.Fatalf("capacity %d: %q for what is not there", capacity, got)
			}
		}
	}
}

// A content to which keys of several members refer is there as long as one does, and goes behind the last.
func TestEqualContentsOfManyOwners(t *testing.T) {
	const keys = 5
	virtualStreams(t, 4, nil, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		want := value(40_000, 5)
		for _, e := range c.Engines {
			for k := range keys {
				if _, err := e.Set(fmt.Sprint("k", k), want); err != nil {
					t.Fatal(err)
				}
			}
		}
		pause(5 * time.Second)
		for i, author := range c.Engines {
			for k := range keys {
				for _, e := range c.Engines {
					if s := e.Large(); s.Here != 1 || s.Bytes != len(want) || s.Missing != 0 {
						t.Fatalf("%s before key %d of %d: %+v", e.Name(), k, i, s)
					}
					if !reads(e, author.Name(), fmt.Sprint("k", k), want) {
						t.Fatalf("%s does not read key %d of %d", e.Name(), k, i)
					}
				}
				if _, err := author.Delete(fmt.Sprint("k", k)); err != nil {
					t.Fatal(err)
				}
				pause(12 * time.Second) // longer than what nothing refers to stays
			}
		}
		pause(30 * time.Second)
		for _, e := range c.Engines {
			if s := e.Large(); s.Here != 0 || s.Bytes != 0 || s.Refs != 0 {
				t.Errorf("%s: %+v", e.Name(), s)
			}
		}
	})
}

// A member that has no room for a content says so, shows what it had, and has it soon after there is room.
func TestRoomForAContentIsMade(t *testing.T) {
	virtualStreams(t, 3, func(i int, c *engine.Config) {
		if i == 1 {
			c.Limits.ContentBytes = 1 << 20
		}
	}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		a, full, b := c.Engines[0], c.Engines[1], c.Engines[2]
		for k := range 3 {
			if _, err := a.Set(fmt.Sprint("k", k), value(450_000, byte(k))); err != nil {
				t.Fatal(err)
			}
			pause(2 * time.Second)
		}
		_, meta, ok := full.Get("node-0", "k2")
		if s := full.Large(); ok || meta.Newer.IsZero() || s.Unavailable == 0 || s.Here != 2 || s.Missing != 1 || s.Bytes > 1<<20 {
			t.Errorf("%v, %+v; %+v", ok, meta, s)
		}
		if !reads(b, "node-0", "k2", value(450_000, 2)) {
			t.Error("who has room does not have it")
		}
		if _, err := a.Delete("k0"); err != nil {
			t.Fatal(err)
		}
		pause(time.Minute)
		if s := full.Large(); !reads(full, "node-0", "k2", value(450_000, 2)) || s.Missing != 0 {
			t.Errorf("it does not come when there is room; %+v", s)
		}
	})
}
