package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// natsCore is a NATS server in this process; each holder is a connection that hears all and does not
// hear itself.
type natsCore struct {
	l       *ledger
	srv     *server.Server
	conns   []*nats.Conn
	jet     []nats.JetStreamContext // of JetStream's KV; nil: core
	dir     string
	kv      bool
	subject []string // by writer and key
}

func (n *natsCore) start(l *ledger) (err error) {
	n.l = l
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: n.kv, StoreDir: n.dir}
	if n.srv, err = server.NewServer(o); err != nil {
		return err
	}
	n.srv.Start()
	if !n.srv.ReadyForConnections(10 * time.Second) {
		return errors.New("the NATS server does not start")
	}
	prefix := "fan."
	if n.kv {
		prefix = "$KV.fan."
	}
	for i := range l.holders * l.keys {
		n.subject = append(n.subject, fmt.Sprintf("%s%d.%d", prefix, i/l.keys, i%l.keys))
	}
	for i := range l.holders {
		c, err := nats.Connect(n.srv.ClientURL(), nats.NoEcho())
		if err != nil {
			return err
		}
		n.conns = append(n.conns, c)
		if n.kv {
			err = n.watch(i, c)
		} else {
			var s *nats.Subscription
			if s, err = c.Subscribe("fan.>", func(m *nats.Msg) { l.arrived(i, m.Data) }); err == nil {
				err = s.SetPendingLimits(-1, -1)
			}
		}
		if err == nil {
			err = c.Flush()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// watch has a holder watch a bucket in memory, with one replica. It hears its own writes, too.
func (n *natsCore) watch(i int, c *nats.Conn) error {
	j, err := c.JetStream(nats.PublishAsyncMaxPending(1 << 16))
	if err != nil {
		return err
	}
	n.jet = append(n.jet, j)
	kv, err := j.KeyValue("fan")
	if i == 0 {
		kv, err = j.CreateKeyValue(&nats.KeyValueConfig{Bucket: "fan", Storage: nats.MemoryStorage, History: 1})
	}
	if err != nil {
		return err
	}
	w, err := kv.WatchAll(nats.UpdatesOnly())
	if err != nil {
		return err
	}
	go func() {
		for e := range w.Updates() {
			if e != nil {
				n.l.arrived(i, e.Value())
			}
		}
	}()
	return nil
}

func (n *natsCore) write(writer, key int, value []byte) error {
	subject := n.subject[writer*n.l.keys+key]
	if !n.kv {
		return n.conns[writer].Publish(subject, value)
	}
	_, err := n.jet[writer].PublishAsync(subject, append([]byte(nil), value...))
	return err
}

func (n *natsCore) flush()                {} // each connection has a goroutine for it
func (n *natsCore) delivered() uint64     { return n.l.delivered() }
func (n *natsCore) differ() int           { return n.l.differ() }
func (n *natsCore) served() time.Duration { return 0 }

func (n *natsCore) close() {
	for _, c := range n.conns {
		c.Close()
	}
	n.srv.Shutdown()
}
