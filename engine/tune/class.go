package tune

import "github.com/quidnunc/quidnunc/engine/enum"

// Class is how urgent one write is. It decides how the write leaves its author, and nothing of what
// becomes of it: versions, deletes and waiting for a version are the same.
type Class uint8

// The classes.
const (
	// ClassNormal is that of most writes: each leaves as Spread says, and waits up to 10 ms for
	// company where the author's loop is busy.
	ClassNormal Class = iota
	// ClassUrgent waits for no company. Where delegates pass it on, and more than 5 % of the frames
	// are lost on the way to the last member, it goes over two trees: nearly everybody is told by
	// two members, and a lost frame costs no time-out. Both take their copy of the bandwidth.
	ClassUrgent
	// ClassBulk makes nothing leave: the write goes along with the next one of another class, and
	// else with the periodic comparisons, which take some intervals to bring it to everybody.
	ClassBulk
)

var classes = enum.Names[Class]{Kind: "Class", What: "class", Names: []string{"normal", "urgent", "bulk"}}

// String is "normal", "urgent" or "bulk".
func (c Class) String() string { return classes.String(c) }

// With is the class of one write that stands for two: the more urgent.
func (c Class) With(d Class) Class {
	switch {
	case c == ClassUrgent || d == ClassUrgent:
		return ClassUrgent
	case c == ClassBulk && d == ClassBulk:
		return ClassBulk
	}
	return ClassNormal
}
