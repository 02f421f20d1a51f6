package engine

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
)

// PortDefault is the port of a seed or bind address that names none.
const PortDefault = 7946

// seedAddrsMax bounds how many addresses one seed may resolve to: a DNS answer
// is data from outside.
const seedAddrsMax = 64

// Resolver is the part of *net.Resolver that seeds need.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

type seedKind uint8

const (
	seedLiteral seedKind = iota // an IP address and port
	seedHost                    // a name with A or AAAA records
	seedSRV                     // a name with SRV records
)

// seed is one parsed element of a seed list.
type seed struct {
	text string
	kind seedKind
	addr netip.AddrPort // seedLiteral
	host string         // seedHost, seedSRV
	port uint16         // seedHost
}

var errSeedSyntax = errors.New(`want "host:port", "dns://host:port" or "dns+srv://_service._udp.name"`)

// parseSeed accepts "host:port", "host" (port 7946), "dns://host:port" and
// "dns+srv://name". A host is an IP literal or a DNS name.
func parseSeed(text string) (seed, error) {
	s := seed{text: text}
	rest := strings.TrimSpace(text)
	if name, ok := strings.CutPrefix(rest, "dns+srv://"); ok {
		if name == "" || strings.ContainsAny(name, "/: \t") {
			return s, errSeedSyntax
		}
		if err := checkDNSName(name); err != nil {
			return s, err
		}
		s.kind, s.host = seedSRV, name
		return s, nil
	}
	rest = strings.TrimPrefix(rest, "dns://")
	if strings.Contains(rest, "/") {
		return s, errSeedSyntax
	}
	a, err := parseAddress(rest)
	switch {
	case err != nil:
		return s, err
	case a.port == 0:
		return s, errors.New(`port "0" can't be dialled`)
	case a.ip.IsUnspecified():
		return s, errors.New("an unspecified address can't be dialled")
	case a.ip.IsValid() && !codec.Dialable(netip.AddrPortFrom(a.ip, PortDefault)):
		return s, errors.New("a group or everybody can't be dialled")
	case a.ip.IsValid():
		s.kind, s.addr = seedLiteral, netip.AddrPortFrom(a.ip, a.portOr(PortDefault))
	case a.name == "":
		return s, errSeedSyntax
	default:
		s.kind, s.host, s.port = seedHost, a.name, a.portOr(PortDefault)
	}
	return s, nil
}

// resolve turns a seed into addresses: all that DNS gives, unmapped, without
// repeats, at most seedAddrsMax.
func (s seed) resolve(ctx context.Context, r Resolver) ([]netip.AddrPort, error) {
	switch s.kind {
	case seedLiteral:
		return []netip.AddrPort{s.addr}, nil
	case seedHost:
		return resolveHost(ctx, r, s.host, s.port)
	default:
		return s.resolveSRV(ctx, r)
	}
}

func resolveHost(ctx context.Context, r Resolver, host string, port uint16) ([]netip.AddrPort, error) {
	ips, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var out []netip.AddrPort
	for _, ip := range ips {
		out = appendAddr(out, netip.AddrPortFrom(ip.Unmap(), port))
	}
	if len(out) == 0 {
		return nil, errors.New("no address records")
	}
	return out, nil
}

// resolveSRV asks for the SRV records and then for every target. Targets that
// fail are left out as long as one resolves.
func (s seed) resolveSRV(ctx context.Context, r Resolver) ([]netip.AddrPort, error) {
	_, records, err := r.LookupSRV(ctx, "", "", s.host)
	if err != nil {
		return nil, err
	}
	var out []netip.AddrPort
	var errs []error
	for _, rec := range records {
		addrs, err := resolveHost(ctx, r, strings.TrimSuffix(rec.Target, "."), rec.Port)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, a := range addrs {
			out = appendAddr(out, a)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if len(errs) == 0 {
		errs = append(errs, errors.New("no SRV records"))
	}
	return nil, errors.Join(errs...)
}

func appendAddr(list []netip.AddrPort, a netip.AddrPort) []netip.AddrPort {
	if len(list) >= seedAddrsMax || !codec.Dialable(a) || slices.Contains(list, a) {
		return list
	}
	return append(list, a)
}
