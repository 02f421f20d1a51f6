//go:build !linux

package stream

import "syscall"

// ackNow does nothing here.
func ackNow(int) {}

// withHello does nothing here: the hello comes right behind the connection.
func withHello(string, string, syscall.RawConn) error { return nil }
