// Package fleet runs engines in processes of their own, so that one can be
// killed and stopped as the kernel does it: nothing of it runs on, no socket
// says goodbye.
//
// A node is the tool's own binary, started again with the hidden command
// "node". It writes one line of JSON to its output for its address, for each
// event of a member, and for each answer; it reads commands from its input, one
// a line, and ends when that ends. So no node outlives who started it.
//
// Times are the machine's wall clock in nanoseconds, the same for all processes.
// An event is stamped on the goroutine that calls the embedder, some
// microseconds after the loop has it.
package fleet
