package query

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// Prefix begins the topics of questions and answers.
const Prefix = "qn."

const (
	askTopic    = Prefix + "ask"
	answerTopic = Prefix + "answer"
	askEvery    = 300 * time.Millisecond
	rememberMax = 1024 // questions that were answered
)

// Owns reports whether a topic is of this package.
func Owns(topic string) bool { return strings.HasPrefix(topic, Prefix) }

// question is what askTopic carries.
type question struct {
	ID   string          `json:"i"`
	Verb string          `json:"v"`
	Args json.RawMessage `json:"a,omitempty"`
}

// answer is what answerTopic carries.
type answer struct {
	ID     string          `json:"i"`
	Result json.RawMessage `json:"r,omitempty"`
	Error  string          `json:"e,omitempty"`
}

// Answer is what one member said.
type Answer struct {
	Member string          `json:"member"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Handler answers one verb. It runs on a goroutine of the Service, one question at a time. from is
// who asks.
type Handler func(from string, args json.RawMessage) (result any, err error)

// Service answers the questions of others and asks for its own agent.
type Service struct {
	eng      *engine.Engine
	handlers map[string]Handler

	mu     sync.Mutex
	asking map[string]chan Answer
	said   map[string]answer // to questions that come again
	order  []string
}

// Start serves until ctx ends. handlers is not changed afterwards.
func Start(ctx context.Context, eng *engine.Engine, handlers map[string]Handler) *Service {
	s := &Service{
		eng: eng, handlers: handlers, asking: map[string]chan Answer{}, said: map[string]answer{},
	}
	go s.run(ctx)
	return s
}

func (s *Service) run(ctx context.Context) {
	for b, err := range s.eng.Subscribe(ctx, "") {
		switch {
		case errors.Is(err, engine.ErrOverflow): // who asks asks again
		case err != nil:
			return
		case b.Topic == askTopic:
			s.answer(&b)
		case b.Topic == answerTopic:
			s.collect(&b)
		}
	}
}

// answer acts on a question once and repeats its answer when it is asked again.
func (s *Service) answer(b *engine.Broadcast) {
	var q question
	if json.Unmarshal(b.Payload, &q) != nil || q.ID == "" {
		return
	}
	s.mu.Lock()
	a, known := s.said[q.ID]
	s.mu.Unlock()
	if !known {
		a = s.act(b.From, &q)
		s.mu.Lock()
		if len(s.order) == rememberMax {
			delete(s.said, s.order[0])
			s.order = s.order[1:]
		}
		s.said[q.ID], s.order = a, append(s.order, q.ID)
		s.mu.Unlock()
	}
	text, err := json.Marshal(a)
	if err != nil {
		return
	}
	_, err = s.eng.Broadcast(answerTopic, text)
	if errors.Is(err, engine.ErrTooLarge) {
		text, _ = json.Marshal(answer{ID: q.ID, Error: fmt.Sprintf("the answer of %d bytes is longer than a broadcast", len(text))})
		_, _ = s.eng.Broadcast(answerTopic, text) // it is asked again
	}
}

func (s *Service) act(from string, q *question) answer {
	h := s.handlers[q.Verb]
	if h == nil {
		return answer{ID: q.ID, Error: fmt.Sprintf("verb %q is not known here: is this agent older?", q.Verb)}
	}
	result, err := h(from, q.Args)
	if err != nil {
		return answer{ID: q.ID, Error: err.Error()}
	}
	text, err := json.Marshal(result)
	if err != nil {
		return answer{ID: q.ID, Error: err.Error()}
	}
	return answer{ID: q.ID, Result: text}
}

func (s *Service) collect(b *engine.Broadcast) {
	var a answer
	if json.Unmarshal(b.Payload, &a) != nil {
		return
	}
	s.mu.Lock()
	to := s.asking[a.ID]
	s.mu.Unlock()
	if to == nil {
		return
	}
	select {
	case to <- Answer{b.From, a.Result, a.Error}:
	default: // repeated more often than there is room for: it has been read once
	}
}

// Ask asks all live members, this one too, and returns when each has answered or ctx ends: missing
// lists those that have not. The error says that nothing was asked.
func (s *Service) Ask(ctx context.Context, verb string, args any) (answers []Answer, missing []string, err error) {
	text, err := json.Marshal(args)
	if err != nil {
		return nil, nil, err
	}
	q := question{ID: rand.Text(), Verb: verb, Args: text}
	if text, err = json.Marshal(q); err != nil {
		return nil, nil, err
	}
	in := make(chan Answer, 4096)
	s.mu.Lock()
	s.asking[q.ID] = in
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.asking, q.ID)
		s.mu.Unlock()
	}()
	got := map[string]bool{}
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		if _, err := s.eng.Broadcast(askTopic, text); err != nil {
			return answers, nil, err
		}
		for waiting := true; waiting; {
			select {
			case a := <-in:
				if !got[a.Member] {
					got[a.Member], answers = true, append(answers, a)
				}
			case <-again.C:
				waiting = false
			case <-ctx.Done():
				return answers, s.lacking(got), nil
			}
			if len(s.lacking(got)) == 0 {
				return answers, nil, nil
			}
		}
	}
}

// lacking are the live members that have not answered.
func (s *Service) lacking(got map[string]bool) (names []string) {
	for m := range s.eng.Members() {
		if (m.State == engine.StateAlive || m.State == engine.StateSuspect) && !got[m.Name] {
			names = append(names, m.Name)
		}
	}
	return names
}
