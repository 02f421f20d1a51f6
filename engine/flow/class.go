package flow

// Class is how urgent a frame's content is, most urgent first.
type Class uint8

// The classes.
const (
	Probe      Class = iota // liveness: always goes
	Membership              // verdicts, votes, who is who
	Urgent                  // acknowledgements, digests, pulls
	Normal                  // news
	Repair                  // answers to digests and pulls
	Bulk                    // snapshots
	Classes
)

var classNames = [Classes]string{"probe", "membership", "urgent", "normal", "repair", "bulk"}

// String is the class in one lower-case word.
func (c Class) String() string {
	if c < Classes {
		return classNames[c]
	}
	return "invalid"
}

// reserve is how much of the bucket, in eighths, a class leaves to those above
// it. Below zero is debt that it may make.
var reserve = [Classes]int32{Probe: -64, Membership: -16, Urgent: -8, Normal: 0, Repair: 1, Bulk: 4}

// repairShare is the reserve in the other direction: while both are due, one
// frame in so many begins with repair.
const repairShare = 8
