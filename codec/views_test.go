package codec

import (
	"strings"
	"testing"
)

// TestViewsEndWhereTheyEnd: whatever a parser gives as a view of a frame can be appended to without
// touching what follows it there: the next record, the checksum, the next entry.
func TestViewsEndWhereTheyEnd(t *testing.T) {
	names, bytesOf := samples()
	views := 0
	for _, name := range names {
		view := func(what string, b []byte) {
			if views++; len(b) != cap(b) {
				t.Errorf("%s: %s of %d bytes reaches %d further", name, what, len(b), cap(b)-len(b))
			}
		}
		// Something follows in the same buffer, as another datagram does in a slab.
		records := append(append([]byte(nil), bytesOf[name]...), "what follows"...)[:len(bytesOf[name])]
		if strings.HasPrefix(name, "frame/") {
			var h Header
			r, err := ParseFrame(records, &h)
			if err == ErrSealed {
				continue
			} else if err != nil {
				t.Fatal(name, err)
			}
			view("the records", r)
			records = r
		} else if !strings.HasPrefix(name, "record/") {
			continue
		}
		for typ, body, rest := NextRecord(records); typ != 0; typ, body, rest = NextRecord(rest) {
			view("a body", body)
			viewsOf(typ, body, view)
		}
	}
	if views < 100 {
		t.Errorf("only %d views were looked at", views)
	}
}

// viewsOf yields the views of a frame that the parser of a record gives.
func viewsOf(typ Type, body []byte, view func(string, []byte)) {
	switch typ {
	case TypeHello:
		var h Hello
		if ParseHello(body, &h) == nil {
			view("a name", h.Name)
		}
	case TypeHelloReply:
		var h HelloReply
		if ParseHelloReply(body, &h) == nil {
			view("a name", h.Name)
		}
	case TypeIntro:
		var h Intro
		if ParseIntro(body, &h) == nil {
			view("a name", h.Name)
		}
	case TypeEvent:
		var e Event
		if ParseEvent(body, &e) == nil {
			view("a topic", e.Topic)
			view("a payload", e.Payload)
		}
	case TypePreciseDigest:
		var d PreciseDigest
		var it PreciseIter
		if ParsePreciseDigest(body, &d, &it) != nil {
			return
		}
		view("the key after which it goes on", d.After.Key)
		it.Reset(&d)
		for _, ok := it.Origin(); ok; _, ok = it.Origin() {
			for k, _, ok := it.Key(); ok; k, _, ok = it.Key() {
				view("a key", k)
			}
		}
	case TypeRun, TypePart, TypePreciseRun:
		var r Run
		parse := map[Type]func([]byte, *Run) error{TypeRun: ParseRun, TypePart: ParsePart, TypePreciseRun: ParsePreciseRun}[typ]
		if parse(body, &r) != nil {
			return
		}
		var it RunIter
		var e Entry
		for it.Reset(&r); it.Next(&e); {
			if e.Key != nil {
				view("a key", e.Key)
			}
			view("a value", e.Value)
		}
	}
}
