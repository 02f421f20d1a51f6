package sim

import (
	"fmt"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
)

// Text tells a frame's contents in one line; who gives the name of an origin.
func Text(frame []byte, who func(codec.OriginID) string) string {
	var h codec.Header
	records, err := codec.ParseFrame(frame, &h)
	if err != nil {
		if h.KeyID != 0 {
			return "sealed"
		}
		return err.Error()
	}
	t := text{who: who}
	t.header(&h)
	for typ, body, rest := codec.NextRecord(records); typ != 0; typ, body, rest = codec.NextRecord(rest) {
		t.b.WriteString(t.between)
		t.between = "; "
		t.record(typ, body)
	}
	return t.b.String()
}

type text struct {
	b       strings.Builder
	between string
	who     func(codec.OriginID) string
}

func (t *text) printf(format string, args ...any) { fmt.Fprintf(&t.b, format, args...) }

// header tells of the blocks that say something about this exchange.
func (t *text) header(h *codec.Header) {
	if h.Flags&codec.FlagFlow != 0 {
		t.printf("#%d ", h.Seq&0xff)
	}
	if h.Flags&codec.FlagCookie != 0 {
		t.printf("cookie ")
	}
	if h.Flags&codec.FlagPrints != 0 {
		t.printf("print %04x ", h.StatePrint>>48)
	}
}

var recordNames = map[codec.Type]string{
	codec.TypePad: "pad", codec.TypeProbe: "probe", codec.TypeProbeAck: "probe-ack", codec.TypeVote: "vote",
	codec.TypeVerdict: "facts", codec.TypeObserved: "digest of facts", codec.TypeRumorFeedback: "rumor feedback",
	codec.TypeRefusal: "refusal", codec.TypeFullAt: "full", codec.TypeCheckpoint: "checkpoint", codec.TypeTurn: "turn",
	codec.TypeEvent: "event", codec.TypeSketch: "sketch", codec.TypeRanges: "ranges", codec.TypeRepair: "repair", codec.TypePreciseDigest: "precise digest",
	codec.TypeSignature: "signature", codec.TypePublicKey: "public key", codec.TypePreciseRun: "precise run", codec.TypeKeyNotice: "keys", codec.TypePrecisePull: "precise pull",
}

func (t *text) record(typ codec.Type, body []byte) {
	var err error
	switch typ {
	case codec.TypeHello:
		var h codec.Hello
		if err = codec.ParseHello(body, &h); err == nil {
			t.printf("hello from %s generation %d", h.Name, h.Gen)
		}
	case codec.TypeHelloReply:
		var h codec.HelloReply
		if err = codec.ParseHelloReply(body, &h); err == nil {
			t.printf("hello-reply from %s generation %d, which knows generation %d of you", h.Name, h.Gen, h.KnownGen)
		}
	case codec.TypeIntro:
		var in codec.Intro
		if err = codec.ParseIntro(body, &in); err == nil {
			t.printf("intro of %s generation %d", in.Name, in.Gen)
		}
	case codec.TypeSync:
		var s codec.Sync
		if s, err = codec.ParseSync(body); err == nil {
			t.printf("sync (%s)", [...]string{"", "push", "pull", "push-pull"}[s.Kind&3])
		}
	case codec.TypeDigest:
		err = t.digest(body)
	case codec.TypeRun:
		err = t.run(body)
	case codec.TypePull:
		err = t.pull(body)
	case codec.TypeHave:
		var h codec.Have
		if h, err = codec.ParseHave(body); err == nil {
			t.printf("have %d of yours", h.Max)
		}
	default:
		name, ok := recordNames[typ]
		if !ok {
			name = fmt.Sprintf("record %d", typ)
		}
		t.printf("%s (%d B)", name, len(body))
	}
	if err != nil {
		t.printf("%v", err)
	}
}

func (t *text) digest(body []byte) error {
	var d codec.Digest
	if err := codec.ParseDigest(body, &d); err != nil {
		return err
	}
	t.printf("digest")
	if d.Flags&codec.DigestWantRuns != 0 {
		t.printf(", send me what I lack")
	}
	if d.Flags&codec.DigestOffer != 0 {
		t.printf(", ask for what you lack")
	}
	var e codec.DigestEntry
	between := ": "
	for it := d.Entries(); it.Next(&e); between = ", " {
		t.printf("%s%s=%d", between, t.who(e.ID), e.Max)
	}
	return nil
}

func (t *text) run(body []byte) error {
	var r codec.Run
	if err := codec.ParseRun(body, &r); err != nil {
		return err
	}
	t.printf("run of %s (%d, %d]", t.who(r.ID), r.From, r.To)
	var it codec.RunIter
	var e codec.Entry
	for it.Reset(&r); it.Next(&e); {
		if e.Flags&codec.EntryByRef != 0 {
			e.Key = fmt.Appendf(nil, "(key of %d)", e.Version-uint64(e.Ref))
		}
		switch {
		case e.Flags&codec.EntryTombstone != 0:
			t.printf(" %d:%s deleted", e.Version, e.Key)
		case len(e.Value) > 16:
			t.printf(" %d:%s=%s...(%d B)", e.Version, e.Key, e.Value[:6], len(e.Value))
		default:
			t.printf(" %d:%s=%s", e.Version, e.Key, e.Value)
		}
	}
	return nil
}

func (t *text) pull(body []byte) error {
	var p codec.Pull
	if err := codec.ParsePull(body, &p); err != nil {
		return err
	}
	t.printf("pull")
	between := " "
	for it := p.Entries(); ; between = ", " {
		id, have, ok := it.Next()
		if !ok {
			return nil
		}
		t.printf("%s%s after %d", between, t.who(id), have)
	}
}
