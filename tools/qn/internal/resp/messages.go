package resp

import "github.com/quidnunc/quidnunc/tools/qn/internal/query"

var messageCommands = []command{
	{name: "publish", least: 3, most: 3, run: publish, summary: "Tells a message to the listeners of all agents; answers how many there are here."},
	{name: "subscribe", least: 2, run: func(c *conn, a [][]byte) bool { return c.subscribe(a, false) }, subscribed: true, summary: "Listens to channels."},
	{name: "psubscribe", least: 2, run: func(c *conn, a [][]byte) bool { return c.subscribe(a, true) }, subscribed: true, summary: "Listens to the channels that match patterns."},
	{name: "unsubscribe", least: 1, run: func(c *conn, a [][]byte) bool { return c.unsubscribe(a, false) }, subscribed: true, summary: "Listens no longer."},
	{name: "punsubscribe", least: 1, run: func(c *conn, a [][]byte) bool { return c.unsubscribe(a, true) }, subscribed: true, summary: "Listens no longer."},
	{name: "pubsub", least: 2, run: pubsub, summary: "Tells who listens here."},
}

func publish(c *conn, a [][]byte) bool {
	channel := string(a[1])
	if query.Owns(channel) {
		c.fail("ERR channels that begin with " + query.Prefix + " are the agents' own")
		return false
	}
	n := c.server.subs.listeners(channel)
	if _, err := c.server.space.Engine().Broadcast(channel, a[2]); err != nil {
		return c.problem(err)
	}
	c.reply.number(int64(n))
	return false
}

func (c *conn) subscribe(a [][]byte, pattern bool) bool {
	verb := "subscribe"
	if pattern {
		verb = "psubscribe"
	}
	for _, name := range a[1:] {
		if c.server.subs.count(c) >= subscribeMax {
			c.fail("ERR too many subscriptions of one connection")
			return false
		}
		n := c.server.subs.add(c, string(name), pattern)
		c.subscription(verb, name, n)
	}
	return false
}

func (c *conn) unsubscribe(a [][]byte, pattern bool) bool {
	verb := "unsubscribe"
	if pattern {
		verb = "punsubscribe"
	}
	names := a[1:]
	if len(names) == 0 {
		for _, name := range c.server.subs.names(c, pattern) {
			names = append(names, []byte(name))
		}
		if len(names) == 0 {
			c.subscription(verb, nil, c.server.subs.count(c))
			return false
		}
	}
	for _, name := range names {
		c.subscription(verb, name, c.server.subs.remove(c, string(name), pattern))
	}
	return false
}

func (c *conn) subscription(verb string, name []byte, n int) {
	r := &c.reply
	r.push(3)
	r.text(verb)
	if name == nil {
		r.null()
	} else {
		r.bulk(name)
	}
	r.number(int64(n))
}

func pubsub(c *conn, a [][]byte) bool {
	subs, r := &c.server.subs, &c.reply
	switch {
	case is(a[1], "CHANNELS") && len(a) <= 3:
		pattern := "*"
		if len(a) == 3 {
			pattern = string(a[2])
		}
		subs.mu.Lock()
		var names []string
		for name := range subs.channels {
			if glob(pattern, name) {
				names = append(names, name)
			}
		}
		subs.mu.Unlock()
		r.array(len(names))
		for _, name := range names {
			r.text(name)
		}
	case is(a[1], "NUMSUB"):
		r.array(2 * (len(a) - 2)) // flat in RESP3 too, as with Redis
		for _, name := range a[2:] {
			subs.mu.Lock()
			n := len(subs.channels[string(name)])
			subs.mu.Unlock()
			r.bulk(name)
			r.number(int64(n))
		}
	case is(a[1], "NUMPAT") && len(a) == 2:
		subs.mu.Lock()
		n := len(subs.patterns)
		subs.mu.Unlock()
		r.number(int64(n))
	default:
		c.unknownSub("PUBSUB", a[1])
	}
	return false
}
