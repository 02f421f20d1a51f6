package detect

import (
	"encoding/binary"
	"fmt"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

const ms = sched.Millisecond

// Sizes on the wire.
const (
	frameBytes = codec.HeaderBytesFixed + 8 + 8 + codec.ChecksumBytes // header with fingerprints, checksum
	udpBytes   = 28                                                   // IPv4 and UDP
	roomBytes  = codec.FrameBytesDefault - frameBytes
	inboxMax   = 4096 // datagrams that a stalled node's socket holds
)

// Network is what links do.
type Network struct {
	Loss   float64       // probability that a datagram is lost
	Delay  sched.Instant // least one-way delay
	Jitter sched.Instant // added, uniform; one datagram in a hundred gets ten times as much
}

// occurrence is a message that arrives at a node, or its timer if there is none.
type occurrence struct {
	node uint32
	msg  *message
}

type message struct {
	from, to uint32
	print    uint64
	body     []byte
	refused  bool // no frame: the host of from says that its port is closed
}

// words are what the host of a crashed node has left to say to another one (Linux: icmp_ratelimit,
// XRLIM_BURST_FACTOR).
type words struct {
	left float64
	at   sched.Instant
}

const wordsMax = 6

// says reports whether the host of a crashed node answers to another one, this time.
func (w *world) says(down, to uint32) bool {
	k := [2]uint32{down, to}
	b := w.words[k]
	if b == nil {
		b = &words{wordsMax, w.now}
		w.words[k] = b
	}
	b.left = min(wordsMax, b.left+float64(w.now-b.at)/sched.Second)
	b.at = w.now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// chats lets each node send frames to members that it does not hold dead.
func (w *world) chats() {
	for h := range w.hosts {
		for range w.chat {
			to := 1 + w.rand.Uint32n(uint32(len(w.hosts)-1))
			if x := &w.hosts[h]; h > 0 && int(to) != h && !x.down && x.table.Status(to) < member.Dead {
				w.send(uint32(h), to, kindFacts, w.message(true))
			}
		}
	}
}

type host struct {
	table  member.Table
	armed  sched.Instant // its timer in the queue; older ones are void
	asleep sched.Instant // stalled until then
	down   bool
	inbox  []*message
	cost   sched.Instant // time that each datagram takes to handle; 0: none
	sent   [6]uint64     // frames by kind
	bytes  [6]uint64     // and their UDP payload
	downAt sched.Instant
}

// Kinds of frames that are counted apart.
const (
	kindProbe = iota
	kindAck
	kindVote
	kindFacts
	kindDigest
)

// world is a running simulation.
type world struct {
	queue  simnet.Queue[occurrence]
	now    sched.Instant
	ring   member.Ring
	hosts  []host // [0] is nil
	net    Network
	closed bool // hosts of crashed nodes answer, as Linux does: wordsMax times at once to each, then once a second
	words  map[[2]uint32]*words
	chat   int // frames that each node sends to others at each step of chats, beside those of its detector
	loss   uint32
	rand   sched.Rand
	cut    func(from, to uint32) bool
	change func(at uint32, c *member.Change)
	small  []*message
	large  []*message
	events uint64
	end    sched.Instant
}

// start makes n nodes that all know each other.
func start(n int, seed uint64, cfg member.Config, lim member.Limits, net Network) *world {
	w := &world{net: net, loss: uint32(net.Loss * (1<<32 - 1)), hosts: make([]host, n+1), words: map[[2]uint32]*words{}}
	w.rand.Seed(seed)
	now := sched.Instant(sched.Second)
	w.end = now
	w.now = now
	w.queue.Init(now)
	w.ring.Init(n, [2]uint64{seed, 1})
	for h := 1; h <= n; h++ {
		w.ring.Add(uint32(h), nodeID(seed, h))
	}
	for h := 1; h <= n; h++ {
		x := &w.hosts[h]
		x.armed = sched.Never
		x.table.Init(&cfg, lim, &w.ring, uint32(h), nodeID(seed, h), seed, now)
		w.arm(uint32(h))
	}
	return w
}

func nodeID(seed uint64, h int) codec.OriginID {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(h))
	return codec.OriginID(codec.SipHash([2]uint64{seed, 2}, b[:]))
}

// smallLimits keeps tables small: facts about this many members at once.
func smallLimits(n, facts int) member.Limits {
	return member.Limits{Members: n, Facts: min(n, facts), Watch: 64, Cases: 64, Hot: min(max(facts, 16), 1024)}
}

// run lets time go on by d.
func (w *world) run(d sched.Instant) {
	w.end += d
	var e occurrence
	for {
		at, ok := w.queue.Pop(w.end, &e)
		if !ok {
			w.now = max(w.now, w.end)
			return
		}
		w.now = max(w.now, at)
		w.events++
		x := &w.hosts[e.node]
		switch {
		case e.msg != nil:
			w.arrive(e.node, e.msg)
		case at == x.armed:
			x.armed = sched.Never
			w.turn(e.node)
		}
	}
}

func (w *world) arrive(h uint32, m *message) {
	x := &w.hosts[h]
	switch {
	case x.down && w.closed && !m.refused && w.says(h, m.from):
		m.from, m.to, m.refused = m.to, m.from, true
		w.queue.Push(w.now+w.net.Delay, occurrence{m.to, m})
		return
	case x.down:
	case w.now < x.asleep:
		if len(x.inbox) < inboxMax {
			x.inbox = append(x.inbox, m)
			return
		}
	case x.cost > 0:
		x.inbox = append(x.inbox, m)
		w.turn(h)
		return
	default:
		w.receive(h, m)
		w.turn(h)
	}
	w.recycle(m)
}

func (w *world) receive(h uint32, m *message) {
	x, now := &w.hosts[h], w.now
	if m.refused {
		x.table.Refused(now, m.from)
		return
	}
	x.table.Heard(now, m.from)
	x.table.SeenPrint(now, m.from, m.print)
	for b := m.body; len(b) > 0; {
		var typ codec.Type
		var body []byte
		var ack codec.ProbeAck
		typ, body, b = codec.NextRecord(b)
		answer, err := x.table.OnRecord(now, m.from, typ, body, &ack)
		if err != nil {
			panic(fmt.Sprintf("detect: node %d sent a bad record: %v", m.from, err))
		}
		if answer {
			a := w.message(false)
			a.body = x.table.AppendAnswer(a.body, roomBytes, &ack)
			w.send(h, m.from, kindAck, a)
		}
	}
}

// turn is one turn of a node's loop.
func (w *world) turn(h uint32) {
	x, now := &w.hosts[h], w.now
	if x.down {
		return
	}
	if now < x.asleep {
		w.wake(h)
		return
	}
	x.table.Tick(now)
	w.read(h)
	w.pull(h)
	var c member.Change
	for x.table.NextChange(&c) {
		if w.change != nil {
			w.change(h, &c)
		}
	}
	if now >= x.asleep {
		w.arm(h)
	}
}

// read handles the mail: all of it, or as much as a slow node can without another look at its
// timers: one datagram.
func (w *world) read(h uint32) {
	x := &w.hosts[h]
	n := len(x.inbox)
	if x.cost > 0 {
		n = min(n, 1)
	}
	for _, m := range x.inbox[:n] {
		w.receive(h, m)
		w.recycle(m)
	}
	x.inbox = append(x.inbox[:0], x.inbox[n:]...)
	if n > 0 && x.cost > 0 {
		w.stall(h, x.cost)
	}
}

func (w *world) pull(h uint32) {
	x, now := &w.hosts[h], w.now
	var s member.Send
	for x.table.Next(now, &s) {
		kind := kindProbe
		switch s.Kind {
		case member.SendGrave:
			continue
		case member.SendVote:
			kind = kindVote
		case member.SendFacts, member.SendReply, member.SendCorrection:
			kind = kindFacts
		case member.SendDigest:
			kind = kindDigest
		}
		m := w.message(kind >= kindFacts)
		if m.body = x.table.AppendSend(m.body, roomBytes, &s); len(m.body) > 0 {
			w.send(h, s.To, kind, m)
		} else {
			w.recycle(m)
		}
	}
}

func (w *world) send(from, to uint32, kind int, m *message) {
	x := &w.hosts[from]
	x.sent[kind]++
	x.bytes[kind] += uint64(frameBytes + len(m.body))
	if w.loss != 0 && w.rand.Chance(w.loss) || w.cut != nil && w.cut(from, to) {
		w.recycle(m)
		return
	}
	m.from, m.to, m.print = from, to, x.table.LivePrint()
	r := w.rand.Uint64()
	delay := w.net.Delay
	if w.net.Jitter > 0 {
		jitter := sched.Instant(r >> 32 % uint64(w.net.Jitter))
		if r%128 == 0 {
			jitter *= 10
		}
		delay += jitter
	}
	w.queue.Push(w.now+delay, occurrence{to, m})
}

// arm sets a node's timer if it is not set for that time or an earlier one.
func (w *world) arm(h uint32) {
	x, now := &w.hosts[h], w.now
	at := max(x.table.Deadline(), now+1)
	if at < x.armed {
		x.armed = at
		w.queue.Push(at, occurrence{node: h})
	}
}

// stall stops a node's loop; its socket goes on collecting.
func (w *world) stall(h uint32, d sched.Instant) {
	w.hosts[h].asleep = max(w.hosts[h].asleep, w.now+d)
	w.wake(h)
}

// wake sets the timer of a stalled node.
func (w *world) wake(h uint32) {
	x := &w.hosts[h]
	x.armed = x.asleep
	w.queue.Push(x.armed, occurrence{node: h})
}

// crash stops a node for good.
func (w *world) crash(h uint32) {
	x := &w.hosts[h]
	x.down, x.downAt = true, w.now
	for _, m := range x.inbox {
		w.recycle(m)
	}
	x.inbox = nil
}

func (w *world) message(large bool) *message {
	pool, size := &w.small, 160
	if large {
		pool, size = &w.large, codec.FrameBytesDefault
	}
	if n := len(*pool); n > 0 {
		m := (*pool)[n-1]
		*pool = (*pool)[:n-1]
		m.body, m.refused = m.body[:0], false
		return m
	}
	return &message{body: make([]byte, 0, size)}
}

func (w *world) recycle(m *message) {
	if cap(m.body) >= codec.FrameBytesDefault {
		w.large = append(w.large, m)
	} else {
		w.small = append(w.small, m)
	}
}
