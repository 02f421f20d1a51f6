package engine_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// deafDNS answers when it is let go, whatever becomes of the context.
type deafDNS struct{ answer chan struct{} }

func (d deafDNS) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	<-d.answer
	return nil, errNoDNS
}

func (d deafDNS) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	<-d.answer
	return "", nil, errNoDNS
}

// TestDeafResolverHoldsNobody: Join ends with its context, and Close at once, while a lookup goes
// on that minds neither.
func TestDeafResolverHoldsNobody(t *testing.T) {
	for _, seed := range []string{"web.example:7946", "dns+srv://_gossip._udp.web.example"} {
		var dns deafDNS
		o := enginetest.Options{Apart: true, Config: func(_ int, c *engine.Config) {
			dns = deafDNS{make(chan struct{})} // of the bubble
			c.Resolver, c.Seeds = dns, []string{seed}
		}}
		virtual(t, 1, o, func(t *testing.T, c *enginetest.Cluster) {
			e := c.Engines[0]
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			began := time.Now()
			if _, err := e.Join(ctx, seed); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, engine.ErrJoin) {
				t.Errorf("Join: %v", err)
			}
			if took := time.Since(began); took > 1100*time.Millisecond {
				t.Errorf("Join took %v", took)
			}
			began = time.Now()
			if err := e.Close(); err != nil || time.Since(began) > 100*time.Millisecond {
				t.Errorf("Close: %v after %v", err, time.Since(began))
			}
			close(dns.answer)
		})
	}
}
