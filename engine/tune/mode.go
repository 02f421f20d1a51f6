package tune

import "github.com/quidnunc/quidnunc/engine/enum"

// Mode is how two members compare their states: the direction in which a periodic
// exchange moves what is missing.
type Mode uint8

// The modes. All of a cluster's members should use the same one.
const (
	// ModePushPull exchanges what either side lacks. It is the default.
	ModePushPull Mode = iota
	// ModePush sends what the other side lacks.
	ModePush
	// ModePull asks for what this side lacks.
	ModePull
)

var modes = enum.Names[Mode]{Kind: "Mode", What: "mode", Names: []string{"push-pull", "push", "pull"}}

// String is "push-pull", "push" or "pull".
func (m Mode) String() string { return modes.String(m) }

// ParseMode is the inverse of Mode.String.
func ParseMode(s string) (Mode, error) { return modes.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (m Mode) MarshalText() ([]byte, error) { return modes.Text(m) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseMode.
func (m *Mode) UnmarshalText(b []byte) error { return modes.Set(m, b) }
