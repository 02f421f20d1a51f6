// Package faults stands between the engines of one process and their sockets, and does to them what
// networks and machines do: it cuts paths in one direction or both, loses datagrams, holds them
// back, and freezes a member as SIGSTOP would. What passes are the real datagrams of real sockets.
package faults
