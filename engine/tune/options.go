package tune

import "github.com/quidnunc/quidnunc/codec"

// Options are the choices of one member. The zero Options are the defaults.
type Options struct {
	// Mode is how two members compare their states. Default ModePushPull.
	Mode Mode
	// Order is how a frame is filled when more is missing than fits. Default OrderFair.
	Order Order
	// Compare is the order of OrderPreciseOwn, and only that: negative if a goes before
	// b. It runs on the loop, for each two entries of an answer that are compared.
	Compare func(a, b *Candidate) int `json:"-"`
	// Diff is how a comparison finds what differs. Default DiffAuto.
	Diff Diff
	// Spread is how a write leaves its author. Default SpreadAuto.
	Spread Spread
	// Rumor is how rumors are mongered, where Spread does that. Default: every member
	// pushes news once, blindly, to Fanout others.
	Rumor RumorPolicy
	// Fanout is to how many peers a rumor is sent in a cycle. Default 0: by the size of
	// the cluster and by what is lost; up to 64.
	Fanout int
	// Flow is what flow control does about overload. Default FlowOn.
	Flow Flow
}

// Candidate is an entry that waits to be sent, as Options.Compare sees it. It
// and its bytes are good until Compare returns.
type Candidate struct {
	Author []byte // name of the member
	Entry  codec.Entry
}
