package resp

import "syscall"

// deafen has the kernel refuse whom gnet has not accepted yet: its acceptor ends at that, behind the
// last connection that it gave to a loop, and ends the loops. false: it does not.
func (v *Server) deafen() (ends bool) {
	select {
	case <-v.ended: // by itself
		return false
	default:
	}
	fd, err := v.engine.Dup()
	v.leaving.Store(true) // gnet's acceptor looks at it when it ends: behind Dup, so that they do not race
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	return syscall.Shutdown(fd, syscall.SHUT_RD) == nil
}
