// Package term decides what a stream can show and prints progress on it. Results go to standard
// output; progress and warnings go to standard error, and only where a person is looking at it.
package term
