package space

import (
	"errors"
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

// Set writes an own key or a shared one. The conditions on an own key are exact: this agent alone
// writes it.
func (s *Space) Set(name string, value []byte, p Put) (r Result, err error) {
	k, err := s.writable(name)
	if err != nil {
		return r, err
	}
	defer s.lock(k.key).Unlock()
	if p.Absent || p.Present || p.Keep || p.Old {
		old, info, ok := s.living(nil, k.full())
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
	if k.shared && p.Absent && p.TTL == 0 {
		r.Version, err = s.putOnce(k.key, value)
		if errors.Is(err, engine.ErrConflict) {
			return r, nil
		}
	} else {
		r.Version, err = s.put(k, value, p.TTL)
	}
	r.Written = err == nil
	return r, err
}

// living is AppendGet without keys whose lifetime is over though the engine has not ended them yet:
// to write one again with what is left of it would let it live for ever.
func (s *Space) living(dst []byte, name string) (value []byte, info Info, ok bool) {
	value, info, ok = s.AppendGet(dst, name)
	if ok && info.TTL > 0 && info.Left <= 0 {
		return dst, Info{Member: info.Member, Key: info.Key}, false
	}
	return value, info, ok
}

// target is a key that this agent may write.
type target struct {
	key    string
	shared bool
}

// full is its name, for AppendGet.
func (k target) full() string {
	if k.shared {
		return "/" + k.key
	}
	return "./" + k.key
}

// writable is the key of a name that this agent may write.
func (s *Space) writable(name string) (k target, err error) {
	member, key := s.Split(name)
	if member == "" {
		return target{key, true}, nil
	}
	k.key, err = s.ownKey(name)
	return k, err
}

// putOnce writes a shared key that holds nothing; the key is locked.
func (s *Space) putOnce(key string, value []byte) (engine.Version, error) {
	p, err := s.eng.Shared().SetOnce(key, value)
	if err == nil {
		s.wroteShared(p.Version, key, p.Write, 0)
	}
	return p.Version, tooLong(key, value, err)
}

// putShared writes a shared key; it is locked.
func (s *Space) putShared(key string, value []byte, ttl time.Duration) (engine.Version, error) {
	v, is, err := s.eng.Shared().Put(key, value, ttl)
	if err == nil {
		s.wroteShared(v, key, is, ttl)
	}
	return v, tooLong(key, value, err)
}

// remove deletes a key; it is locked.
func (s *Space) remove(k target) (v engine.Version, err error) {
	if k.shared {
		if v, err = s.eng.Shared().Delete(k.key); err == nil {
			s.changedShared(v, k.key)
		}
		return v, err
	}
	if v, err = s.eng.Delete(k.key); err == nil {
		s.removedOwn(v, k.key)
	}
	return v, err
}

// put writes; the key is locked.
func (s *Space) put(k target, value []byte, ttl time.Duration) (v engine.Version, err error) {
	key := k.key
	if k.shared {
		return s.putShared(key, value, ttl)
	}
	if ttl > 0 {
		v, err = s.eng.SetTTL(key, value, ttl)
	} else {
		v, err = s.eng.Set(key, value)
	}
	if err == nil {
		s.wroteOwn(v, key, ttl)
	}
	return v, err
}

// Delete removes an own or a shared key and reports whether there was one.
func (s *Space) Delete(name string) (was bool, v engine.Version, err error) {
	_, was, v, err = s.Take(nil, name)
	return was, v, err
}

// Take is Delete that appends what was there to dst.
func (s *Space) Take(dst []byte, name string) (value []byte, was bool, v engine.Version, err error) {
	k, err := s.writable(name)
	if err != nil {
		return dst, false, v, err
	}
	defer s.lock(k.key).Unlock()
	if dst, _, was = s.AppendGet(dst, k.full()); !was {
		return dst, false, v, nil
	}
	if v, err = s.remove(k); err != nil {
		return dst, false, v, err
	}
	return dst, true, v, nil
}

// Expire gives an own or a shared key a lifetime from now on; 0 takes it away, a negative one
// deletes the key. It reports whether there is such a key, and, for 0, whether it had a lifetime.
func (s *Space) Expire(name string, ttl time.Duration) (done bool, err error) {
	if ttl < 0 {
		done, _, err = s.Delete(name)
		return done, err
	}
	k, err := s.writable(name)
	if err != nil {
		return false, err
	}
	defer s.lock(k.key).Unlock()
	value, info, ok := s.living(nil, k.full())
	if !ok || ttl == 0 && info.TTL == 0 {
		return false, nil
	}
	_, err = s.put(k, value, ttl)
	return err == nil, err
}

// Add adds to a number in an own key or a shared one; a key that is not there counts as 0. The
// lifetime of an own key stays. To a shared key agents add at the same time without losing
// anything; one that ends is set to the sum.
func (s *Space) Add(name string, by int64) (sum int64, err error) {
	k, err := s.writable(name)
	if err != nil {
		return 0, err
	}
	defer s.lock(k.key).Unlock()
	if ttl, _ := s.eng.Shared().Lifetime(k.key); k.shared && ttl == 0 {
		return s.addShared(k.key, by)
	}
	value, info, ok := s.living(nil, k.full())
	if ok {
		if sum, err = strconv.ParseInt(string(value), 10, 64); err != nil {
			return 0, ErrNotNumber
		}
	}
	if by > 0 && sum > math.MaxInt64-by || by < 0 && sum < math.MinInt64-by {
		return 0, ErrNotNumber
	}
	sum += by
	_, err = s.put(k, strconv.AppendInt(nil, sum, 10), info.Left)
	return sum, err
}

func (s *Space) addShared(key string, by int64) (int64, error) {
	sum, v, err := s.eng.Shared().Add(key, by)
	if errors.Is(err, engine.ErrNotNumber) {
		return 0, ErrNotNumber
	}
	if err == nil {
		s.changedShared(v, key)
	}
	return sum, err
}
