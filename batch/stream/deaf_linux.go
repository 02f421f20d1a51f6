package stream

import "syscall"

// deafen has the kernel refuse whom gnet has not accepted yet: its acceptor ends at that, behind the
// last connection that it gave to the loop, and ends the loop. false: it does not.
func (s *Streams) deafen(x *life) (ends bool) {
	select {
	case <-x.over: // by itself
		return false
	default:
	}
	fd, err := x.engine.Dup()
	x.leaving.Store(true) // gnet's acceptor looks at it when it ends: behind Dup, so that they do not race
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	return syscall.Shutdown(fd, syscall.SHUT_RD) == nil
}
