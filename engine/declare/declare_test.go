package declare

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// member is an origin with writes of its own.
type member struct {
	store  state.Store
	origin state.Origin
	max    uint64
}

func newMember(t *testing.T) *member {
	m := new(member)
	m.store.Init(state.LimitsDefault(), 1)
	o, st := m.store.Add(7, 1, []byte("a"))
	if st != state.OK {
		t.Fatal(st)
	}
	m.origin = o
	return m
}

func (m *member) set(t *testing.T, key, value []byte) {
	t.Helper()
	m.max++
	if st := m.store.Apply(m.origin, &codec.Entry{Version: m.max, Key: key, Value: value}); st != state.OK {
		t.Fatal(st)
	}
	m.store.Advance(m.origin, m.max, 0)
}

func (m *member) read(from uint64) Said {
	return Read(&m.store, m.origin, from)
}

func TestRead(t *testing.T) {
	at, later := netip.MustParseAddrPort("10.0.0.1:7946"), netip.MustParseAddrPort("[2001:db8::1]:1")
	for name, x := range map[string]struct {
		key, value []byte
		want       Said
	}{
		"a user's key": {[]byte("k"), []byte("v"), Said{}},
		"a leave":      {LeaveKey, nil, Said{Leaves: true}},
		"an address":   {AddrKey, AppendAddr(nil, at), Said{Addr: at}},
		"a zone":       {ZoneKey, []byte("eu-1"), Said{Other: true, Zone: Zone(ZoneKey, []byte("eu-1"))}},
		"a tag":        {append(TagPrefix[:len(TagPrefix):len(TagPrefix)], "role"...), []byte("db"), Said{Other: true}},
		"no address":   {AddrKey, nil, Said{BadAddr: true}},
	} {
		m := newMember(t)
		m.set(t, x.key, x.value)
		if got := m.read(0); got != x.want {
			t.Errorf("%s: %+v, want %+v", name, got, x.want)
		}
		if got := m.read(m.max); got != (Said{}) {
			t.Errorf("%s: %+v was said before", name, got)
		}
	}
	m := newMember(t)
	for _, addr := range []netip.AddrPort{at, later} {
		m.set(t, AddrKey, AppendAddr(nil, addr))
		m.set(t, ZoneKey, []byte("eu-1"))
	}
	m.set(t, LeaveKey, nil)
	if got, want := m.read(0), (Said{Leaves: true, Addr: later, Other: true, Zone: Zone(ZoneKey, []byte("eu-1"))}); got != want {
		t.Errorf("%+v, want %+v: the newest address counts", got, want)
	}
}

// An address is one that a frame can be sent to, whoever wrote it.
func TestAddr(t *testing.T) {
	for _, text := range []string{"10.0.0.1:7946", "[2001:db8::1]:65535", "[::ffff:10.0.0.1]:1"} {
		a := netip.MustParseAddrPort(text)
		want := netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		if got, ok := parseAddr(AppendAddr(nil, a)); !ok || got != want {
			t.Errorf("%s came back as %s, %v", text, got, ok)
		}
	}
	for _, text := range []string{"0.0.0.0:1", "[::]:1", "10.0.0.1:0", "224.0.0.1:1", "[ff02::1]:1"} {
		if got, ok := parseAddr(AppendAddr(nil, netip.MustParseAddrPort(text))); ok || got.IsValid() {
			t.Errorf("%s is taken for an address", text)
		}
	}
	for n := range addrBytes + 2 {
		if _, ok := parseAddr(make([]byte, n)); ok {
			t.Errorf("%d zero bytes are taken for an address", n)
		}
	}
}

func TestReadAllocs(t *testing.T) {
	m := newMember(t)
	m.set(t, AddrKey, AppendAddr(nil, netip.MustParseAddrPort("10.0.0.1:7946")))
	m.set(t, LeaveKey, nil)
	if got := testing.AllocsPerRun(1000, func() { Read(&m.store, m.origin, 0) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// TestWhatIsSaidTogether: in whatever order a node says several things, each is heard.
func TestWhatIsSaidTogether(t *testing.T) {
	at := netip.MustParseAddrPort("10.0.0.1:7946")
	things := [...]struct{ key, value []byte }{
		{LeaveKey, nil},
		{AddrKey, AppendAddr(nil, at)},
		{ZoneKey, []byte("eu-1")},
		{append(TagPrefix[:len(TagPrefix):len(TagPrefix)], "role"...), []byte("db")},
		{[]byte("k"), []byte("v")},
	}
	want := Said{Leaves: true, Addr: at, Zone: Zone(ZoneKey, []byte("eu-1")), Other: true}
	for first := range things {
		for step := range len(things) - 1 { // five is prime: each step visits all
			m := newMember(t)
			for i := range things {
				x := things[(first+i*(step+1))%len(things)]
				m.set(t, x.key, x.value)
			}
			if got := m.read(0); got != want {
				t.Errorf("from %d, by %d: %+v, want %+v", first, step+1, got, want)
			}
		}
	}
}
