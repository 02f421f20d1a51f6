package dns

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/quidnunc/quidnunc/engine"
)

// members makes an index of n members that serve web, every second one over IPv6.
func members(n int) *index {
	x := newIndex()
	for i := range n {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		if i%2 == 1 {
			addr = netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))
		}
		x.add(&engine.Member{
			Name: fmt.Sprint("Web-", i), Addr: netip.AddrPortFrom(addr, 7946),
			Tags: map[string]string{"service": "web", "port": fmt.Sprint(8000 + i), "service.db": "5432"},
		})
	}
	return x
}

func question(name string, kind dnsmessage.Type, edns int) []byte {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: 7, RecursionDesired: true})
	b.StartQuestions()
	b.Question(dnsmessage.Question{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET})
	if edns > 0 {
		var h dnsmessage.ResourceHeader
		h.SetEDNS0(edns, 0, false)
		b.StartAdditionals()
		b.OPTResource(h, dnsmessage.OPTResource{})
	}
	out, err := b.Finish()
	if err != nil {
		panic(err)
	}
	return out
}

func ask(t *testing.T, x *index, name string, kind dnsmessage.Type, edns, room int) dnsmessage.Message {
	t.Helper()
	r, err := newResponder("qn")
	if err != nil {
		t.Fatal(err)
	}
	b := r.answer(nil, question(name, kind, edns), x, room)
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil {
		t.Fatalf("%s %v: %v", name, kind, err)
	}
	if limit := max(plainMax, min(edns, ednsMax)); room == 0 && len(b) > limit {
		t.Errorf("%s: %d bytes, limit %d", name, len(b), limit)
	}
	if len(m.Questions) != 1 || m.Questions[0].Name.String() != name || m.ID != 7 || !m.Response {
		t.Errorf("%s: the question is not echoed: %+v", name, m)
	}
	for _, list := range [][]dnsmessage.Resource{m.Answers, m.Authorities} {
		for _, a := range list {
			if a.Header.TTL != ttl {
				t.Errorf("%s: TTL %d", name, a.Header.TTL)
			}
		}
	}
	return m
}

func TestAnswers(t *testing.T) {
	x := members(4)
	const (
		ok      = dnsmessage.RCodeSuccess
		absent  = dnsmessage.RCodeNameError
		refused = dnsmessage.RCodeRefused
	)
	f := func(name string, kind dnsmessage.Type, code dnsmessage.RCode, answers, glue int, soa bool) {
		t.Helper()
		m := ask(t, x, name, kind, 1232, 0)
		if m.RCode != code || len(m.Answers) != answers || len(m.Additionals)-1 != glue || (len(m.Authorities) == 1) != soa || m.Truncated {
			t.Errorf("%s %v: %v, %d answers, %d glue, %d authorities, cut %v", name, kind, m.RCode, len(m.Answers), len(m.Additionals)-1, len(m.Authorities), m.Truncated)
		}
	}
	f("web.service.qn.", dnsmessage.TypeA, ok, 2, 0, false)
	f("web.service.qn.", dnsmessage.TypeAAAA, ok, 2, 0, false)
	f("web.service.qn.", dnsmessage.TypeSRV, ok, 4, 4, false)
	f("WEB.serVICE.Qn.", dnsmessage.TypeSRV, ok, 4, 4, false)
	f("_web._tcp.service.qn.", dnsmessage.TypeSRV, ok, 4, 4, false)
	f("db.service.qn.", dnsmessage.TypeSRV, ok, 4, 4, false)
	f("web-0.node.qn.", dnsmessage.TypeTXT, ok, 1, 0, false)
	f("qn.", dnsmessage.TypeSOA, ok, 1, 0, false)
	f("service.qn.", dnsmessage.TypeSOA, ok, 0, 0, true)
	f("web.service.qn.", dnsmessage.TypeMX, ok, 0, 0, true)
	f("web-0.node.qn.", dnsmessage.TypeA, ok, 1, 0, false)
	f("web-0.node.qn.", dnsmessage.TypeAAAA, ok, 0, 0, true)
	f("web-9.node.qn.", dnsmessage.TypeA, absent, 0, 0, true)
	f("nosuch.service.qn.", dnsmessage.TypeA, absent, 0, 0, true)
	f("a.b.c.d.qn.", dnsmessage.TypeA, absent, 0, 0, true)
	f("service.qn.", dnsmessage.TypeA, ok, 0, 0, true)
	f("qn.", dnsmessage.TypeA, ok, 0, 0, true)
	f("example.com.", dnsmessage.TypeA, refused, 0, 0, false)
	f("notqn.", dnsmessage.TypeA, refused, 0, 0, false)
	m := ask(t, x, "db.service.qn.", dnsmessage.TypeSRV, 0, 0)
	if srv := m.Answers[0].Body.(*dnsmessage.SRVResource); srv.Port != 5432 || !strings.HasSuffix(srv.Target.String(), ".node.qn.") {
		t.Errorf("%+v", srv)
	}
}

// Members on one machine share an address: no record is there twice.
func TestNoRecordIsThereTwice(t *testing.T) {
	x := newIndex()
	for i, port := range []string{"80", "81", "80"} {
		x.add(&engine.Member{Name: fmt.Sprint("web-", i), Addr: netip.MustParseAddrPort("127.0.0.1:7946"), Tags: map[string]string{"service": "web", "port": port}})
	}
	f := func(kind dnsmessage.Type, want int) {
		t.Helper()
		m := ask(t, x, "web.service.qn.", kind, 1232, 0)
		seen := map[string]bool{}
		for _, a := range m.Answers {
			seen[a.Body.GoString()] = true
		}
		if len(m.Answers) != want || len(seen) != want {
			t.Errorf("%v: %d answers, %d different, want %d", kind, len(m.Answers), len(seen), want)
		}
	}
	f(dnsmessage.TypeA, 1)
	f(dnsmessage.TypeALL, 1)
	f(dnsmessage.TypeTXT, 2)
	f(dnsmessage.TypeSRV, 3)
}

// An EDNS of another version is answered with BADVERS, and nothing else.
func TestOtherVersionsOfEDNS(t *testing.T) {
	r, err := newResponder("qn")
	if err != nil {
		t.Fatal(err)
	}
	b := question("web.service.qn.", dnsmessage.TypeA, 1232)
	b[len(b)-5] = 1 // the version, in the OPT record's TTL
	var m dnsmessage.Message
	if err := m.Unpack(r.answer(nil, b, members(2), 0)); err != nil {
		t.Fatal(err)
	}
	if len(m.Answers) != 0 || m.RCode != 0 || len(m.Additionals) != 1 || m.Additionals[0].Header.ExtendedRCode(m.RCode) != badVersion {
		t.Errorf("%+v", m)
	}
}

func TestTruncation(t *testing.T) {
	x := members(200)
	plain := ask(t, x, "web.service.qn.", dnsmessage.TypeSRV, 0, 0)
	large := ask(t, x, "web.service.qn.", dnsmessage.TypeSRV, 4096, 0)
	if !plain.Truncated || !large.Truncated || len(plain.Answers) == 0 || len(plain.Answers) >= len(large.Answers) {
		t.Errorf("%d answers without EDNS, %d with it", len(plain.Answers), len(large.Answers))
	}
	if whole := ask(t, x, "web.service.qn.", dnsmessage.TypeSRV, 0, streamMax); whole.Truncated || len(whole.Answers) != 200 || len(whole.Additionals) != 200 {
		t.Errorf("by TCP: %d answers, cut %v", len(whole.Answers), whole.Truncated)
	}
	q := question("web.service.qn.", dnsmessage.TypeSRV, 0)
	r, _ := newResponder("qn")
	if b := r.answer(nil, q, x, 3*len(q)); len(b) > 3*len(q) {
		t.Errorf("%d bytes for a question of %d", len(b), len(q))
	}
}

func TestDeadAndUnnamableMembersAreOut(t *testing.T) {
	x := newIndex()
	at := netip.MustParseAddrPort("10.0.0.1:7946")
	for i, state := range []engine.MemberState{engine.StateAlive, engine.StateSuspect, engine.StateDead, engine.StateLeft} {
		x.add(&engine.Member{Name: fmt.Sprint("m", i), Addr: at, State: state, Tags: map[string]string{"service": "web"}})
	}
	x.add(&engine.Member{Name: "a.b", Addr: at})
	x.add(&engine.Member{Name: strings.Repeat("x", 64), Addr: at})
	x.add(&engine.Member{Name: "nowhere"})
	x.add(&engine.Member{Name: "elsewhere", Addr: at, Tags: map[string]string{"address": "192.0.2.1"}})
	if len(x.nodes) != 3 || len(x.services["web"]) != 2 || x.nodes["elsewhere"].addr != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("%d nodes, %d serve", len(x.nodes), len(x.services["web"]))
	}
}

// The system's resolver finds members over UDP and TCP.
func TestResolverFindsMembers(t *testing.T) {
	cfg := engine.Local()
	cfg.Name, cfg.Tags = "web-1", map[string]string{"service": "web", "port": "8080"}
	eng, err := engine.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer eng.Close()
	s, err := Start(eng, Options{Addr: "127.0.0.1:0", Zone: "qn"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, network := range []string{"udp", "tcp"} {
		r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, s.Addr().String())
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, srv, err := r.LookupSRV(ctx, "web", "tcp", "service.qn")
		if err != nil || len(srv) != 1 || srv[0].Port != 8080 || srv[0].Target != "web-1.node.qn." {
			t.Errorf("%s: %v, %v", network, srv, err)
		}
		hosts, err := r.LookupHost(ctx, "web-1.node.qn.")
		if err != nil || len(hosts) != 1 || hosts[0] != "127.0.0.1" {
			t.Errorf("%s: %v, %v", network, hosts, err)
		}
		cancel()
	}
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	q := question("web.service.qn.", dnsmessage.TypeA, 0)
	for range 3 { // several questions on one connection
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(q))), q...))
		var n uint16
		if err := binary.Read(c, binary.BigEndian, &n); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, c, int64(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLimiter(t *testing.T) {
	l := limiter{seen: map[netip.Addr]int{}}
	now, a, b := time.Unix(1, 0), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range sourceRate {
		if !l.admits(a, now) {
			t.Fatal("too few")
		}
	}
	if l.admits(a, now) || !l.admits(b, now) || !l.admits(a, now.Add(time.Second)) {
		t.Error("the limit is not that of one source within a second")
	}
}

// FuzzAnswer: whatever comes, an answer can be read, is no longer than it may be, and answers that
// question.
func FuzzAnswer(f *testing.F) {
	f.Add(question("web.service.qn.", dnsmessage.TypeSRV, 1232))
	f.Add(question("x.node.qn.", dnsmessage.TypeA, 0))
	f.Add([]byte{0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1})
	r, err := newResponder("qn")
	if err != nil {
		f.Fatal(err)
	}
	x := members(50)
	f.Fuzz(func(t *testing.T, in []byte) {
		out := r.answer(nil, in, x, 0)
		if out == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(out); err != nil {
			t.Fatalf("%x: %v", out, err)
		}
		if len(out) > ednsMax || !m.Response || m.ID != binary.BigEndian.Uint16(in) {
			t.Fatalf("%d bytes, %+v", len(out), m.Header)
		}
	})
}
