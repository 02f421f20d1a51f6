package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// A service registry: each process says where it is, and whoever calls it follows who is
// there. A process that leaves or dies stays listed, as one that is not alive.
func Example_serviceRegistry() {
	client, server, ctx := pair("registry")
	defer client.Close()
	server.Set("svc/api", []byte("10.0.0.12:8080"))
	for u, err := range client.Watch(ctx, "svc/api") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u.Member, string(u.Value), u.Alive)
		if !u.Alive {
			break
		}
		server.Close() // says that it leaves
	}
	// Output:
	// registry-2 10.0.0.12:8080 true
	// registry-2 10.0.0.12:8080 false
}

// Feature flags: any member turns them, every member follows them.
func Example_featureFlags() {
	a, b, ctx := pair("flags")
	defer a.Close()
	defer b.Close()
	a.Shared().Set("flag/dark", []byte("on"))
	for u, err := range b.Shared().Watch(ctx, "flag/") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u.Key, string(u.Value), u.Deleted)
		if u.Deleted {
			break
		}
		a.Shared().Delete("flag/dark")
	}
	// Output:
	// flag/dark on false
	// flag/dark  true
}

// A lease: keys that are there as long as their owner renews it, and that all end together.
func Example_lease() {
	a, b, ctx := pair("lease")
	defer a.Close()
	defer b.Close()
	lease, err := a.Grant(10 * time.Second)
	if err != nil {
		log.Fatal(err)
	}
	lease.Set("shard/7", []byte("mine"))
	ver, _ := lease.Set("shard/8", []byte("mine"))
	a.WaitVersion(ctx, ver)
	_, _, held := b.Get("lease-1", "shard/7")
	fmt.Println(held)

	lease.Renew() // as often as it likes: one small entry for all keys
	ver, _ = lease.Revoke()
	a.WaitVersion(ctx, ver)
	_, _, held = b.Get("lease-1", "shard/7")
	_, err = lease.Renew()
	fmt.Println(held, errors.Is(err, engine.ErrLease))
	// Output:
	// true
	// false true
}

// A leader that all agree on as long as they reach each other. It is a hint and no lock:
// two halves of a cut cluster have one each, and what must not run twice needs consensus.
func Example_leader() {
	a, b, ctx := pair("leader")
	defer a.Close()
	defer b.Close()
	won, err := a.Shared().SetOnce("leader", []byte(a.Name()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(won.Confirm(ctx)) // every live member has it, and it still wins

	_, err = b.Shared().SetOnce("leader", []byte(b.Name()))
	var taken *engine.ConflictError
	fmt.Println(errors.As(err, &taken))
	who, _, _ := b.Shared().Get("leader")
	fmt.Println(string(who))

	down, _ := a.Shared().Delete("leader") // steps down
	a.WaitVersion(ctx, down)
	_, err = b.Shared().SetOnce("leader", []byte(b.Name()))
	fmt.Println(err)
	// Output:
	// <nil>
	// true
	// leader-1
	// <nil>
}

// Shared configuration: read, change, and write only if nobody else did meanwhile.
func Example_sharedConfig() {
	a, b, ctx := pair("config")
	defer a.Close()
	defer b.Close()
	raise := func(e *engine.Engine, limit string) {
		for {
			was, version, _ := e.Shared().Get("limit")
			_, err := e.Shared().SetIf(ctx, "limit", version, []byte(limit))
			if !errors.Is(err, engine.ErrConflict) {
				fmt.Printf("%s: %q to %q %v\n", e.Name(), was, limit, err)
				return
			}
		}
	}
	raise(a, "100")
	raise(b, "200")
	value, _, _, err := a.Shared().GetFresh(ctx, "limit") // asks all who may have written it
	fmt.Println(string(value), err)
	// Output:
	// config-1: "" to "100" <nil>
	// config-2: "100" to "200" <nil>
	// 200 <nil>
}

// Events: what is told once to everybody who is there, and kept by nobody. Engine.Events
// tells of members instead.
func Example_events() {
	a, b, ctx := pair("events")
	defer a.Close()
	defer b.Close()
	deploys := b.Subscribe(ctx, "deploy") // hears from now on
	a.Broadcast("deploy", []byte("v1.2.3"))
	for ev, err := range deploys {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ev.From, ev.Topic, string(ev.Payload))
		break
	}
	// Output:
	// events-1 deploy v1.2.3
}

// Secrets: what seals all traffic, and how one is replaced while the cluster runs: accepted
// everywhere, then used everywhere, then the old one removed.
func Example_secrets() {
	old, next := engine.NewSecret(1), engine.NewSecret(2)
	a, b, ctx := pair("secret", old)
	defer a.Close()
	defer b.Close()
	for _, step := range []func(e *engine.Engine) error{
		func(e *engine.Engine) error { return e.AddSecret(next) },
		func(e *engine.Engine) error { return e.UseSecret(next.ID) },
		func(e *engine.Engine) error { return e.RemoveSecret(old.ID) },
	} {
		fmt.Println(step(a), step(b))
		ver, _ := a.Set("step", []byte("done")) // in an operation: until Secrets shows that nobody lags
		if err := a.WaitVersion(ctx, ver); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(old) // never its bytes
	// Output:
	// <nil> <nil>
	// <nil> <nil>
	// <nil> <nil>
	// secret 1 (32 bytes)
}

// pair starts two members that know each other, as NAME-1 and NAME-2.
func pair(name string, secrets ...engine.Secret) (a, b *engine.Engine, ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	context.AfterFunc(ctx, cancel)
	for i, e := range []**engine.Engine{&a, &b} {
		cfg := engine.Local()
		cfg.Name, cfg.Cluster, cfg.Secrets = fmt.Sprint(name, "-", i+1), name, secrets
		var err error
		if *e, err = engine.Start(ctx, cfg); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := a.Join(ctx, b.Addr().String()); err != nil {
		log.Fatal(err)
	}
	if err := a.WaitConverged(ctx); err != nil {
		log.Fatal(err)
	}
	return a, b, ctx
}
