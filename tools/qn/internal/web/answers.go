package web

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/query"
	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

// Handlers answer what other agents ask of this one.
func Handlers(s *space.Space) map[string]query.Handler {
	eng := s.Engine()
	return map[string]query.Handler{
		"digest": func(string, json.RawMessage) (any, error) {
			st := eng.Stats()
			return api.Digest{Fingerprint: fmt.Sprintf("%016x", st.Fingerprint), Keys: st.Keys, Members: st.Members}, nil
		},
		"trace": func(_ string, args json.RawMessage) (any, error) {
			var a traceArgs
			if err := json.Unmarshal(args, &a); err != nil {
				return nil, err
			}
			l, known := s.Learned(a.Member, a.Key)
			if !known {
				return api.Learned{}, nil
			}
			return api.Learned{Version: l.Version.String(), At: l.At.UTC(), From: l.From}, nil
		},
		"keys": func(_ string, args json.RawMessage) (any, error) {
			var c keyChange
			if err := json.Unmarshal(args, &c); err != nil {
				return nil, err
			}
			return nil, c.apply(eng)
		},
	}
}

type traceArgs struct {
	Member string `json:"m"`
	Key    string `json:"k"`
}

// keyChange is one step of replacing a key.
type keyChange struct {
	Step string `json:"s"` // install, use or remove
	ID   uint8  `json:"i"`
	Text string `json:"t,omitempty"` // of install: the key, as engine.ParseSecret reads it
}

func readKeyChange(step, body string) (c keyChange, err error) {
	c.Step = step
	switch step {
	case "install":
		k, err := engine.ParseSecret(body)
		if err != nil {
			return c, fmt.Errorf("this is no key: %s; fix: qn keys gen makes one", exit.Plain(err))
		}
		c.ID, c.Text = k.ID, body
	case "use", "remove":
		id, err := strconv.ParseUint(body, 10, 8)
		if err != nil || id == 0 {
			return c, fmt.Errorf("%q is no number of a key: from 1 to 255", body)
		}
		c.ID = uint8(id)
	default:
		return c, fmt.Errorf("there is no step %q: install, use or remove", step)
	}
	return c, nil
}

func (c *keyChange) apply(eng *engine.Engine) error {
	switch c.Step {
	case "install":
		k, err := engine.ParseSecret(c.Text)
		if err != nil {
			return err
		}
		return eng.AddSecret(k)
	case "use":
		return eng.UseSecret(c.ID)
	case "remove":
		return eng.RemoveSecret(c.ID)
	}
	return fmt.Errorf("there is no step %q", c.Step)
}

// unsafeStep says why a step would shut members out.
func unsafeStep(eng *engine.Engine, c keyChange) (text, fix string) {
	if c.Step == "install" {
		return "", ""
	}
	var lacking, sealing []string
	held := false
	for _, k := range eng.Secrets() {
		if k.ID == c.ID {
			held, lacking, sealing = true, alive(eng, k.Lacking), alive(eng, k.Sealing)
			if c.Step == "remove" && k.Primary {
				return fmt.Sprintf("key %d seals: it can't be removed", c.ID), "qn keys use ID of another one first"
			}
		}
	}
	switch {
	case !held && c.Step == "remove":
		return fmt.Sprintf("key %d is not held here: there is nothing to remove", c.ID), "see qn keys list"
	case !held:
		return fmt.Sprintf("key %d is not held here", c.ID), "qn keys install FILE first"
	case c.Step == "use" && len(lacking) > 0:
		return fmt.Sprintf("key %d would shut out %s, which lack it", c.ID, strings.Join(lacking, ", ")), "qn keys install it again, or wait"
	case c.Step == "remove" && len(sealing) > 0:
		return fmt.Sprintf("removing key %d would shut out %s, which seal with it", c.ID, strings.Join(sealing, ", ")), "qn keys use another one again, or wait"
	}
	return "", ""
}

// alive leaves out those that answer nobody: nothing would ever be done if they counted.
func alive(eng *engine.Engine, names []string) (list []string) {
	state := map[string]engine.MemberState{}
	for m := range eng.Members() {
		state[m.Name] = m.State
	}
	for _, n := range names {
		if state[n] == engine.StateAlive || state[n] == engine.StateSuspect {
			list = append(list, n)
		}
	}
	return list
}

// settledKeys waits until the members have told of the step, and returns where the keys stand.
func (s *Server) settledKeys(ctx context.Context, c keyChange) []api.KeyState {
	eng := s.opt.Space.Engine()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		if settled(eng, c) {
			return keyStates(eng)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return keyStates(eng)
		}
	}
}

func settled(eng *engine.Engine, c keyChange) bool {
	for _, k := range eng.Secrets() {
		switch {
		case c.Step == "install" && k.ID == c.ID && len(alive(eng, k.Lacking)) > 0:
			return false
		case c.Step == "use" && k.ID != c.ID && (k.Primary || len(alive(eng, k.Sealing)) > 0):
			return false
		}
	}
	return true
}

// nextStep says what to do now.
func nextStep(r *api.KeyResult) string {
	failed := len(r.Missing) > 0
	for _, st := range r.Steps {
		failed = failed || !st.Done
	}
	switch {
	case failed:
		return fmt.Sprintf("not everywhere yet: repeat qn keys %s", r.Step)
	case r.Step == "install":
		return fmt.Sprintf("add it to each agent's --key-file, for its next start, then: qn keys use %d", r.ID)
	case r.Step == "use":
		for _, k := range r.States {
			if k.ID != r.ID && k.State == api.KeyReady {
				return fmt.Sprintf("put it first in each agent's --key-file, and leave key %d out, then: qn keys remove %d", k.ID, k.ID)
			}
		}
	}
	return ""
}
