package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
)

// filled starts a member that holds so many keys, with streams or without.
func filled(tb testing.TB, streams bool, keys int) (e *engine.Engine, config func(name string) engine.Config) {
	config = func(name string) engine.Config {
		c := engine.Local()
		c.Name, c.Limits.Keys, c.Limits.ValueBytes = name, keys+1000, 256<<20
		if streams {
			c.Streams = stream.New(stream.Options{PortsTried: 1024})
		}
		return c
	}
	e, err := engine.Start(tb.Context(), config("full"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { e.Close() })
	for i := range keys {
		insist(tb, e, func() (engine.Version, error) {
			return e.Set(fmt.Sprintf("key-%08d", i*7919%keys), fmt.Appendf(nil, "%064d", i))
		})
	}
	return e, config
}

// join starts a member and waits until it holds what the other one does.
func joinFull(tb testing.TB, full *engine.Engine, c engine.Config, keys int) (joiner *engine.Engine, took time.Duration) {
	began := time.Now()
	joiner, err := engine.Start(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Minute) // a slow machine, and the race detector
	defer cancel()
	if _, err := joiner.Join(ctx, full.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	for {
		// By version: a look at each key every 2 ms would be most of the load.
		newest, known := full.Progress()[0].Known, engine.Progress{}
		for _, p := range joiner.Progress() {
			if p.Member == "full" {
				known = p
			}
		}
		if known.Known == newest {
			return joiner, time.Since(began)
		}
		if ctx.Err() != nil {
			tb.Fatalf("%+v of %d keys after %v; %+v", known, keys, time.Since(began), joiner.Large())
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// A joiner that lacks much gets it over a stream too, and ends equal. Datagrams
// race the stream, and now and then they have brought everything before it is
// open: so there are more joiners until one had something of it.
func TestJoinerCatchesUpOverStreams(t *testing.T) {
	const keys = 150_000 // fewer come by datagrams before a stream is open
	full, config := filled(t, true, keys)
	streamed := uint64(0)
	for i := 0; streamed == 0 && i < 20; i++ {
		joiner, took := joinFull(t, full, config(fmt.Sprint("joiner-", i)), keys)
		s := joiner.Large().Streams
		t.Logf("%v, %d bytes over streams in %d on the wire", took, s.ReceivedBytes, s.WireReceived)
		streamed = s.ReceivedBytes
		if same := equalKeys(full, joiner); same != keys {
			t.Errorf("%d of %d keys are equal", same, keys)
		}
		joiner.Close()
	}
	if streamed == 0 {
		t.Error("nothing came over streams")
	}
}

// equalKeys counts the keys of a member that another one holds alike.
func equalKeys(full, joiner *engine.Engine) (same int) {
	for key, entry := range full.Range(full.Name()) {
		got, meta, ok := joiner.Get(full.Name(), string(key))
		if ok && string(got) == string(entry.Value) && meta.Version == entry.Meta.Version {
			same++
		}
	}
	return same
}
