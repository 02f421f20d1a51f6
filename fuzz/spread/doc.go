// Package spread measures, in virtual time on the core that engines run, how
// writes spread: by mail, by rumors of different fan-out, by periodic comparison
// alone. What it finds chose the default policy; "qn sim spread" repeats it, and
// bench/README.md has the figures.
//
// A cluster is formed once for each policy; then, for each loss, writes are made
// at random members at an even rate, and every replica's learning of every write
// is timed. Virtual time knows no cost of a frame: [Row.Load] is what a member
// would spend on them at [FrameCost], [Row.Burst] what the last copy of a write
// waits for the others at its author.
//
// [MeasureDiff] measures the ways to compare: two halves of a cluster that differ in
// few of many origins, rounds and bytes until they are equal.
package spread
