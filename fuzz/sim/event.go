package sim

import "github.com/quidnunc/quidnunc/sched"

// kind is what an event does.
type kind uint8

const (
	kindArrive kind = iota // a frame reaches node
	kindAlarm              // node has something to do
	kindCall               // a function of the caller
)

// occurrence is one thing that happens.
type occurrence struct {
	node  uint32
	from  uint32 // kindArrive: the sender; kindCall: which function
	frame frameRef
	size  uint16
	port  uint16 // kindArrive: the sender's
	kind  kind
}

// event is an occurrence and its time.
type event struct {
	at sched.Instant
	occurrence
}
