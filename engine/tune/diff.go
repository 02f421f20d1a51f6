package tune

import "github.com/quidnunc/quidnunc/engine/enum"

// Diff is how two members whose fingerprints differ find out in what. Every
// way repairs everything: it ends, where it finds nothing more, with the version vector.
// They differ in what that costs. Members of one cluster may use different ones.
type Diff uint8

// The ways to compare.
const (
	// DiffAuto climbs a ladder: the fingerprint; a sketch of the version vector, which
	// shows up to some 50 differing members in one frame, where the vector itself takes
	// more than a frame; the vector in windows where the sketch does not suffice. It is
	// the default.
	DiffAuto Diff = iota
	// DiffVector always sends the version vector in windows.
	DiffVector
	// DiffSketch sends a sketch first, also in small clusters.
	DiffSketch
	// DiffRecent sends the list of what changed lately with the fingerprint (Demers et
	// al. §1.3).
	DiffRecent
	// DiffPeel goes back in the order of last change until all is equal (§1.3).
	DiffPeel
	// DiffActivity does so in an order in which what was needed moves to the
	// front (§1.5).
	DiffActivity
	// DiffUpdates sends a few updates with their contents first, least useless ones
	// first, takes feedback on them, and diffs everything only if fingerprints still
	// differ, as XGOSSIP does. It needs ModePushPull.
	DiffUpdates
	// DiffRanges compares fingerprints of ranges, as Merkle trees and range-based set
	// reconciliation do: those of 64 parts of the members first, then of a sixteenth of each part
	// that differs, and lists members where few are left. A member's log is one range up to its
	// version, or is compared by intervals of versions where deletes were collected.
	DiffRanges
)

var diffs = enum.Names[Diff]{Kind: "Diff", What: "diff", Names: []string{
	"auto", "vector", "sketch", "recent", "peel", "activity", "updates", "ranges",
}}

// String is "auto", "vector", "sketch", "recent", "peel", "activity", "updates" or "ranges".
func (d Diff) String() string { return diffs.String(d) }

// ParseDiff is the inverse of Diff.String.
func ParseDiff(s string) (Diff, error) { return diffs.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (d Diff) MarshalText() ([]byte, error) { return diffs.Text(d) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseDiff.
func (d *Diff) UnmarshalText(b []byte) error { return diffs.Set(d, b) }
