package peer

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// ListConfig says how members of memberlist talk.
type ListConfig struct {
	Base  *memberlist.Config
	Best  bool // one datagram from who says something to each other member, and no more (SendBestEffort)
	Lacks int  // members that each may not know yet when they have formed: the last ones often take long
}

// FastestList is memberlist as fast as it goes: a gossip tick of 1 ms to four members, no compression.
func FastestList() *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.GossipInterval, c.GossipNodes, c.EnableCompression = time.Millisecond, 4, false
	return c
}

// PlainList is memberlist without compression.
func PlainList() *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.EnableCompression = false
	return c
}

// List is a cluster of memberlist, whose members pass a message on the first time they see it, as serf
// does.
type List struct {
	heard func(member int, value []byte)
	best  bool
	nodes []*listNode
}

type listNode struct {
	c      *List
	self   int
	m      *memberlist.Memberlist
	queue  *memberlist.TransmitLimitedQueue
	others []*memberlist.Node
	mu     sync.Mutex
	seen   map[uint64]bool // the first eight bytes of values
}

type listMessage []byte

func (m listMessage) Invalidates(memberlist.Broadcast) bool { return false }
func (m listMessage) Message() []byte                       { return m }
func (m listMessage) Finished()                             {}

func (d *listNode) NodeMeta(int) []byte { return nil }
func (d *listNode) NotifyMsg(b []byte) {
	if len(b) != ValueBytes {
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
		d.queue.QueueBroadcast(listMessage(slices.Clone(b)))
	}
	d.c.heard(d.self, b)
}

func (d *listNode) GetBroadcasts(overhead, limit int) [][]byte {
	if d.c.best {
		return nil
	}
	return d.queue.GetBroadcasts(overhead, limit)
}
func (d *listNode) LocalState(bool) []byte        { return nil }
func (d *listNode) MergeRemoteState([]byte, bool) {}

// StartList starts members and waits until they know each other. heard is called once a member and
// value, for each member from one goroutine at a time; values begin with eight bytes that no other has,
// and are borrowed.
func StartList(members int, cfg *ListConfig, heard func(member int, value []byte)) (*List, error) {
	c := &List{heard: heard, best: cfg.Best}
	for i := range members {
		if err := c.add(i, members, cfg.Base); err != nil {
			c.Close()
			return nil, err
		}
	}
	for end := time.Now().Add(startMax); !c.formed(members - cfg.Lacks); {
		if time.Now().After(end) {
			c.Close()
			return nil, fmt.Errorf("memberlist did not form within %v", startMax)
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
	return c, nil
}

func (c *List) add(i, members int, base *memberlist.Config) (err error) {
	d := &listNode{c: c, self: i, seen: map[uint64]bool{}}
	cfg := *base
	cfg.Name, cfg.BindAddr, cfg.BindPort, cfg.AdvertisePort = "node-"+strconv.Itoa(i), "127.0.0.1", 0, 0
	cfg.Delegate, cfg.LogOutput = d, io.Discard
	d.queue = &memberlist.TransmitLimitedQueue{NumNodes: func() int { return members }, RetransmitMult: cfg.RetransmitMult}
	if d.m, err = memberlist.Create(&cfg); err != nil {
		return err
	}
	if c.nodes = append(c.nodes, d); i == 0 {
		return nil
	}
	first := c.nodes[0].m.LocalNode()
	_, err = d.m.Join([]string{net.JoinHostPort(first.Addr.String(), strconv.Itoa(int(first.Port)))})
	return err
}

// formed tells whether each knows so many members.
func (c *List) formed(members int) bool {
	for _, d := range c.nodes {
		if d.m.NumMembers() < members {
			return false
		}
	}
	return true
}

// Say has a member say a value of ValueBytes.
func (c *List) Say(member int, value []byte) {
	d := c.nodes[member]
	if c.best {
		for _, m := range d.others {
			d.m.SendBestEffort(m, value) // the queue of its receiver is what may drop it
		}
		return
	}
	d.mu.Lock()
	d.seen[binary.LittleEndian.Uint64(value)] = true
	d.mu.Unlock()
	d.queue.QueueBroadcast(listMessage(slices.Clone(value)))
}

// Close ends all members.
func (c *List) Close() {
	for _, d := range c.nodes {
		d.m.Shutdown()
	}
}
