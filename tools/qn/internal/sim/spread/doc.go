// Package spread is "qn sim spread", "qn sim compare" and "qn sim frozen": how
// writes spread, how comparisons find what differs, and what a member that stops
// does to the others, in virtual time. The experiments are in fuzz/spread.
package spread
