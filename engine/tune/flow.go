package tune

import "github.com/quidnunc/quidnunc/engine/enum"

// Flow is what flow control does about overload.
type Flow uint8

// The ways.
const (
	// FlowOn bounds what leaves for each peer, and, once there is congestion,
	// how fast this member's writes are published. It is the default.
	FlowOn Flow = iota
	// FlowReport measures and shows the same in Stats, and holds nothing back.
	FlowReport
	// FlowOff does nothing.
	FlowOff
)

var flows = enum.Names[Flow]{Kind: "Flow", What: "flow control", Names: []string{"on", "report", "off"}}

// String is "on", "report" or "off".
func (f Flow) String() string { return flows.String(f) }

// ParseFlow is the inverse of Flow.String.
func ParseFlow(s string) (Flow, error) { return flows.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (f Flow) MarshalText() ([]byte, error) { return flows.Text(f) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseFlow.
func (f *Flow) UnmarshalText(b []byte) error { return flows.Set(f, b) }
