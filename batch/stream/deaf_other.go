//go:build !linux

package stream

// deafen does nothing here: what gnet's acceptor gives to a loop that has ended stays open.
func (s *Streams) deafen(*life) (ends bool) { return false }
