package main

import (
	"time"

	"github.com/quidnunc/quidnunc/bench/peers/peer"
)

// list is memberlist.
type list struct {
	*peer.List
	l   *ledger
	cfg peer.ListConfig
}

func (c *list) start(l *ledger) (err error) {
	c.l = l
	c.List, err = peer.StartList(l.holders, &c.cfg, func(member int, value []byte) { l.arrived(member, value) })
	return err
}

func (c *list) write(writer, _ int, value []byte) error {
	c.Say(writer, value)
	return nil
}

func (c *list) flush()                {}
func (c *list) delivered() uint64     { return c.l.delivered() }
func (c *list) differ() int           { return c.l.differ() }
func (c *list) served() time.Duration { return 0 }
func (c *list) close()                { c.Close() }
