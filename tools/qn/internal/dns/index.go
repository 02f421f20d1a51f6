package dns

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// target is one member as an answer names it.
type target struct {
	name string // of the member, in lower case: a label
	addr netip.Addr
	port uint16
	tags []string // name=value, sorted

	sameAddr, sameTags bool // as another one of its service: a record stands there once (RFC 2181, 5)
}

// index is what queries are answered from. It is never changed.
type index struct {
	nodes    map[string]*target
	services map[string][]*target // with the port of that service
	records  map[[2]string]bool   // addresses and tags of services
}

func newIndex() *index {
	return &index{nodes: map[string]*target{}, services: map[string][]*target{}, records: map[[2]string]bool{}}
}

// indexEvery is how old an index may be: events make it anew at once, this is for the own tags.
const indexEvery = time.Second

// keep makes indexes until ctx ends.
func keep(ctx context.Context, eng *engine.Engine, to *atomic.Pointer[index]) {
	changed := make(chan struct{}, 1)
	go func() {
		for _, err := range eng.Events(ctx) {
			if err != nil {
				return
			}
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	again := time.NewTicker(indexEvery)
	defer again.Stop()
	for {
		to.Store(makeIndex(eng))
		select {
		case <-changed:
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

func makeIndex(eng *engine.Engine) *index {
	x := newIndex()
	for m := range eng.Members() {
		x.add(&m)
	}
	return x
}

func (x *index) add(m *engine.Member) {
	addr := m.Addr.Addr().Unmap()
	if own, err := netip.ParseAddr(m.Tags["address"]); err == nil {
		addr = own.Unmap()
	}
	label := strings.ToLower(m.Name)
	if m.State >= engine.StateDead || !addr.IsValid() || addr.IsUnspecified() || !isLabel(label) {
		return
	}
	t := &target{name: label, addr: addr}
	for name, value := range m.Tags {
		if text := name + "=" + value; len(text) <= 255 {
			t.tags = append(t.tags, text)
		}
	}
	slices.Sort(t.tags)
	t.port = portOf(m.Tags["port"])
	x.nodes[label] = t
	for name, value := range m.Tags {
		service, named := strings.CutPrefix(name, "service.")
		port := value
		if name == "service" {
			service, named, port = value, true, m.Tags["port"]
		}
		if service = strings.ToLower(service); named && isLabel(service) {
			of := *t
			of.port = portOf(port)
			of.sameAddr, of.sameTags = x.again(service, addr.String()), x.again(service, strings.Join(t.tags, "\n"))
			x.services[service] = append(x.services[service], &of)
		}
	}
}

// again reports whether a service had a record before.
func (x *index) again(service, record string) bool {
	k := [2]string{service, record}
	was := x.records[k]
	x.records[k] = true
	return was
}

func portOf(s string) uint16 {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// isLabel reports what can be one label of a name: letters, digits, dashes and underscores, at most
// 63. Members with other names, such as with a dot, are not in the DNS.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// find looks up the part of a name before the zone, in lower case. exists tells NODATA from
// NXDOMAIN.
func (x *index) find(name string) (list []*target, exists bool) {
	labels := strings.Split(name, ".")
	kind := labels[len(labels)-1]
	switch {
	case name == "":
		return nil, true // the zone itself
	case kind == "node" && len(labels) == 2:
		if t := x.nodes[labels[0]]; t != nil {
			return []*target{t}, true
		}
		return nil, false
	case kind == "service" && len(labels) == 2:
		list = x.services[labels[0]]
	case kind == "service" && len(labels) == 3 && (labels[1] == "_tcp" || labels[1] == "_udp"):
		list = x.services[strings.TrimPrefix(labels[0], "_")]
	case (kind == "node" || kind == "service") && len(labels) == 1:
		return nil, true
	}
	return list, len(list) > 0
}
