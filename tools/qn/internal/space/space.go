package space

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// Space is the keys of a cluster as one agent sees them. Its methods are safe for any number of
// goroutines.
type Space struct {
	eng   *engine.Engine
	seed  maphash.Seed
	index *index
	log   *Log
	own   [64]sync.Mutex // writes of own keys, by hash: a write that depends on what is there must see no other between

	lastMu  sync.Mutex
	last    engine.Version // newest own write through here
	ownLast engine.Version // of a key that is not shared
}

// New follows the engine's keys until ctx ends. Wait for its end with Done.
func New(ctx context.Context, eng *engine.Engine) *Space {
	s := &Space{eng: eng, seed: maphash.MakeSeed(), log: newLog()}
	s.index = newIndex(s.seed)
	var both sync.WaitGroup
	both.Go(func() { s.follow(ctx) })
	both.Go(func() { s.followShared(ctx) })
	go func() {
		both.Wait()
		s.log.close()
	}()
	return s
}

// Engine is the engine behind the space.
func (s *Space) Engine() *engine.Engine { return s.eng }

// Log has the changes.
func (s *Space) Log() *Log { return s.log }

// Done is closed when the space no longer follows the engine.
func (s *Space) Done() <-chan struct{} { return s.log.done }

func (s *Space) follow(ctx context.Context) {
	for u, err := range s.eng.Changes(ctx) {
		if err != nil {
			return
		}
		now, expired := time.Now(), false
		if u.Key == "" {
			s.index.forget(u.Member)
		} else {
			expired = s.index.note(&u, u.Meta.From(), now)
		}
		s.log.add(&u, now, expired)
	}
}

// followShared takes in the shared keys, as those of member "".
func (s *Space) followShared(ctx context.Context) {
	for u, err := range s.eng.Shared().Watch(ctx, "") {
		if err != nil {
			return
		}
		if u.Resync {
			continue // what was missed follows
		}
		x := engine.Update{Key: u.Key, Value: u.Value, Deleted: u.Deleted, Meta: engine.Meta{Version: sharedVersion(u.Now)}}
		x.Meta.TTL, x.Meta.Age = u.TTL, u.TTL-u.Left
		now := time.Now()
		s.log.add(&x, now, s.index.note(&x, u.From(), now))
	}
}

// sharedVersion is a version for a write of a shared key, as far as one can be: by epoch and stamp.
func sharedVersion(v engine.SharedVersion) engine.Version {
	return engine.Version{Gen: uint64(v.Epoch), Seq: v.Stamp}
}

// Errors of names and writes. They are complete sentences for a client.
var (
	ErrNotNumber = errors.New("value is not an integer or out of range")
	ErrNoKey     = errors.New("no such key")
)

// ForeignError is a write to a key of another member.
type ForeignError struct {
	Member, Key, Here string
	Unknown           bool // there is no such member
}

// Error says who may write the key.
func (f *ForeignError) Error() string {
	if f.Unknown {
		return fmt.Sprintf("there is no member %q: a slash names a member; write ./%s/%s for a key of %s", f.Member, f.Member, f.Key, f.Here)
	}
	return fmt.Sprintf("key %s belongs to %s: only the agent of %s writes it, this one is %s", f.Key, f.Member, f.Member, f.Here)
}

// LongError is a value that a shared key can't have. errors.Is finds engine.ErrTooLarge.
type LongError struct {
	Key          string
	Bytes, Limit int // of key and value together
}

// Error says where such a value goes.
func (l *LongError) Error() string {
	return fmt.Sprintf("a key that all agents share has at most %d bytes with its value, this one %d; fix: write ./%s, a key of this agent alone, which may be large", l.Limit, l.Bytes, l.Key)
}

// Is makes it an engine.ErrTooLarge.
func (l *LongError) Is(target error) bool { return target == engine.ErrTooLarge }

// tooLong is err of a write of a shared key, or where a value goes that is too long for one.
func tooLong(key string, value []byte, err error) error {
	if errors.Is(err, engine.ErrTooLarge) && len(key) <= engine.SharedKeyBytesMax {
		return &LongError{key, len(key) + len(value), engine.SharedEntryBytesMax}
	}
	return err
}

// Split tells whose key a name is; member "" has the shared ones.
func (s *Space) Split(name string) (member, key string) {
	member, key, found := strings.Cut(name, "/")
	if !found {
		return "", name
	}
	if member == "." {
		return s.eng.Name(), key
	}
	return member, key
}

// Join is the name of a member's key, as Split reads it.
func (s *Space) Join(member, key string) string { return member + "/" + key }

// Info is what is known of a key beside its value.
type Info struct {
	Member  string // "": it is shared
	Key     string
	Version engine.Version // of a shared key: epoch and stamp
	TTL     time.Duration  // that its owner gave it; 0: none
	Left    time.Duration  // of that; 0 with a TTL: it is over
}

// AppendGet appends the value of a key.
func (s *Space) AppendGet(dst []byte, name string) (value []byte, info Info, ok bool) {
	if info.Member, info.Key = s.Split(name); info.Member == "" {
		return s.appendShared(dst, info)
	}
	value, meta, ok := s.eng.AppendGet(dst, info.Member, info.Key)
	if !ok {
		return dst, info, false
	}
	info.Version, info.TTL = meta.Version, meta.TTL
	if meta.TTL > 0 {
		info.Left = s.index.left(info.Member, info.Key, &meta, time.Now())
	}
	return value, info, true
}

// appendShared is AppendGet for a shared key, or the sum where agents have added to it.
func (s *Space) appendShared(dst []byte, info Info) ([]byte, Info, bool) {
	sh := s.eng.Shared()
	value, m, ok := sh.Look(dst, info.Key)
	info.Version = sharedVersion(m.Version)
	if sum, counted := sh.Sum(info.Key); counted {
		return strconv.AppendInt(dst, sum, 10), info, true
	}
	info.TTL, info.Left = m.TTL, m.Left
	return value, info, ok
}

// Has reports whether there is such a key.
func (s *Space) Has(name string) bool {
	var room [engine.EntryBytesMax]byte
	_, _, ok := s.AppendGet(room[:0], name)
	return ok
}

// ownKey is the key of a name that this agent may write.
func (s *Space) ownKey(name string) (key string, err error) {
	member, key := s.Split(name)
	if member == s.eng.Name() {
		return key, nil
	}
	known := false
	for m := range s.eng.Members() {
		known = known || m.Name == member
	}
	return "", &ForeignError{member, key, s.eng.Name(), !known}
}

func (s *Space) lock(key string) *sync.Mutex {
	m := &s.own[maphash.String(s.seed, key)%uint64(len(s.own))]
	m.Lock()
	return m
}

// wrote keeps the newest version that was written through the space.
func (s *Space) wrote(v engine.Version) {
	s.lastMu.Lock()
	s.last, s.ownLast = later(v, s.last), later(v, s.ownLast)
	s.lastMu.Unlock()
}

// wroteOwn is wrote for a key of this agent that holds a value now, which is in the index at once.
func (s *Space) wroteOwn(v engine.Version, key string, ttl time.Duration) {
	s.index.note(&engine.Update{Member: s.eng.Name(), Key: key, Meta: engine.Meta{Version: v, TTL: ttl}}, "", time.Now())
	s.wrote(v)
}

// removedOwn is wrote for a key of this agent that was deleted.
func (s *Space) removedOwn(v engine.Version, key string) {
	s.index.note(&engine.Update{Member: s.eng.Name(), Key: key, Deleted: true, Meta: engine.Meta{Version: v}}, "", time.Now())
	s.wrote(v)
}

// wroteShared is wroteOwn for a shared key.
func (s *Space) wroteShared(v engine.Version, key string, is engine.SharedVersion, ttl time.Duration) {
	s.noteShared(v, key, engine.Update{Meta: engine.Meta{Version: sharedVersion(is), TTL: ttl}})
}

// changedShared is wroteShared for a shared key that is read to know what became of it.
func (s *Space) changedShared(v engine.Version, key string) {
	_, info, ok := s.appendShared(nil, Info{Key: key})
	s.noteShared(v, key, engine.Update{Deleted: !ok, Meta: engine.Meta{Version: info.Version}})
}

func (s *Space) noteShared(v engine.Version, key string, u engine.Update) {
	u.Key = key
	s.index.note(&u, "", time.Now())
	s.lastMu.Lock()
	s.last = later(v, s.last)
	s.lastMu.Unlock()
}

func later(a, b engine.Version) engine.Version {
	if a.Compare(b) > 0 {
		return a
	}
	return b
}

// Last is the newest own write through the space.
func (s *Space) Last() engine.Version {
	s.lastMu.Lock()
	defer s.lastMu.Unlock()
	return s.last
}

// Sync waits until the index has what was written through the space before, the log too of own
// keys, or ctx ends.
func (s *Space) Sync(ctx context.Context) error {
	s.lastMu.Lock()
	own := s.ownLast
	s.lastMu.Unlock()
	return s.log.reach(ctx, s.eng.Name(), own)
}
