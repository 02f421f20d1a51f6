package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// The whole of embedding in twelve lines: start a member, join, write, read
// what everybody says.
func Example() {
	ctx, seed := context.Background(), seed()

	eng, err := engine.Start(ctx, engine.Config{Name: "web-1", Bind: "127.0.0.1:0"})
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()                         // tells the others, bounded
	eng.Join(ctx, seed)                       // one answer is enough; silent seeds are tried for ever
	eng.Set("addr", []byte("10.0.0.12:8080")) // on its way to everybody, microseconds from here
	eng.WaitConverged(ctx)                    // optional: until everybody holds the same
	for m := range eng.Members() {
		addr, _, _ := eng.AppendGet(nil, m.Name, "addr") // from the local replica: no wait
		fmt.Println(m.Name, m.State, string(addr))
	}

	// Output:
	// web-1 alive 10.0.0.12:8080
	// web-0 alive 10.0.0.11:8080
}

var seedEngine *engine.Engine

// seed is a member that runs already.
func seed() string {
	if seedEngine == nil {
		e, err := engine.Start(context.Background(), engine.Config{Name: "web-0", Bind: "127.0.0.1:0"})
		if err != nil {
			log.Fatal(err)
		}
		e.Set("addr", []byte("10.0.0.11:8080"))
		seedEngine = e
	}
	return seedEngine.Addr().String()
}

func ExampleStart() {
	cfg := engine.Local()
	cfg.Name, cfg.Bind = "web-1", "10.0.0.1:7946"
	_, err := engine.Start(context.Background(), cfg)
	fmt.Println(err)
	// Output:
	// engine: Config.Bind "10.0.0.1:7946": not a loopback address and no secret is set; set Secrets or SecretFiles (qn keys gen makes one), Insecure: true to gossip in clear on this network, or bind to 127.0.0.1
}

func ExampleEngine_Set() {
	eng := start("set-1")
	defer eng.Close()
	eng.Set("load", []byte("0.7"))
	value, meta, ok := eng.AppendGet(nil, "set-1", "load") // own writes are readable at once
	fmt.Println(string(value), meta.Version.Seq, ok)

	_, err := eng.Set("big", make([]byte, 5000))
	fmt.Println(errors.Is(err, engine.ErrTooLarge), err)
	// Output:
	// 0.7 1 true
	// true engine: key and value together of 5003 bytes: the limit is 768 bytes; more goes by Config.Streams
}

func ExampleEngine_WaitVersion() {
	a, b := start("wait-1"), start("wait-2")
	defer a.Close()
	defer b.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a.Join(ctx, b.Addr().String())
	ver, _ := a.Set("ready", []byte("yes"))
	fmt.Println(a.WaitVersion(ctx, ver))
	value, _, _ := b.AppendGet(nil, "wait-1", "ready")
	fmt.Println(string(value))
	// Output:
	// <nil>
	// yes
}

func ExampleEngine_Watch() {
	a, b := start("watch-1"), start("watch-2")
	defer a.Close()
	defer b.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a.Join(ctx, b.Addr().String())
	a.Set("addr", []byte("10.0.0.12:8080"))
	for u, err := range b.Watch(ctx, "addr") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u.Member, u.Key, string(u.Value))
		break
	}
	// Output:
	// watch-1 addr 10.0.0.12:8080
}

func ExampleEngine_All() {
	a, b := start("all-1"), start("all-2")
	defer a.Close()
	defer b.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a.Join(ctx, b.Addr().String())
	a.Set("addr", []byte("10.0.0.1:80"))
	ver, _ := b.Set("addr", []byte("10.0.0.2:80"))
	b.WaitVersion(ctx, ver) // a has it, too
	a.WaitConverged(ctx)
	for member, entry := range a.All("addr") {
		fmt.Println(member, string(entry.Value))
	}
	m, ok := a.Member("all-2")
	fmt.Println(m.State, ok, a.NumMembers())
	// Output:
	// all-1 10.0.0.1:80
	// all-2 10.0.0.2:80
	// alive true 2
}

func ExampleEngine_RangePrefix() {
	eng := start("prefix-1")
	defer eng.Close()
	eng.Set("flag/dark", []byte("on"))
	eng.Set("flag/beta", []byte("off"))
	eng.Set("load", []byte("0.7"))
	for key, entry := range eng.RangePrefix("prefix-1", "flag/") {
		fmt.Println(string(key), string(entry.Value))
	}
	// Output:
	// flag/dark on
	// flag/beta off
}

func ExampleShared() {
	a, b := start("shared-1"), start("shared-2")
	defer a.Close()
	defer b.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a.Join(ctx, b.Addr().String())
	a.Shared().Set("color", []byte("red"))
	a.WaitConverged(ctx)
	b.Shared().Set("color", []byte("blue"))
	b.WaitConverged(ctx)
	value, is, _ := a.Shared().Get("color")
	fmt.Println(string(value))

	_, err := b.Shared().SetIf(ctx, "color", is, []byte("green"))
	fmt.Println(err)
	_, err = a.Shared().SetIf(ctx, "color", is, []byte("black"))
	fmt.Println(errors.Is(err, engine.ErrConflict))
	// Output:
	// blue
	// <nil>
	// true
}

func ExampleEngine_WatchWith() {
	eng := start("with-1")
	defer eng.Close()
	eng.Set("flag/dark", []byte("on"))
	eng.Set("load", []byte("0.7"))
	for u, err := range eng.WatchWith(context.Background(), engine.WatchOptions{Prefix: "flag/"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u.Key, string(u.Value), u.Deleted, u.Alive, u.Previous.IsZero())
		if u.Deleted {
			break
		}
		eng.Delete("flag/dark")
	}
	// Output:
	// flag/dark on false true true
	// flag/dark  true true false
}

func ExampleEngine_Join() {
	eng := start("join-1")
	defer eng.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	n, err := eng.Join(ctx, "127.0.0.1:9")
	var je *engine.JoinError
	fmt.Println(n, errors.Is(err, engine.ErrJoin), errors.As(err, &je))
	fmt.Println(err)
	// Output:
	// 0 true true
	// engine: no seed took this member in: "127.0.0.1:9": no answer: context deadline exceeded
}

func start(name string) *engine.Engine {
	cfg := engine.Local()
	cfg.Name = name
	e, err := engine.Start(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	return e
}

// A member that keeps its state: a process that starts with the same name and directory
// has its keys again, and those that it knew.
func ExampleConfig_disk() {
	dir, err := os.MkdirTemp("", "state")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cfg := engine.Local()
	cfg.Name = "disk-1"
	cfg.Disk = engine.Disk{Path: dir, Sync: engine.SyncEach} // Set returns once it is on disk
	for range 2 {
		eng, err := engine.Start(context.Background(), cfg)
		if err != nil {
			log.Fatal(err)
		}
		value, _, ok := eng.Get("disk-1", "ring/token")
		fmt.Printf("%q %v\n", value, ok)
		eng.Set("ring/token", []byte("4711"))
		eng.Close()
	}
	// Output:
	// "" false
	// "4711" true
}

// Several keys that belong together are written as one batch, and read in one view.
func ExampleEngine_Write() {
	ctx := context.Background()
	cfg := engine.Local()
	cfg.Name = "shard-1"
	eng, err := engine.Start(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer eng.Close()

	var b engine.Batch
	b.Set("range", []byte("a-m"))
	b.Set("leader", []byte("web-2"))
	b.Delete("moving")
	if _, err := eng.Write(&b); err != nil {
		fmt.Println(err)
	}
	v, err := eng.View(ctx, "shard-1", "range", "leader")
	if err != nil {
		fmt.Println(err)
		return
	}
	for key, e := range v.All() {
		fmt.Println(key, string(e.Value))
	}
	// Output:
	// leader web-2
	// range a-m
}
