package query

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine"
)

// TestAnswersAreRememberedForAWhile: who asks again is answered without a second act, as long as the
// question is among the last ones, and no more of them are kept.
func TestAnswersAreRememberedForAWhile(t *testing.T) {
	cfg := engine.Local()
	cfg.Name = "a"
	e, err := engine.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	acts := map[string]int{}
	s := &Service{eng: e, said: map[string]answer{}, handlers: map[string]Handler{
		"act": func(from string, args json.RawMessage) (any, error) { acts[string(args)]++; return nil, nil },
	}}
	ask := func(n int) {
		text, _ := json.Marshal(question{ID: fmt.Sprint("q", n), Verb: "act", Args: json.RawMessage(fmt.Sprint(n))})
		s.answer(&engine.Broadcast{From: "b", Topic: askTopic, Payload: text})
	}
	for n := range 3 * rememberMax {
		ask(n)
		ask(n)
		ask(max(0, n-rememberMax+1)) // the oldest that is remembered
		if len(s.said) > rememberMax || len(s.order) != len(s.said) {
			t.Fatalf("%d answers are kept after %d questions, in a row of %d", len(s.said), n+1, len(s.order))
		}
	}
	for n := range 3 * rememberMax {
		if got := acts[fmt.Sprint(n)]; got != 1 {
			t.Fatalf("question %d was acted upon %d times", n, got)
		}
	}
}
