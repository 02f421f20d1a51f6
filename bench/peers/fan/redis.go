package main

import (
	"errors"
	"time"

	"github.com/quidnunc/quidnunc/bench/peers/peer"
)

// redisPubSub is a redis-server beside this process, of which each holder is a client.
type redisPubSub struct {
	*peer.Redis
	l *ledger
}

func (r *redisPubSub) start(l *ledger) (err error) {
	r.l = l
	r.Redis, err = peer.StartRedis(l.holders, func(holder int, value []byte) { l.arrived(holder, value) })
	if errors.Is(err, peer.ErrAbsent) {
		return errSkip{err.Error()}
	}
	return err
}

func (r *redisPubSub) write(writer, _ int, value []byte) error { return r.Publish(writer, value) }
func (r *redisPubSub) flush()                                  { r.Flush() }
func (r *redisPubSub) delivered() uint64                       { return r.l.delivered() }
func (r *redisPubSub) differ() int                             { return r.l.differ() }
func (r *redisPubSub) served() time.Duration                   { return r.Served() }
func (r *redisPubSub) close()                                  { r.Close() }
