package dns

import (
	"math/rand/v2"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	ttl       = 1    // seconds, in every record
	plainMax  = 512  // of a UDP answer without EDNS
	ednsMax   = 1232 // of one with it: never fragmented
	streamMax = 65535
)

// badVersion answers an EDNS of a version that is not known (RFC 6891, 6.1.3). Its upper bits stand
// in the OPT record.
const badVersion dnsmessage.RCode = 16

// responder answers questions. Its methods are safe for any number of goroutines.
type responder struct {
	zone string // "qn."
	soa  dnsmessage.SOAResource
	name dnsmessage.Name
}

func newResponder(zone string) (*responder, error) {
	zone = strings.ToLower(strings.Trim(zone, ".")) + "."
	r := &responder{zone: zone}
	var err error
	if r.name, err = dnsmessage.NewName(zone); err != nil {
		return nil, err
	}
	if r.soa.NS, err = dnsmessage.NewName("ns." + zone); err != nil {
		return nil, err
	}
	if r.soa.MBox, err = dnsmessage.NewName("hostmaster." + zone); err != nil {
		return nil, err
	}
	r.soa.Serial, r.soa.Refresh, r.soa.Retry, r.soa.Expire, r.soa.MinTTL = 1, 60, 10, 600, ttl
	return r, nil
}

// query is a question that was parsed.
type query struct {
	head dnsmessage.Header
	q    dnsmessage.Question
	edns bool
	room int // bytes that the asker takes by UDP
}

// parse reads one question. reply is false for what must not be answered: it is no question.
func parse(b []byte) (x query, code dnsmessage.RCode, reply bool) {
	var p dnsmessage.Parser
	var err error
	if x.head, err = p.Start(b); err != nil || x.head.Response {
		return x, 0, false
	}
	x.room = plainMax
	if x.head.OpCode != 0 {
		return x, dnsmessage.RCodeNotImplemented, true
	}
	if x.q, err = p.Question(); err != nil {
		return x, dnsmessage.RCodeFormatError, true
	}
	if _, err = p.Question(); err != dnsmessage.ErrSectionDone {
		return x, dnsmessage.RCodeFormatError, true
	}
	if p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return x, dnsmessage.RCodeFormatError, true
	}
	for range 16 { // more additional records nobody sends
		h, err := p.AdditionalHeader()
		if err == dnsmessage.ErrSectionDone {
			return x, code, true
		}
		if err != nil {
			return x, dnsmessage.RCodeFormatError, true
		}
		if h.Type == dnsmessage.TypeOPT {
			if version := h.TTL >> 16 & 0xff; version != 0 {
				code = badVersion
			}
			x.edns, x.room = true, min(max(plainMax, int(h.Class)), ednsMax)
		}
		if p.SkipAdditional() != nil {
			return x, dnsmessage.RCodeFormatError, true
		}
	}
	return x, dnsmessage.RCodeFormatError, true
}

// answer appends the answer to a question to dst, in at most room bytes, or in as many as the
// question allows if room is 0. It returns nil if there is none.
func (r *responder) answer(dst, question []byte, x *index, room int) []byte {
	q, code, reply := parse(question)
	if !reply {
		return nil
	}
	if room == 0 {
		room = q.room
	}
	if code != dnsmessage.RCodeSuccess {
		return r.build(dst, &q, code, nil, 0, false)
	}
	name, inside := r.inZone(q.q.Name.String())
	if !inside || q.q.Class != dnsmessage.ClassINET && q.q.Class != dnsmessage.ClassANY {
		return r.build(dst, &q, dnsmessage.RCodeRefused, nil, 0, false)
	}
	list, exists := x.find(name)
	if !exists {
		return r.build(dst, &q, dnsmessage.RCodeNameError, nil, 0, false)
	}
	var of []*target
	for _, t := range list {
		if records(q.q.Type, t) {
			of = append(of, t)
		}
	}
	rand.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
	for n := len(of); ; n = n * 3 / 4 {
		if b := r.build(dst, &q, code, of[:n], len(of), n < len(of)); len(b)-len(dst) <= room || n == 0 {
			return b
		}
	}
}

// inZone cuts the zone off a name.
func (r *responder) inZone(name string) (before string, ok bool) {
	name = strings.ToLower(name)
	if name == r.zone {
		return "", true
	}
	before, ok = strings.CutSuffix(name, "."+r.zone)
	return before, ok
}

// records reports whether a member has records of a type.
func records(t dnsmessage.Type, of *target) bool {
	switch t {
	case dnsmessage.TypeA:
		return of.addr.Is4() && !of.sameAddr
	case dnsmessage.TypeAAAA:
		return of.addr.Is6() && !of.sameAddr
	case dnsmessage.TypeSRV:
		return of.port != 0
	case dnsmessage.TypeTXT:
		return len(of.tags) > 0 && !of.sameTags
	case dnsmessage.TypeALL:
		return !of.sameAddr
	}
	return false
}

// build writes one answer. of are the members in it, of all that there are.
func (r *responder) build(dst []byte, q *query, code dnsmessage.RCode, of []*target, all int, cut bool) []byte {
	b := dnsmessage.NewBuilder(dst, dnsmessage.Header{
		ID: q.head.ID, Response: true, OpCode: q.head.OpCode, Authoritative: code != dnsmessage.RCodeRefused, Truncated: cut,
		RecursionDesired: q.head.RecursionDesired, RCode: code & 0xf,
	})
	b.EnableCompression()
	w := &writer{b: &b}
	w.do(b.StartQuestions())
	if q.q.Name.Length > 0 {
		w.do(b.Question(q.q))
	}
	w.do(b.StartAnswers())
	for _, t := range of {
		r.record(w, q, t)
	}
	apex := all == 0 && q.q.Type == dnsmessage.TypeSOA && code == dnsmessage.RCodeSuccess && strings.EqualFold(q.q.Name.String(), r.zone)
	if apex {
		w.do(b.SOAResource(r.head(q.q.Name), r.soa))
	}
	w.do(b.StartAuthorities())
	if all == 0 && !apex && (code == dnsmessage.RCodeSuccess || code == dnsmessage.RCodeNameError) {
		w.do(b.SOAResource(r.head(r.name), r.soa))
	}
	w.do(b.StartAdditionals())
	if q.q.Type == dnsmessage.TypeSRV {
		for _, t := range of {
			w.address(r.head(r.nodeName(t)), t)
		}
	}
	if q.edns {
		var opt dnsmessage.ResourceHeader
		w.do(opt.SetEDNS0(ednsMax, code, false))
		w.do(b.OPTResource(opt, dnsmessage.OPTResource{}))
	}
	out, err := b.Finish()
	if err != nil || w.err != nil {
		return nil
	}
	return out
}

// writer keeps the first error.
type writer struct {
	b   *dnsmessage.Builder
	err error
}

func (w *writer) do(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) address(h dnsmessage.ResourceHeader, t *target) {
	if t.addr.Is4() {
		w.do(w.b.AResource(h, dnsmessage.AResource{A: t.addr.As4()}))
	} else {
		w.do(w.b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: t.addr.As16()}))
	}
}

func (r *responder) head(name dnsmessage.Name) dnsmessage.ResourceHeader {
	return dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: ttl}
}

// nodeName is the name of a member. It is short enough: isLabel saw to that.
func (r *responder) nodeName(t *target) dnsmessage.Name {
	return dnsmessage.MustNewName(t.name + ".node." + r.zone)
}

func (r *responder) record(w *writer, q *query, t *target) {
	h := r.head(q.q.Name)
	switch q.q.Type {
	case dnsmessage.TypeSRV:
		w.do(w.b.SRVResource(h, dnsmessage.SRVResource{Priority: 1, Weight: 1, Port: t.port, Target: r.nodeName(t)}))
	case dnsmessage.TypeTXT:
		w.do(w.b.TXTResource(h, dnsmessage.TXTResource{TXT: t.tags}))
	default:
		w.address(h, t)
	}
}
