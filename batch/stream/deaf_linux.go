package stream

import "syscall"

// deafen has the kernel refuse whom gnet has not accepted yet: its acceptor ends at that, behind the
// last connection that it gave to the loop, and ends the loop. false: it does not.
func (s *Streams) deafen() (ends bool) {
	select {
	case <-s.over: // by itself
		return false
	default:
	}
	fd, err := s.engine.Dup()
	s.leaving.Store(true) // gnet's acceptor looks at it when it ends: behind Dup, so that they do not race
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	return syscall.Shutdown(fd, syscall.SHUT_RD) == nil
}
