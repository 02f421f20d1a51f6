package walk

// Relation is what a successor's copy of one origin lacks of ours.
type Relation uint8

// The relations.
const (
	Level   Relation = iota // it holds the same
	Absent                  // it holds nothing that can be built on: copy from 0
	Differs                 // it is behind: the difference after its max
	Ahead                   // it holds more than we do, which is for its own hops
)

// Copy is what a node holds of one origin: the prefix up to Max, of which
// deletes up to Floor were collected.
type Copy struct{ Max, Floor uint64 }

// Compare says how to repair theirs from mine, and from which version on. A copy
// below our floor may hold entries whose deletion was collected, so that a
// difference can't repair it: it is copied whole.
func Compare(mine, theirs Copy) (r Relation, from uint64) {
	switch {
	case theirs.Max == mine.Max && theirs.Floor >= mine.Floor:
		return Level, mine.Max
	case theirs.Max > mine.Max:
		return Ahead, mine.Max
	case theirs.Max == 0 || theirs.Max < mine.Floor:
		return Absent, 0
	}
	return Differs, theirs.Max
}
