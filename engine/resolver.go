package engine

import (
	"context"
	"net"
	"net/netip"
)

// prompt is a Resolver that ends with its context, whatever the one inside does: a
// lookup that goes on for longer is left behind, and ends by itself.
type prompt struct{ inside Resolver }

// promptly makes a Resolver end with its context. That of the standard library does.
func promptly(r Resolver) Resolver {
	if _, ok := r.(*net.Resolver); ok {
		return r
	}
	return prompt{r}
}

// LookupNetIP implements Resolver.
func (r prompt) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return until(ctx, func() ([]netip.Addr, error) { return r.inside.LookupNetIP(ctx, network, host) })
}

// LookupSRV implements Resolver.
func (r prompt) LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error) {
	type answer struct {
		name    string
		records []*net.SRV
	}
	a, err := until(ctx, func() (a answer, err error) {
		a.name, a.records, err = r.inside.LookupSRV(ctx, service, proto, name)
		return a, err
	})
	return a.name, a.records, err
}

// until gives what f gives, or the error of ctx once that has ended.
func until[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		t   T
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		t, err := f()
		done <- outcome{t, err}
	}()
	select {
	case o := <-done:
		return o.t, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
