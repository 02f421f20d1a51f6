package codec

import (
	"encoding/binary"
	"net/netip"
)

// HelloFlags says how a greeting is meant; unknown ones are carried and ignored.
type HelloFlags uint8

// HelloBack marks a greeting that answers one, so that two nodes do not greet for ever.
const HelloBack HelloFlags = 1 << 0

// HelloBuried says that the life which is greeted was buried here: its greeting is answered with
// the generation to exceed.
const HelloBuried HelloFlags = 1 << 1

// HelloNamesake says that whoever is at the address is said to bear the greeter's name, or to be it.
const HelloNamesake HelloFlags = 1 << 2

// Hello is the first word to a node that does not know us.
type Hello struct {
	Flags HelloFlags
	Speak Versions        // the versions of the format that the sender speaks
	Kinds Kind            // the last kind of entries that it knows; when it is written, 0 stands for the last one here
	Mode  uint32          // fingerprint of the settings that the whole cluster must share
	Gen   uint64          // the sender's generation
	Since uint64          // its seniority: the first generation of this boot; 0 counts as Gen
	Salt  [SaltBytes]byte // the sender's boot salt
	Name  []byte          // the sender's name; a view of the frame after parsing
	Addr  netip.AddrPort  // the address that it advertises; the zero value means: where this came from
}

// HelloReply is the answer to a Hello: the same about the answering node, and what it knows of the
// asking one.
type HelloReply struct {
	Hello
	Echo       [SaltBytes]byte // boot salt of the hello that this answers
	KnownGen   uint64          // highest generation known under the asker's name, 0 = none
	KnownAlive bool            // an origin of that name and generation is believed to be alive

	// Cookie is what the asker shows with its next frame. It stands here and not in the header, so
	// that where frames are sealed nobody without a key reads one.
	Cookie [CookieBytes]byte
}

// Intro says who an origin is. It stands in a frame before the first run of an origin that the
// receiver may not know.
type Intro struct {
	ID    OriginID
	Gen   uint64
	Since uint64 // its seniority: the first generation of that boot; 0 counts as Gen
	Speak Versions
	Kinds Kind   // as in a Hello
	Age   uint8  // since somebody met it, in IntroAgeUnit; 0: who introduces it did, or is it
	Name  []byte // a view of the frame after parsing
	Addr  netip.AddrPort
}

// IntroAgeUnit is what Intro.Age counts, in nanoseconds: an eighth of a second. Ages are rounded
// up, so that what is told on and on grows older.
const IntroAgeUnit = 125_000_000

// Versions is a range of format versions. When it is written, the zero value stands for
// FormatVersion alone.
type Versions struct{ Min, Max uint8 }

func appendVersions(dst []byte, v Versions) []byte {
	if v == (Versions{}) {
		v = Versions{FormatVersion, FormatVersion}
	}
	if v.Min == 0 || v.Min > v.Max {
		panic("codec: no such range of versions")
	}
	return append(dst, v.Min, v.Max)
}

func parseVersions(b []byte) (Versions, error) {
	v := Versions{b[0], b[1]}
	if v.Min == 0 || v.Min > v.Max {
		return v, ErrOrder
	}
	return v, nil
}

// kindsOrAll is what somebody says of the kinds that it knows.
func kindsOrAll(k Kind) Kind {
	if k == 0 {
		return KindFree - 1
	}
	return k
}

// appendSince writes a seniority as the renewals since: it is at most the generation.
func appendSince(dst []byte, since, gen uint64) []byte {
	if since == 0 {
		since = gen
	}
	if since > gen {
		panic("codec: senior to itself")
	}
	return appendUvarint(dst, gen-since)
}

func parseSince(b []byte, gen uint64) (since uint64, rest []byte, err error) {
	renewed, n := uvarint(b)
	if n == 0 {
		return 0, nil, ErrVarint
	}
	if renewed >= max(gen, 1) { // no boot began with generation 0, but one that has none
		return 0, nil, ErrOrder
	}
	return gen - renewed, b[n:], nil
}

// AppendHello appends a Hello record. It panics on a name of a length that is not allowed.
func AppendHello(dst []byte, h *Hello) []byte {
	start := len(dst)
	return EndRecord(appendHello(BeginRecord(dst, TypeHello), h), start)
}

// ParseHello reads the body of a Hello record.
func ParseHello(body []byte, h *Hello) error {
	rest, err := parseHello(body, h)
	if err == nil && len(rest) != 0 {
		err = ErrBody
	}
	return err
}

// AppendHelloReply appends a HelloReply record. It panics on a name of a length that is not
// allowed.
func AppendHelloReply(dst []byte, r *HelloReply) []byte {
	start := len(dst)
	dst = appendHello(BeginRecord(dst, TypeHelloReply), &r.Hello)
	dst = append(dst, r.Echo[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, r.KnownGen)
	dst = append(dst, boolByte(r.KnownAlive))
	return EndRecord(append(dst, r.Cookie[:]...), start)
}

// ParseHelloReply reads the body of a HelloReply record.
func ParseHelloReply(body []byte, r *HelloReply) error {
	rest, err := parseHello(body, &r.Hello)
	if err != nil {
		return err
	}
	if len(rest) != SaltBytes+9+CookieBytes {
		return ErrBody
	}
	if rest[SaltBytes+8] > 1 {
		return ErrFlags
	}
	r.Echo = [SaltBytes]byte(rest)
	r.KnownGen = binary.LittleEndian.Uint64(rest[SaltBytes:])
	r.KnownAlive = rest[SaltBytes+8] == 1
	r.Cookie = [CookieBytes]byte(rest[SaltBytes+9:])
	return nil
}

// AppendIntro appends an Intro record. It panics on a name of a length that is not allowed.
func AppendIntro(dst []byte, in *Intro) []byte {
	start := len(dst)
	dst = BeginRecord(dst, TypeIntro)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(in.ID))
	dst = binary.LittleEndian.AppendUint64(dst, in.Gen)
	dst = appendSince(append(appendVersions(dst, in.Speak), byte(kindsOrAll(in.Kinds)), in.Age), in.Since, in.Gen)
	return EndRecord(appendAddr(appendName(dst, in.Name), in.Addr), start)
}

// IntroBytes is the encoded size of an Intro record.
func IntroBytes(in *Intro) int {
	since := in.Since
	if since == 0 {
		since = in.Gen
	}
	return RecordBytes + introFixed + uvarintBytes(in.Gen-since) + 1 + len(in.Name) + addrBytes(in.Addr)
}

// ParseIntro reads the body of an Intro record. That the identifier belongs to name and generation
// is the caller's to check, with the cluster's key and MakeOriginID.
func ParseIntro(body []byte, in *Intro) (err error) {
	if len(body) < introFixed {
		return ErrBody
	}
	in.ID = OriginID(binary.LittleEndian.Uint64(body))
	in.Gen = binary.LittleEndian.Uint64(body[8:])
	if in.ID == 0 {
		return ErrOrigin
	}
	if in.Speak, err = parseVersions(body[16:]); err != nil {
		return err
	}
	if in.Kinds, in.Age = Kind(body[18]), body[19]; in.Kinds == 0 {
		return ErrBody
	}
	if in.Since, body, err = parseSince(body[introFixed:], in.Gen); err != nil {
		return err
	}
	return parseWho(body, &in.Name, &in.Addr)
}

func parseWho(b []byte, name *[]byte, addr *netip.AddrPort) error {
	v, rest, err := parseName(b)
	if err != nil {
		return err
	}
	a, rest, err := parseAddr(rest)
	if err != nil {
		return err
	}
	if len(rest) != 0 {
		return ErrBody
	}
	*name, *addr = v, a
	return nil
}

const (
	introFixed = 8 + 8 + 2 + 1 + 1
	helloFixed = 1 + 2 + 1 + 4 + 8 + SaltBytes
)

func appendHello(dst []byte, h *Hello) []byte {
	dst = append(appendVersions(append(dst, byte(h.Flags)), h.Speak), byte(kindsOrAll(h.Kinds)))
	dst = binary.LittleEndian.AppendUint32(dst, h.Mode)
	dst = binary.LittleEndian.AppendUint64(dst, h.Gen)
	dst = appendSince(append(dst, h.Salt[:]...), h.Since, h.Gen)
	return appendAddr(appendName(dst, h.Name), h.Addr)
}

func parseHello(b []byte, h *Hello) (rest []byte, err error) {
	if len(b) < helloFixed {
		return nil, ErrBody
	}
	h.Flags = HelloFlags(b[0])
	if h.Speak, err = parseVersions(b[1:]); err != nil {
		return nil, err
	}
	if h.Kinds = Kind(b[3]); h.Kinds == 0 {
		return nil, ErrBody
	}
	h.Mode = binary.LittleEndian.Uint32(b[4:])
	h.Gen = binary.LittleEndian.Uint64(b[8:])
	h.Salt = [SaltBytes]byte(b[16:])
	if h.Since, rest, err = parseSince(b[helloFixed:], h.Gen); err != nil {
		return nil, err
	}
	if h.Name, rest, err = parseName(rest); err != nil {
		return nil, err
	}
	h.Addr, rest, err = parseAddr(rest)
	return rest, err
}

// appendName writes a length byte and the name.
func appendName(dst, name []byte) []byte {
	if len(name) == 0 || len(name) > NameBytesMax {
		panic("codec: a name has 1 to 128 bytes")
	}
	return append(append(dst, byte(len(name))), name...)
}

func parseName(b []byte) (name, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, ErrBody
	}
	n := int(b[0])
	if n == 0 || n > NameBytesMax {
		return nil, nil, ErrName
	}
	if len(b) < 1+n {
		return nil, nil, ErrBody
	}
	if name = b[1 : 1+n : 1+n]; Unprintable(name) >= 0 {
		return nil, nil, ErrName
	}
	return name, b[1+n:], nil
}

// appendAddr writes the family (0, 4 or 6), the address and the port. A zone is local to its host
// and is not written; an IPv4 address in IPv6 form is written as IPv4.
func appendAddr(dst []byte, a netip.AddrPort) []byte {
	ip := a.Addr().Unmap()
	switch {
	case !ip.IsValid():
		return append(dst, 0)
	case ip.Is4():
		v := ip.As4()
		dst = append(append(dst, 4), v[:]...)
	default:
		v := ip.As16()
		dst = append(append(dst, 6), v[:]...)
	}
	return binary.LittleEndian.AppendUint16(dst, a.Port())
}

func addrBytes(a netip.AddrPort) int {
	switch ip := a.Addr().Unmap(); {
	case !ip.IsValid():
		return 1
	case ip.Is4():
		return 1 + 4 + 2
	}
	return 1 + 16 + 2
}

func parseAddr(b []byte) (a netip.AddrPort, rest []byte, err error) {
	if len(b) == 0 {
		return a, nil, ErrBody
	}
	family, b := b[0], b[1:]
	switch {
	case family == 0:
		return a, b, nil
	case family == 4 && len(b) >= 6:
		ip := netip.AddrFrom4([4]byte(b))
		return netip.AddrPortFrom(ip, binary.LittleEndian.Uint16(b[4:])), b[6:], nil
	case family == 6 && len(b) >= 18:
		ip := netip.AddrFrom16([16]byte(b))
		if ip.Is4In6() {
			return a, nil, ErrAddress
		}
		return netip.AddrPortFrom(ip, binary.LittleEndian.Uint16(b[16:])), b[18:], nil
	case family == 4 || family == 6:
		return a, nil, ErrBody
	}
	return a, nil, ErrAddress
}
