package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/tools/qn/internal/query"
)

// Every live member answers once and acts once, however often it is asked; who does not answer is
// named.
func TestAsk(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c.WaitConverged()
	var acts atomic.Int32
	var services []*query.Service
	for _, e := range c.Engines {
		services = append(services, query.Start(ctx, e, map[string]query.Handler{
			"name": func(from string, args json.RawMessage) (any, error) {
				acts.Add(1)
				if from != "node-0" || string(args) != `"x"` {
					t.Errorf("from %s, %s", from, args)
				}
				return e.Name(), nil
			},
			"fail": func(string, json.RawMessage) (any, error) { return nil, errors.New("no") },
		}))
	}
	c.Loss(0.3)
	answers, missing, err := services[0].Ask(ctx, "name", "x")
	var names []string
	for _, a := range answers {
		if string(a.Result) != `"`+a.Member+`"` || a.Error != "" {
			t.Errorf("%+v", a)
		}
		names = append(names, a.Member)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"node-0", "node-1", "node-2"}) || len(missing) > 0 || err != nil {
		t.Errorf("%v answered, %v missing, %v", names, missing, err)
	}
	if n := acts.Load(); n != 3 {
		t.Errorf("%d acts", n)
	}
	c.Loss(0)
	if answers, _, _ = services[1].Ask(ctx, "fail", nil); len(answers) != 3 || answers[0].Error != "no" {
		t.Errorf("%+v", answers)
	}
	if answers, _, _ = services[1].Ask(ctx, "nosuch", nil); len(answers) != 3 || answers[0].Error == "" {
		t.Errorf("%+v", answers)
	}
}
