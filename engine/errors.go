package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/engine/tune"
)

// Sentinels for errors.Is. Errors that carry more (which field, which limit,
// which seed) are typed and match one of these.
var (
	// ErrClosed is returned by every call after Close or Leave.
	ErrClosed = errors.New("engine: closed")

	// ErrBackpressure is returned by a write that the engine can't take now:
	// the stage between callers and the loop is full. Nothing was written; the
	// caller may drop it, slow down, or retry: WaitRoom tells when. A write never blocks. It also
	// matches a *BackpressureError: the write is above the allowed rate.
	ErrBackpressure = errors.New("engine: backpressure: the write stage is full")

	// ErrTooLarge matches a *SizeError: a name, key or value above its limit.
	ErrTooLarge = errors.New("engine: too large")

	// ErrFull matches a *FullError: a limit of Config.Limits leaves no room for
	// the write; and it is the cause in a JoinError for a seed that has no seat left. Deletes, and
	// writes of keys that are here with values that are not larger, are never refused for it.
	ErrFull = errors.New("engine: store full: raise Config.Limits or delete keys")

	// ErrKey is returned for an empty key, and for one that begins with a zero
	// byte: those are the engine's own.
	ErrKey = errors.New("engine: a key needs at least one byte, the first not zero")

	// ErrOverflow is yielded once by Subscribe to a receiver that was too slow:
	// broadcasts before this one are lost.
	ErrOverflow = errors.New("engine: broadcasts were lost: the subscriber is too slow")

	// ErrTTL matches a *TTLError.
	ErrTTL = errors.New("engine: time to live out of range")

	// ErrClass matches a *ClassError.
	ErrClass = errors.New("engine: not a class of writes")

	// ErrVersion matches a *VersionError; and it is the cause in a JoinError for a
	// seed that speaks none of the format's versions that this engine does.
	ErrVersion = errors.New("engine: not a version of this engine")

	// ErrRefused matches a *RefusedError.
	ErrRefused = errors.New("engine: refused")

	// ErrClock is the cause in a JoinError for a seed that does not believe this
	// engine's generation: it comes from a clock that is ahead by more than a year.
	ErrClock = errors.New("engine: the clock is ahead")

	// ErrNameConflict is the cause in a JoinError where another live member has this
	// engine's name: whoever is in service keeps it. Writes return it once two that
	// were both in service have met, as after a cut, and the other one began earlier:
	// this one does not speak for the name until that one is gone.
	ErrNameConflict = errors.New("engine: another live member has this name")

	// ErrNoSecrets is returned by AddSecret, UseSecret and RemoveSecret of a member that
	// runs without secrets, and the cause in a JoinError for a seed that seals.
	ErrNoSecrets = errors.New("engine: no secrets here: start the member with Config.Secrets or SecretFiles")

	// ErrSealed is the cause in a JoinError for a seed that runs without secrets,
	// while this member has some.
	ErrSealed = errors.New("engine: it does not seal its frames, and this member has secrets: give it one of them")

	// ErrSecretMissing matches a *SecretError, and the error of UseSecret and
	// RemoveSecret for one that is not held.
	ErrSecretMissing = errors.New("engine: unknown secret")

	// ErrCluster is the cause in a JoinError for a seed of another cluster.
	ErrCluster = errors.New("engine: it belongs to another cluster")

	// ErrMode is the cause in a JoinError for a seed whose cluster reconciles
	// in another way.
	ErrMode = errors.New("engine: it reconciles in another way: use the same kind of Config.Tune.Order")

	// ErrWatchers ends a Watch that would be one more than Limits.Watchers.
	ErrWatchers = errors.New("engine: too many watchers: raise Config.Limits.Watchers")

	// ErrPrecise ends Changes, and is returned by Write and View, where
	// Config.Tune.Order is precise.
	ErrPrecise = errors.New("engine: with a precise Order versions come in no order: there are no Changes, batches and views: use single keys")

	// ErrBehind matches a *BehindError.
	ErrBehind = errors.New("engine: this replica is between two states of the member")

	// ErrDisk is returned by writes where Disk.Sync is SyncEach and the disk did not take
	// them: they may be there after a restart, or not. Its text says what to do.
	ErrDisk = errors.New("engine: disk")

	// ErrMemberFull matches a *MemberFullError.
	ErrMemberFull = errors.New("engine: a member has no room")

	// ErrNoKey is returned for a key that is not there, or has ended.
	ErrNoKey = errors.New("engine: no such key: set it")
	// ErrNoMember is returned for a name that no member has.
	ErrNoMember = errors.New("engine: no such member")

	// ErrNotDead is returned by Forget for a member that is neither dead nor left.
	ErrNotDead = errors.New("only the dead and those who left are forgotten")

	// ErrConfig matches every *ConfigError.
	ErrConfig = errors.New("engine: bad configuration")

	// ErrJoin matches a *JoinError: no seed took this engine in.
	ErrJoin = errors.New("engine: no seed took this member in")

	// ErrNoAnswer is the cause in a JoinError for a seed that was asked and
	// stayed silent.
	ErrNoAnswer = errors.New("engine: no answer")

	// ErrLoopback comes with ErrNoAnswer where this member is bound to a loopback address, from
	// which nobody on another host can be reached. It says nothing of where the seed is bound.
	ErrLoopback = errors.New("engine: bound to a loopback address, which reaches this host alone: set Config.Bind")
)

// SizeError says what was too large, by how much, and the limit.
type SizeError struct {
	What  string // "key", "value", "key and value"
	Bytes int
	Limit int
	// Setting is the field of Config that would allow more; "" if none does.
	Setting string
}

// Error names the thing, its size and the limit.
func (e *SizeError) Error() string {
	s := fmt.Sprintf("engine: %s of %d bytes: the limit is %d bytes", e.What, e.Bytes, e.Limit)
	if e.Setting != "" {
		s += "; more goes by " + e.Setting
	}
	return s
}

// Is makes errors.Is(err, ErrTooLarge) true.
func (e *SizeError) Is(target error) bool { return target == ErrTooLarge }

// TTLError is a time to live that can't be: none, a negative one, or one beyond
// TTLMax. Nothing was written.
type TTLError struct{ TTL time.Duration }

// Error names the value, the range and what to do.
func (e *TTLError) Error() string {
	fix := "use at most that, and write again before it ends"
	if e.TTL <= 0 {
		fix = "use Set for what does not end, Delete for what has ended"
	}
	return fmt.Sprintf("engine: time to live %v: out of range, it must be above 0 and at most %v: %s", e.TTL, TTLMax, fix)
}

// Is makes errors.Is(err, ErrTTL) true.
func (e *TTLError) Is(target error) bool { return target == ErrTTL }

// ClassError is a class that no write can have. Nothing was written.
type ClassError struct{ Class tune.Class }

// Error names the value and what to use.
func (e *ClassError) Error() string {
	return fmt.Sprintf("engine: class of a write %d: there is none of that number: use tune.ClassNormal, ClassUrgent or ClassBulk", uint8(e.Class))
}

// Is makes errors.Is(err, ErrClass) true.
func (e *ClassError) Is(target error) bool { return target == ErrClass }

// VersionError is a version that this process never gave out: one of another
// member, of an earlier or a later life, or of a write that is yet to come.
type VersionError struct {
	Version Version
	Last    Version // the newest that this process gave out
}

// Error names both, what is wrong and what to do.
func (e *VersionError) Error() string {
	problem := "is not of a life of this process"
	switch {
	case e.Version.IsZero():
		problem = "names no write"
	case e.Version.Seq > e.Last.Seq:
		problem = "was not given out yet"
	}
	return fmt.Sprintf("engine: version %v: %s, whose newest is %v: use what a write here returned since its Start", e.Version, problem, e.Last)
}

// Is makes errors.Is(err, ErrVersion) true.
func (e *VersionError) Is(target error) bool { return target == ErrVersion }

// ConfigError is one bad field of a Config: which, the value found, what is
// wrong with it, and what to do.
type ConfigError struct {
	Field   string
	Value   string
	Problem string
	Fix     string
}

// Error is one line with all four parts.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("engine: Config.%s %s: %s; %s", e.Field, e.Value, e.Problem, e.Fix)
}

// Is makes errors.Is(err, ErrConfig) true.
func (e *ConfigError) Is(target error) bool { return target == ErrConfig }

// SeedError is one seed that could not be joined, with its cause.
type SeedError struct {
	Seed  string
	Cause error
}

// Error is the seed and its cause on one line.
func (e *SeedError) Error() string {
	return fmt.Sprintf("%q: %s", e.Seed, strings.TrimPrefix(e.Cause.Error(), "engine: "))
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *SeedError) Unwrap() error { return e.Cause }

// JoinError lists each seed that failed. It is returned when none took us in;
// the engine runs on and keeps trying them.
type JoinError struct {
	Seeds []*SeedError
}

// Error lists every seed with its cause.
func (e *JoinError) Error() string {
	var s strings.Builder
	s.WriteString(ErrJoin.Error())
	sep := ": "
	for _, f := range e.Seeds {
		s.WriteString(sep + f.Error())
		sep = "; "
	}
	return s.String()
}

// Is makes errors.Is(err, ErrJoin) true.
func (e *JoinError) Is(target error) bool { return target == ErrJoin }

// Unwrap gives every seed's error to errors.Is and errors.As.
func (e *JoinError) Unwrap() []error {
	errs := make([]error, len(e.Seeds))
	for i, f := range e.Seeds {
		errs[i] = f
	}
	return errs
}
