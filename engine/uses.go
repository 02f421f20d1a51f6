package engine

import "sync/atomic"

// use names what few members do at a time. It stands behind one word, so that the turns of
// all others ask for none of it.
type use uint32

const (
	useStreams use = 1 << iota // there are Config.Streams
	useShared                  // an origin claims a shared key, or is to be looked at
	useHeld                    // what the disk held of others' shared keys is not said yet
	useLeases                  // a lease has ended
	useWaits                   // somebody waits for what the loop does
	useWatch                   // somebody watched, once
)

// uses are those of an engine. What begins one says so; any goroutine may.
type uses struct{ atomic.Uint32 }

func (u *uses) begin(what use)    { u.Or(uint32(what)) }
func (u *uses) end(what use)      { u.And(^uint32(what)) }
func (u *uses) any(what use) bool { return u.Load()&uint32(what) != 0 }
