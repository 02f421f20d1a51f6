// Package demo runs real members in one process and shows them: a page on loopback, the same by
// keys of the terminal, or a tour without hands that measures. The members speak over UDP sockets
// of the loopback interface; package faults stands between them and does what networks and machines
// do. Nothing that is shown is made up: what a member knows is what its replica reports
// (engine.Trace), what it believes are its Members, and its counters are its Stats.
package demo
