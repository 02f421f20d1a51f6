package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
)

const (
	joinKeyBytes, joinValueBytes = 16, 64
	joinWait                     = 10 * time.Minute // for one that is filled
	fullName                     = "full"
)

// beginStore starts a member for an experiment with stores of so many keys.
func (m *member) beginStore(o *order) (err error) {
	c := engine.LAN()
	c.Name, c.Cluster, c.Bind, c.Insecure = o.Name, "joiners", o.Bind, true
	c.Limits.Keys, c.Limits.ValueBytes = o.Keys+10_000, (o.Keys+10_000)*256
	if o.Streams {
		c.Streams = stream.New(stream.Options{})
	}
	m.engine, err = engine.Start(context.Background(), c)
	return err
}

// fill starts a member and writes so many keys of 16 bytes with values of 64.
func (m *member) fill(o *order) (r report, err error) {
	if err = m.beginStore(o); err != nil {
		return r, err
	}
	rnd, v := rand.New(rand.NewPCG(1, 1)), engine.Version{}
	value := make([]byte, joinValueBytes)
	for i := range o.Keys {
		for k := range value {
			value[k] = "0123456789abcdef"[rnd.Uint32()%16] // four bits of each byte are news
		}
		for {
			if v, err = m.engine.Set(fmt.Sprintf("%0*d", joinKeyBytes, i), value); err == nil {
				break
			}
			if !errors.Is(err, engine.ErrBackpressure) && !errors.Is(err, engine.ErrFull) {
				return r, err
			}
			time.Sleep(time.Millisecond)
		}
	}
	r.Seq, r.Addr = v.Seq, m.engine.Addr().String()
	return r, nil
}

// arrive starts a member, joins it and waits until it has all that the full one wrote, or for as
// long as it may: then Took is zero.
func (m *member) arrive(o *order) (r report, err error) {
	began := time.Now()
	if err = m.beginStore(o); err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.Wait)
	defer cancel()
	for {
		if _, err = m.engine.Join(ctx, o.Seeds...); err == nil || ctx.Err() != nil {
			break
		}
	}
	for known := uint64(0); known < o.Seq; {
		for _, p := range m.engine.Progress() {
			if p.Member == fullName {
				known = p.Known.Seq
			}
		}
		if ctx.Err() != nil {
			r.Seq = known
			return r, nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	r.Took, r.Streamed = time.Since(began), m.engine.Large().Streams.ReceivedBytes
	n := 0
	for range m.engine.Range(fullName) {
		n++
	}
	if n != o.Keys {
		return r, fmt.Errorf("it holds %d of %d keys", n, o.Keys)
	}
	if r.Peak, err = memoryMost(); err == nil {
		err = m.engine.Close()
	}
	return r, err
}

// memoryMost is the most memory that this process ever had resident, in bytes.
func memoryMost() (int, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if rest, ok := bytes.CutPrefix(s.Bytes(), []byte("VmHWM:")); ok {
			n, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
			return n << 10, err
		}
	}
	return 0, errors.New("/proc/self/status tells no VmHWM")
}
