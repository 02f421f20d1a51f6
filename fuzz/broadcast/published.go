package broadcast

// Figure is what was published of a way to spread: messages for each member, of 10,000, with
// no failures.
type Figure struct {
	Policy   string
	Payload  float64
	Control  float64
	Source   string
	Measured string // what of ours stands beside it
}

// Published are the figures of Leitão, Pereira, Rodrigues, "Epidemic broadcast trees" (2007),
// section 4: HyParView with an active view of 5, 10,000 nodes; and what memberlist sends by
// its code, 4 times the logarithm of the members, rounded up.
func Published() []Figure {
	return []Figure{
		{"flood", 3.9984, 0, "Plumtree 2007, eager", "flood"},
		{"plumtree", 0.9999, 2.9987, "Plumtree 2007", "plumtree"},
		{"memberlist", 20, 0, "RetransmitMult 4 at 10,000 members", "rumor"},
	}
}
