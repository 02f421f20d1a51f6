package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// list is memberlist, whose receivers pass a message on the first time they see it, as serf does;
// or, best, one datagram from the writer to each other member.
type list struct {
	l     *ledger
	base  *memberlist.Config
	best  bool
	nodes []*listNode
}

type listNode struct {
	c      *list
	self   int
	m      *memberlist.Memberlist
	queue  *memberlist.TransmitLimitedQueue
	others []*memberlist.Node
	mu     sync.Mutex
	seen   map[uint64]bool // stamps
}

type listMessage []byte

func (m listMessage) Invalidates(memberlist.Broadcast) bool { return false }
func (m listMessage) Message() []byte                       { return m }
func (m listMessage) Finished()                             {}

func (d *listNode) NodeMeta(int) []byte { return nil }
func (d *listNode) NotifyMsg(b []byte) {
	if len(b) != valueBytes {
		return
	}
	stamp := binary.LittleEndian.Uint64(b)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[stamp] {
		return
	}
	d.seen[stamp] = true
	if !d.c.best {
		d.queue.QueueBroadcast(listMessage(append([]byte(nil), b...)))
	}
	d.c.l.arrived(d.self, b)
}

func (d *listNode) GetBroadcasts(overhead, limit int) [][]byte {
	if d.c.best {
		return nil
	}
	return d.queue.GetBroadcasts(overhead, limit)
}
func (d *listNode) LocalState(bool) []byte        { return nil }
func (d *listNode) MergeRemoteState([]byte, bool) {}

func (c *list) start(l *ledger) error {
	c.l = l
	for i := range l.holders {
		d := &listNode{c: c, self: i, seen: map[uint64]bool{}}
		cfg := *c.base
		cfg.Name, cfg.BindAddr, cfg.BindPort, cfg.AdvertisePort = "node-"+strconv.Itoa(i), "127.0.0.1", 0, 0
		cfg.Delegate, cfg.LogOutput = d, io.Discard
		d.queue = &memberlist.TransmitLimitedQueue{NumNodes: func() int { return l.holders }, RetransmitMult: cfg.RetransmitMult}
		m, err := memberlist.Create(&cfg)
		if err != nil {
			return err
		}
		d.m = m
		c.nodes = append(c.nodes, d)
		if i > 0 {
			first := c.nodes[0].m.LocalNode()
			if _, err := m.Join([]string{net.JoinHostPort(first.Addr.String(), strconv.Itoa(int(first.Port)))}); err != nil {
				return err
			}
		}
	}
	for end := clock() + int64(time.Minute); ; {
		formed := 0
		for _, d := range c.nodes {
			if d.m.NumMembers() == l.holders {
				formed++
			}
		}
		if formed == l.holders {
			break
		}
		if clock() > end {
			return errors.New("memberlist did not form within a minute")
		}
		time.Sleep(10 * time.Millisecond) // it tells nobody when it is complete
	}
	for _, d := range c.nodes {
		for _, m := range d.m.Members() {
			if m.Name != d.m.LocalNode().Name {
				d.others = append(d.others, m)
			}
		}
	}
	return nil
}

func (c *list) write(writer, _ int, value []byte) error {
	d := c.nodes[writer]
	if c.best {
		for _, m := range d.others {
			d.m.SendBestEffort(m, value) // the queue of its receiver is what may drop it
		}
		return nil
	}
	b := append([]byte(nil), value...)
	d.mu.Lock()
	d.seen[binary.LittleEndian.Uint64(b)] = true
	d.mu.Unlock()
	d.queue.QueueBroadcast(listMessage(b))
	return nil
}

func (c *list) flush()                {}
func (c *list) delivered() uint64     { return c.l.delivered() }
func (c *list) differ() int           { return c.l.differ() }
func (c *list) served() time.Duration { return 0 }

func (c *list) close() {
	for _, d := range c.nodes {
		d.m.Shutdown()
	}
}
