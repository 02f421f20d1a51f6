// Package units reads and prints the quantities that people type at a command line: rates (10k/s),
// sizes (64KiB) and shares (20% or 0.2). Every parser refuses what it does not understand with an
// error that shows a correct spelling, and every type is a flag value (String, Set, Type), so that
// a flag set can hold it directly.
package units
