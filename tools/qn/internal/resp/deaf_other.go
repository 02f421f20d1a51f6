//go:build !linux

package resp

// deafen does nothing here: what gnet's acceptor gives to a loop that has ended stays open.
func (v *Server) deafen() (ends bool) {
	v.leaving.Store(true)
	return false
}
