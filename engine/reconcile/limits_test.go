package reconcile

import (
	"bytes"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// named is a book that introduces by name.
type named struct{ s *state.Store }

func (b named) Intro(o state.Origin, in *codec.Intro) {
	*in = codec.Intro{ID: b.s.ID(o), Gen: b.s.Gen(o), Name: b.s.Name(o)}
}

// TestAnswersAtEachLimit: wherever a frame ends, what is in it is whole: an introduction has its
// run, nothing is left of a run that did not fit, what was there before stands, and in the end all is
// sent, once.
func TestAnswersAtEachLimit(t *testing.T) {
	head := []byte("what the frame begins with")
	for _, order := range []tune.Order{tune.OrderDepth, tune.OrderBreadth, tune.OrderFair} {
		p, q, _ := world(t)
		p.f.Init(&p.Store, named{&p.Store}, 64)
		window, _, _ := AppendWindow(nil, 1<<15, &q.Store, 0, codec.DigestWantRuns)
		var d codec.Digest
		_, body, _ := codec.NextRecord(window)
		if err := codec.ParseDigest(body, &d); err != nil {
			t.Fatal(err)
		}
		all := 0
		for limit := len(head) + 60; limit < 700; limit += 1 + limit/40 {
			var j Job
			j.Init(64)
			j.Reset(100, -1)
			(&View{Store: &p.Store}).Compare(&d, &j, nil)
			j.Arrange(order, 0)
			for i := range j.wants {
				w := &j.wants[i] // nothing is known of anybody
				w.From, w.Missing = 0, uint32(p.Missing(w.Origin, 0))
			}
			sent := 0
			for frames := 0; !j.Done() && frames < 2000; frames++ {
				b, n := p.f.Fill(append([]byte(nil), head...), limit, &j, order)
				if sent += n; len(b) > limit || !bytes.HasPrefix(b, head) {
					t.Fatalf("order %d, limit %d: %d bytes, %q", order, limit, len(b), b)
				}
				for i := range j.wants {
					if w := &j.wants[i]; w.Origin != 0 && int(w.Missing) != p.Missing(w.Origin, w.From) {
						t.Fatalf("order %d, limit %d: %d is said to lack %d, and lacks %d", order, limit, w.ID, w.Missing, p.Missing(w.Origin, w.From))
					}
				}
				introduced := codec.OriginID(0)
				for typ, body, rest := codec.NextRecord(b[len(head):]); typ != 0; typ, body, rest = codec.NextRecord(rest) {
					if introduced != 0 && typ != codec.TypeRun {
						t.Fatalf("order %d, limit %d: %d is introduced, and nothing of it follows", order, limit, introduced)
					}
					switch typ {
					case codec.TypeIntro:
						var in codec.Intro
						if err := codec.ParseIntro(body, &in); err != nil {
							t.Fatal(err)
						}
						introduced = in.ID
					case codec.TypeRun:
						var r codec.Run
						if err := codec.ParseRun(body, &r); err != nil || introduced != 0 && r.ID != introduced {
							t.Fatalf("order %d, limit %d: a run of %d after %d was introduced: %v", order, limit, r.ID, introduced, err)
						}
						introduced = 0
					}
				}
				if introduced != 0 {
					t.Fatalf("order %d, limit %d: a frame ends with an introduction", order, limit)
				}
			}
			if all == 0 {
				all = sent
			}
			if sent != all && j.Done() {
				t.Errorf("order %d, limit %d: %d entries are sent, %d with another limit", order, limit, sent, all)
			}
		}
	}
}
