package demo

import (
	"fmt"
	"strconv"
)

// write writes a key of a member and follows it.
func (c *cluster) write(i int) (ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &c.members[i]
	if m.eng == nil || m.frozen {
		return false
	}
	c.number++
	key, value := c.dice.IntN(nodeKeys), strconv.FormatUint(c.number, 10)
	at := clock()
	v, err := m.eng.Set("k"+strconv.Itoa(key), []byte(value))
	if err != nil {
		return false
	}
	m.newest[key] = written{value, v}
	c.tracks.follow(i, key, v.Seq, at)
	return true
}

// via tells by which member each one has a write: the hop before it, where the key was not written
// again since.
func (c *cluster) via(s *Spread) {
	s.Via = make([]int32, len(s.Micro))
	for i, us := range s.Micro {
		s.Via[i] = -1
		c.mu.Lock()
		eng := c.members[i].eng
		c.mu.Unlock()
		if us < 0 || i == s.Owner || eng == nil {
			continue
		}
		if _, m, ok := eng.Get(name(s.Owner), "k"+strconv.Itoa(s.key)); ok && m.Version.Seq == s.seq {
			s.Via[i] = number(m.From())
		}
	}
}

// lost counts keys whose newest acknowledged value is not on every member that runs. Keys of a
// member that was killed and has begun anew count from its new life.
func (c *cluster) lost() (n int, first string) {
	living := c.living()
	for _, owner := range living {
		c.mu.Lock()
		newest := c.members[owner].newest
		c.mu.Unlock()
		for k, w := range newest {
			if w.value == "" {
				continue
			}
			for _, observer := range living {
				eng := c.engineOf(observer)
				if eng == nil {
					continue
				}
				value, _, ok := eng.Get(name(owner), "k"+strconv.Itoa(k))
				if ok && string(value) == w.value {
					continue
				}
				if n++; first == "" {
					first = fmt.Sprintf("k%d of %s at %s: %q, written %q", k, name(owner), name(observer), value, w.value)
				}
				break
			}
		}
	}
	return n, first
}
