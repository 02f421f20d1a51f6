// Mutate asks whether the tests of a package would notice a fault: it changes the
// package, one place at a time, and runs its tests. What they pass is a survivor.
//
//	go run ./fuzz/mutate ./engine/flow                          all of a package
//	go run ./fuzz/mutate -sample 200 -seed 7 ./engine/state     a seeded sample
//	go run ./fuzz/mutate -changed main -budget 5m ./engine/...  lines that a change touched
//
// A mutant that the tests of its package pass is asked of whole nodes then, where they are
// made of it: fuzz/sim's traces and scenarios, which hold every frame.
//
// The kinds of change are those of Gremlins (github.com/go-gremlins/gremlins), each place
// once. All mutants of a package are built as one program of tests in which the environment
// says which one lives; those that the compiler has to know, such as constants, are built
// one by one. The files lie over the tree, which stays as it is.
//
// First each test runs alone while no mutant lives, and marks where a mutant would have
// computed something else. Only tests with such a mark are asked of that mutant, the cheap
// ones first, until one tells; a mutant without a mark has lived before it is tried.
//
// What is known of tests is kept, in the user's cache or where -keep says, as long as the
// program stays the same. All mutants are in it, whatever the sample, so that another seed
// begins at once, and a run that ended in the midst of it goes on from there: of a package
// such as engine/core it takes longer than many mutants do.
//
// # The score
//
// Killed ÷ (killed + lived + not covered), with the interval in which it lies with
// 95 % if a sample was drawn (Wilson 1927). Mutants whose tests do not end are told
// apart: they count for nothing; those that do not compile are not mutants.
//
// With -changed all packages are judged together, and only if the whole interval is
// below what was asked for: a small change has few mutants.
//
// # Survivors
//
// Each is killed by a test, or argued in survivors.txt: package, file, kind and the
// line itself, and why no test can tell. An argued one counts as none. What stands
// there and does not survive any more is told, so that the list only shrinks.
package main
