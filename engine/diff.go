package engine

import (
	"fmt"

	"github.com/quidnunc/quidnunc/engine/core"
)

// Diff is how two members whose fingerprints differ find out in what. Every
// way repairs everything; they differ in what that costs. Members of one cluster
// may use different ones.
type Diff uint8

// The ways to compare.
const (
	// DiffAuto sends a sketch of the version vector, which shows up to some 50
	// differing members in one frame, where the vector itself takes more than a
	// frame, and the vector in windows where the sketch does not suffice. It is the
	// default.
	DiffAuto Diff = iota
	// DiffVector always sends the version vector in windows.
	DiffVector
	// DiffSketch sends a sketch first, also in small clusters.
	DiffSketch
	// DiffRecent sends the list of what changed lately with the fingerprint.
	DiffRecent
	// DiffPeel goes back in the order of last change until all is equal.
	DiffPeel
	// DiffActivity does so in an order in which what was needed moves to the
	// front.
	DiffActivity
	// DiffUpdates sends a few updates with their contents first, takes feedback
	// on them, and diffs everything only if fingerprints still differ. It needs
	// PushPull.
	DiffUpdates
)

var diffNames = nameTable[Diff]{"Diff", "diff", []string{
	DiffAuto: "auto", DiffVector: "vector", DiffSketch: "sketch", DiffRecent: "recent",
	DiffPeel: "peel", DiffActivity: "activity", DiffUpdates: "updates",
}}

var diffs = [...]core.Diff{
	DiffAuto: core.DiffAuto, DiffVector: core.DiffVector, DiffSketch: core.DiffSketch,
	DiffRecent: core.DiffRecent, DiffPeel: core.DiffPeel, DiffActivity: core.DiffActivity,
	DiffUpdates: core.DiffUpdates,
}

// String is "auto", "vector", "sketch", "recent", "peel", "activity" or "updates".
func (c Diff) String() string { return diffNames.name(c) }

// ParseDiff is the inverse of Diff.String.
func ParseDiff(s string) (Diff, error) { return diffNames.parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (c Diff) MarshalText() ([]byte, error) { return diffNames.text(c) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseDiff.
func (c *Diff) UnmarshalText(b []byte) (err error) {
	*c, err = ParseDiff(string(b))
	return err
}

// checkDiff names the pair of settings that contradict each other.
func (c *Config) checkDiff() error {
	if err := inRange("Diff", c.Diff, 0, DiffUpdates); err != nil {
		return err
	}
	if c.Diff == DiffUpdates && c.Mode != PushPull {
		return bad("Diff", c.Diff, "Diff and Mode: the update list goes both ways, mode "+c.Mode.String()+" goes one",
			"use PushPull, or another way to compare")
	}
	if c.Diff != DiffAuto && c.Order >= PreciseNewest {
		return bad("Diff", c.Diff, "Diff and Order: order "+c.Order.String()+" compares key by key",
			"leave Diff zero, or use Fair, Depth or Breadth")
	}
	if r := c.RepairInterval; r != 0 && r < 10*c.Interval {
		return bad("RepairInterval", r, "RepairInterval and Interval: a walk compares much more than a comparison does",
			fmt.Sprintf("use 0, or at least %v", 10*c.Interval))
	}
	if c.RepairInterval != 0 && c.Order >= PreciseNewest {
		return bad("RepairInterval", c.RepairInterval, "RepairInterval and Order: order "+c.Order.String()+" compares key by key",
			"leave RepairInterval zero, or use Fair, Depth or Breadth")
	}
	if c.Rumor.Redistribute && c.Mode == Pull {
		return bad("Rumor", fmt.Sprintf("%+v", c.Rumor), "Rumor.Redistribute and Mode: with pull nobody learns what another member lacks",
			"use PushPull or Push, or leave Redistribute false")
	}
	return nil
}
