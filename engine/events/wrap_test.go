package events

import "testing"

// TestNumbersOfFramesPassTheirEnd: frames are counted on after the last number there is. What left in
// one is on its way until that frame or a later one is acknowledged, wherever its number stands.
func TestNumbersOfFramesPassTheirEnd(t *testing.T) {
	for start := ^uint32(0) - 8; start != 8; start++ {
		var p Peer
		p.flew(start, 1)
		p.flew(start+1, 2)
		for _, c := range []struct {
			ack    uint32
			flying bool
		}{{start, true}, {start + 1, false}, {start + 5, false}} {
			p.flying = true
			if again := p.Acked(c.ack, 1, true); again || p.flying != c.flying {
				t.Errorf("frames %d and %d carry events: %d is acknowledged, and they are on their way: %v", start, start+1, c.ack, p.flying)
			}
		}
	}
}
