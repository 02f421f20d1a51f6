// Package cli is the command tree of qn: names, flags, help and exit codes. What a verb does is in
// a package of its own.
//
// Conventions, the same for every verb: results go to standard output and everything else to
// standard error; -o chooses the form of the result, and the JSON form is a contract; an error is
// one line with what, why and the fix; exit codes are 0 done, 1 failed while running, 2 wrong
// usage, 3 ran but the replicas did not become equal, 130 interrupted.
package cli
