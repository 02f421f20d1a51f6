package space

import (
	"math"
	"strconv"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// Put says how Set writes. The zero value writes in any case, for ever.
type Put struct {
	TTL     time.Duration // 0: for ever
	Keep    bool          // the lifetime that the key has
	Absent  bool          // only if there is no such key
	Present bool          // only if there is one
	Old     bool          // return the value that was there
}

// Result is what Set did.
type Result struct {
	Written bool // false: a condition did not hold
	Version engine.Version
	Old     []byte // with Put.Old, where there was a value; nil if not
}

// Set writes an own key. The conditions are exact: this agent alone writes it.
func (s *Space) Set(name string, value []byte, p Put) (r Result, err error) {
	key, err := s.ownKey(name)
	if err != nil {
		return r, err
	}
	defer s.lock(key).Unlock()
	if p.Absent || p.Present || p.Keep || p.Old {
		old, info, ok := s.AppendGet(nil, "./"+key)
		if ok && p.Old {
			r.Old = old[:len(old):len(old)]
			if r.Old == nil {
				r.Old = []byte{}
			}
		}
		if ok && p.Absent || !ok && p.Present {
			return r, nil
		}
		if ok && p.Keep {
			p.TTL = info.Left
		}
	}
	r.Version, err = s.put(key, value, p.TTL)
	r.Written = err == nil
	return r, err
}

// put writes; the key is locked.
func (s *Space) put(key string, value []byte, ttl time.Duration) (v engine.Version, err error) {
	if ttl > 0 {
		v, err = s.eng.SetTTL(key, value, ttl)
	} else {
		v, err = s.eng.Set(key, value)
	}
	if err == nil {
		if ttl > 0 {
			s.index.lasts(s.eng.Name(), key, v, time.Now().Add(ttl))
		}
		s.wrote(v)
	}
	return v, err
}

// Delete removes an own key and reports whether there was one.
func (s *Space) Delete(name string) (was bool, v engine.Version, err error) {
	_, was, v, err = s.Take(nil, name)
	return was, v, err
}

// Take is Delete that appends what was there to dst.
func (s *Space) Take(dst []byte, name string) (value []byte, was bool, v engine.Version, err error) {
	key, err := s.ownKey(name)
	if err != nil {
		return dst, false, v, err
	}
	defer s.lock(key).Unlock()
	if dst, _, was = s.AppendGet(dst, "./"+key); !was {
		return dst, false, v, nil
	}
	if v, err = s.eng.Delete(key); err != nil {
		return dst, false, v, err
	}
	s.wrote(v)
	return dst, true, v, nil
}

// Expire gives an own key a lifetime from now on; 0 takes it away, a negative one deletes the key. It reports whether
// there is such a key, and, for 0, whether it had a lifetime.
func (s *Space) Expire(name string, ttl time.Duration) (done bool, err error) {
	if ttl < 0 {
		done, _, err = s.Delete(name)
		return done, err
	}
	key, err := s.ownKey(name)
	if err != nil {
		return false, err
	}
	defer s.lock(key).Unlock()
	value, info, ok := s.AppendGet(nil, "./"+key)
	if !ok || ttl == 0 && info.TTL == 0 {
		return false, nil
	}
	_, err = s.put(key, value, ttl)
	return err == nil, err
}

// Add adds to a number in an own key; a key that is not there counts as 0. The lifetime stays.
func (s *Space) Add(name string, by int64) (sum int64, err error) {
	key, err := s.ownKey(name)
	if err != nil {
		return 0, err
	}
	defer s.lock(key).Unlock()
	value, info, ok := s.AppendGet(nil, "./"+key)
	if ok {
		if sum, err = strconv.ParseInt(string(value), 10, 64); err != nil {
			return 0, ErrNotNumber
		}
	}
	if by > 0 && sum > math.MaxInt64-by || by < 0 && sum < math.MinInt64-by {
		return 0, ErrNotNumber
	}
	sum += by
	_, err = s.put(key, strconv.AppendInt(nil, sum, 10), info.Left)
	return sum, err
}
