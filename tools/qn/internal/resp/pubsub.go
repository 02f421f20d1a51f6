package resp

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/query"
	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

// The channels that tell of keys.
const (
	keyspacePrefix = "__keyspace@0__:"
	keyeventPrefix = "__keyevent@0__:"
)

// subscriptions are who listens to what.
type subscriptions struct {
	mu       sync.Mutex
	channels map[string]map[*conn]struct{}
	patterns map[string]map[*conn]struct{}
	all      sync.WaitGroup
}

func (s *subscriptions) init() {
	s.channels, s.patterns = map[string]map[*conn]struct{}{}, map[string]map[*conn]struct{}{}
}

func (s *subscriptions) close() { s.all.Wait() }

func (s *subscriptions) of(pattern bool) map[string]map[*conn]struct{} {
	if pattern {
		return s.patterns
	}
	return s.channels
}

// add returns how many the connection has now.
func (s *subscriptions) add(c *conn, name string, pattern bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.of(pattern)
	if m[name] == nil {
		m[name] = map[*conn]struct{}{}
	}
	if _, has := m[name][c]; !has {
		m[name][c] = struct{}{}
		c.subbed++
	}
	return c.subbed
}

func (s *subscriptions) remove(c *conn, name string, pattern bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.of(pattern)
	if _, has := m[name][c]; has {
		delete(m[name], c)
		c.subbed--
		if len(m[name]) == 0 {
			delete(m, name)
		}
	}
	return c.subbed
}

// names are what a connection listens to.
func (s *subscriptions) names(c *conn, pattern bool) (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, conns := range s.of(pattern) {
		if _, has := conns[c]; has {
			list = append(list, name)
		}
	}
	return list
}

func (s *subscriptions) count(c *conn) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.subbed
}

func (s *subscriptions) drop(c *conn) {
	if s.count(c) == 0 {
		return
	}
	for _, pattern := range []bool{false, true} {
		for _, name := range s.names(c, pattern) {
			s.remove(c, name, pattern)
		}
	}
}

// publish brings a message to who listens here, and returns how many that were.
func (s *subscriptions) publish(channel string, payload []byte) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.channels[channel] {
		c.deliver("", channel, payload)
		n++
	}
	for pattern, conns := range s.patterns {
		if glob(pattern, channel) {
			for c := range conns {
				c.deliver(pattern, channel, payload)
				n++
			}
		}
	}
	return n
}

// listeners counts who would get a message.
func (s *subscriptions) listeners(channel string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = len(s.channels[channel])
	for pattern, conns := range s.patterns {
		if glob(pattern, channel) {
			n += len(conns)
		}
	}
	return n
}

func (s *subscriptions) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.channels)+len(s.patterns) > 0
}

// deliver writes a message for one connection.
func (c *conn) deliver(pattern, channel string, payload []byte) {
	r := reply{proto: int(c.protocol.Load())}
	message(&r, pattern, channel, payload)
	resync := reply{proto: r.proto}
	message(&resync, pattern, keyeventPrefix+"resync", nil)
	c.post(r.b, resync.b)
}

func message(r *reply, pattern, channel string, payload []byte) {
	if pattern == "" {
		r.push(3)
		r.text("message")
	} else {
		r.push(4)
		r.text("pmessage")
		r.text(pattern)
	}
	r.text(channel)
	r.bulk(payload)
}

// run brings the cluster's messages and the changes of keys to who listens, until ctx ends.
func (s *subscriptions) run(ctx context.Context, v *Server) {
	s.all.Go(func() { s.broadcasts(ctx, v) })
	s.all.Go(func() { s.changes(ctx, v.space) })
}

// broadcasts delivers what any agent of the cluster publishes, our own too.
func (s *subscriptions) broadcasts(ctx context.Context, v *Server) {
	for b, err := range v.space.Engine().Subscribe(ctx, "") {
		switch {
		case errors.Is(err, engine.ErrOverflow):
			v.counts.MessagesLost.Add(1)
		case err != nil:
			return
		case !query.Owns(b.Topic):
			s.publish(b.Topic, b.Payload)
		}
	}
}

func (s *subscriptions) changes(ctx context.Context, sp *space.Space) {
	var list []space.Change
	for at := sp.Log().Newest(); ; {
		if newest := sp.Log().Newest(); !s.any() { // who subscribes hears of what comes after that
			at = newest
		}
		list, whole, ended, signal := sp.Log().After(at, list[:0], 512)
		if !whole {
			at = sp.Log().Newest()
			s.publish(keyeventPrefix+"resync", nil)
			continue
		}
		for i := range list {
			at = list[i].Seq
			s.change(sp, &list[i])
		}
		if len(list) > 0 {
			continue
		}
		if ended {
			return
		}
		select {
		case <-signal:
		case <-ctx.Done():
			return
		}
	}
}

// change tells of one key, as Redis does.
func (s *subscriptions) change(sp *space.Space, c *space.Change) {
	if c.Key == "" {
		return
	}
	event, name := "set", nameOf(sp, c.Member, c.Key)
	switch {
	case c.Expired:
		event = "expired"
	case c.Deleted:
		event = "del"
	}
	s.publish(keyspacePrefix+name, []byte(event))
	s.publish(keyeventPrefix+event, []byte(name))
}

// nameOf is the name that a client uses for a key: shared keys without a member.
func nameOf(sp *space.Space, member, key string) string {
	if member == "" && !strings.Contains(key, "/") {
		return key
	}
	return sp.Join(member, key)
}
