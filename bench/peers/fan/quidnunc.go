package main

import (
	"context"
	"encoding/binary"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// quidnunc is the engine with its defaults, whose replicas are its own.
type quidnunc struct {
	l     *ledger
	nodes []*engine.Engine
	index atomic.Pointer[map[uint64]int] // of their ids, once all are known
	last  []uint64                       // version by writer
	keys  []string
}

func (q *quidnunc) start(l *ledger) error {
	q.l, q.last = l, make([]uint64, l.holders)
	for i := range l.keys {
		q.keys = append(q.keys, "key-"+strconv.Itoa(i))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range l.holders {
		c := engine.LAN()
		c.Name, c.Cluster, c.Bind, c.LeaveTimeout, c.Insecure = "node-"+strconv.Itoa(i), "fan", "127.0.0.1:0", -1, true
		c.Limits.Keys = max(c.Limits.Keys, 2*l.holders*(l.keys+4))
		c.Trace = &engine.Trace{Advanced: func(a engine.Advance) {
			if index := q.index.Load(); index != nil {
				if w, ok := (*index)[a.Origin]; ok && w != i {
					l.reached(i, w, a.To, clock())
				}
			}
		}}
		e, err := engine.Start(ctx, c)
		if err != nil {
			return err
		}
		q.nodes = append(q.nodes, e)
	}
	index := map[uint64]int{}
	for i, e := range q.nodes {
		index[e.ID()] = i
	}
	q.index.Store(&index)
	for _, e := range q.nodes[1:] {
		if _, err := e.Join(ctx, q.nodes[0].Addr().String()); err != nil {
			return err
		}
	}
	for _, e := range q.nodes {
		for _, err := range e.Events(ctx) {
			if err != nil {
				return err
			}
			if e.NumMembers() == l.holders {
				break
			}
		}
	}
	return nil
}

func (q *quidnunc) write(writer, key int, value []byte) error {
	q.l.foresee(writer, q.last[writer]+1, binary.LittleEndian.Uint64(value))
	v, err := q.nodes[writer].Set(q.keys[key], value)
	if err == nil {
		q.last[writer] = v.Seq
	}
	return err
}

func (q *quidnunc) flush() {}

func (q *quidnunc) delivered() (n uint64) {
	for _, e := range q.nodes {
		n += e.Stats().EntriesNew
	}
	return n
}

func (q *quidnunc) differ() (n int) {
	for h, e := range q.nodes {
		for w := range q.nodes {
			if w == h {
				continue
			}
			found := 0
			for key, x := range e.Range("node-" + strconv.Itoa(w)) {
				i, _ := strconv.Atoi(string(key)[len("key-"):])
				if binary.LittleEndian.Uint64(x.Value) == q.l.newest[w*q.l.keys+i] {
					found++
				}
			}
			for _, want := range q.l.newest[w*q.l.keys : (w+1)*q.l.keys] {
				if want != 0 {
					n++
				}
			}
			n -= found
		}
	}
	return n
}

func (q *quidnunc) served() time.Duration { return 0 }

func (q *quidnunc) close() {
	for _, e := range q.nodes {
		e.Close()
	}
}
