package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/engine/enum"
	"github.com/quidnunc/quidnunc/sched"
)

// Sync says when writes are forced to the disk.
type Sync uint8

// The ways to sync. A process that is killed loses milliseconds of its writes with
// SyncInterval and SyncNever; it is a loss of power that they differ in.
const (
	// SyncInterval syncs each Disk.Every while there are writes. It is the default.
	SyncInterval Sync = iota
	// SyncNever leaves it to the operating system.
	SyncNever
	// SyncEach has Set return, and the write leave, once it is on disk. Writes that come
	// at the same time share one sync.
	SyncEach
)

// The ways are those of package disk.
const _ = -uint(SyncInterval^Sync(disk.SyncInterval)) - uint(SyncNever^Sync(disk.SyncNever)) - uint(SyncEach^Sync(disk.SyncEach))

var syncs = enum.Names[Sync]{Kind: "Sync", What: "sync", Names: []string{"interval", "never", "each"}}

// String is "interval", "never" or "each".
func (s Sync) String() string { return syncs.String(s) }

// ParseSync is the inverse of Sync.String.
func ParseSync(s string) (Sync, error) { return syncs.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (s Sync) MarshalText() ([]byte, error) { return syncs.Text(s) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseSync.
func (s *Sync) UnmarshalText(b []byte) error { return syncs.Set(s, b) }

// Disk says where a member keeps its state over restarts: its own keys, large values too,
// what shared keys hold, whoever wrote them, and the addresses of the members that it knows,
// by which it joins again without seeds. Zone, tags and address are those of the Config at
// each start.
//
// Shared keys are said again once another member answers who holds the same as this one, or
// after 30 s in which nobody does: what others wrote or deleted meanwhile stands. They are
// dropped, with a warning, after longer than deletes are remembered (Detector.GraveAge).
//
// A start has all keys again, under a new generation. It goes on under the one before
// only where nothing that others were told can be missing: after a Close that did not
// announce a leave (Config.LeaveTimeout below zero), and with SyncEach where the end of the
// last write was not cut off and no leave had begun: Leave announces nothing before the disk knows.
//
// A disk that is full or fails is logged. Writes then go on in memory, or fail with ErrDisk
// where Sync is SyncEach, and all is written anew as soon as the disk works again. So it is
// where the directory was removed, but for large values that are not written again. A large value that finds no room is in memory only until
// there is some: WaitSynced says so, and a start finds what its key held before.
type Disk struct {
	// Path is a directory for this member alone; it is made if it is missing. Default
	// "": nothing is kept.
	Path string
	// Sync says when writes are forced to the disk. Default SyncInterval.
	Sync Sync
	// Every is the period of SyncInterval. Default 1 s; 1 ms to 1 min.
	Every time.Duration
	// KeepSecrets keeps the secrets here too, in a file for this user alone: a start goes on
	// with those that AddSecret, UseSecret and RemoveSecret left, and accepts of those in the
	// Config the ones that were not there at the start before. Nobody but its owner may write
	// to the directory, and others than their group may not look into it. Without KeepSecrets none
	// is ever written, and a start erases those that are here. Default false.
	KeepSecrets bool

	fs disk.FS // of tests
}

func (c *Config) checkDisk() error {
	d := &c.Disk
	switch {
	case d.Path == "" && d.Sync != 0:
		return bad("Disk.Sync", d.Sync, "set without Disk.Path", "name a directory, or leave both out")
	case d.Path == "" && d.Every != LAN().withDefaults().Disk.Every:
		return bad("Disk.Every", d.Every, "set without Disk.Path", "name a directory, or leave both out")
	}
	return errors.Join(c.checkDiskSecrets(), known("Disk.Sync", d.Sync), inRange("Disk.Every", d.Every, time.Millisecond, time.Minute))
}

// keeper is what an engine has of its disk. The zero value is none.
type keeper struct {
	log   *disk.Log
	each  bool
	image *disk.Image // what was found, until it is restored
	was   map[string]string
	held  []disk.Record // shared keys that are not said again yet
	entry codec.Entry   // for noteWinner
	news  []byte        // records of what shared keys hold by others' logs since the last turn

	holding atomic.Pointer[[]disk.Record] // held, until all is said; for snapshots
	secrets keptSecrets

	// The loop's own.
	handed  uint64 // version up to which staged writes were handed over
	waiting bool   // what is staged waits for the disk

	heldAt, heldUntil sched.Instant
	said              int // of held
	pass              int // over held: members up to this rank say them
	saying            bool
}

// openDisk takes the directory and reads it.
func (e *Engine) openDisk() error {
	d := &e.cfg.Disk
	if d.Path == "" {
		return nil
	}
	if d.KeepSecrets {
		if err := disk.Dir(d.Path).Private(); err != nil {
			return diskConfigError(err)
		}
	}
	if d.fs == nil {
		d.fs = disk.Dir(d.Path)
	}
	log, image, err := disk.Open(disk.Options{
		FS: d.fs, Cluster: e.cfg.Cluster, Name: e.cfg.Name, Sync: disk.Sync(d.Sync), Every: d.Every, Secrets: d.KeepSecrets,
		Changed: e.diskChanged, Progress: e.diskProgress,
		Warn: func(line string) { e.herald.warn("disk: "+line, "member", e.cfg.Name) }, Above: e.shared.above,
	})
	if err != nil {
		return diskConfigError(err)
	}
	e.kept.log, e.kept.each, e.kept.image = log, d.Sync == SyncEach, image
	return nil
}

// diskConfigError is what is wrong with the directory.
func diskConfigError(err error) error {
	var d *disk.Error
	if !errors.As(err, &d) {
		return err
	}
	return &bindError{ConfigError{"Disk.Path", fmt.Sprintf("%q", d.Path), d.Problem, d.Fix}, err}
}

// keepContent has a large value on disk before a record refers to it. kept: the log is to be told of
// that record. Where the disk did not take it, it is tried again with each snapshot, and the log has no
// record of it before that.
func (e *Engine) keepContent(sum *[sha256.Size]byte, value []byte) (kept bool, err error) {
	k := &e.kept
	if k.log == nil {
		return false, nil
	}
	was := k.log.Broken()
	err = k.log.PutValue(sum, value)
	if k.each {
		return err == nil, diskError(err)
	}
	if err != nil && was == nil {
		e.herald.warn("disk: large values are kept in memory only until there is room", "member", e.cfg.Name, "cause", err.Error())
	}
	return true, nil
}

// handOver gives what is staged to the disk. It reports whether the loop may apply it: with
// SyncEach once it is on disk.
func (e *Engine) handOver(now sched.Instant) (apply bool) {
	k, b := &e.kept, e.stage.back
	k.waiting = false
	if b.last > k.handed {
		if !k.log.Offer(b.log[:b.used], b.last, e.store.Floor(e.store.Owner())) {
			e.retryAt = now.After(stuckEvery)
			return false
		}
		k.handed = b.last
	}
	if !k.each {
		return true
	}
	known, err := k.log.Outcome(b.last)
	switch {
	case !known:
		k.waiting = true // diskProgress wakes
		return false
	case err != nil:
		e.refuseStaged(now, err)
		return false
	}
	return true
}

// handOverLast gives the disk what was staged and will not be applied any more.
func (e *Engine) handOverLast() {
	k := &e.kept
	if k.log == nil {
		return
	}
	e.keepWinners()
	e.stage.mu.Lock()
	defer e.stage.mu.Unlock()
	for _, b := range [...]*stageBuffer{e.stage.back, e.stage.front} {
		if b.used > 0 && b.last > k.handed {
			k.log.OfferLast(b.log[:b.used], b.last, 0)
			k.handed = b.last
		}
	}
}

// refuseStaged gives up what the disk did not take.
func (e *Engine) refuseStaged(now sched.Instant, err error) {
	for e.stage.next(&e.rec) {
		r := &e.rec
		e.refuse(diskError(err), r.version)
		e.endsAgain(now, r.key)
		e.appliedTo = r.version
	}
	e.stage.finish(e.room(now))
}

// newest is the highest own version, published or not.
func (e *Engine) newest() uint64 {
	return max(e.store.Max(e.store.Owner()), e.core.Parts().Flow.Written())
}

// refuses is why no write is taken now.
func (e *Engine) refuses() error {
	if !e.runs.Load() {
		return ErrClosed
	}
	return e.kept.refuses()
}

// refuses is why no write is taken now: with SyncEach, while the disk does not work.
func (k *keeper) refuses() error {
	if !k.each {
		return nil
	}
	return diskError(k.log.Broken())
}

// wait returns once a write is on disk.
func (k *keeper) wait(ctx context.Context, seq uint64) error {
	return diskError(k.log.Wait(ctx, seq))
}

func diskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, disk.ErrClosed):
		return ErrClosed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("%w: %w", ErrDisk, err)
}

// diskChanged tells the operator. It runs on the disk's goroutine.
func (e *Engine) diskChanged(err error) {
	switch {
	case err == nil:
		e.keepUnkept()
		e.herald.warnRare("disk works again: everything is on it", "member", e.cfg.Name, "path", e.cfg.Disk.Path)
	case e.kept.each:
		e.herald.warnRare("disk: writes are refused until it works again", "member", e.cfg.Name, "cause", err.Error())
	default:
		e.herald.warnRare("disk: writes go on in memory only until it works again", "member", e.cfg.Name, "cause", err.Error())
	}
}

// diskProgress wakes the loop if it waits for the disk. It runs on the disk's goroutine.
func (e *Engine) diskProgress() {
	if e.kept.each {
		e.stage.waiting.Store(true)
		e.reactor.poller.Wake()
	}
}

// closeDisk writes what is left. The loop has let go.
func (e *Engine) closeDisk() error {
	if e.kept.log == nil {
		return nil
	}
	e.kept.secrets.mu.Lock()
	defer e.kept.secrets.mu.Unlock()
	e.keepAgain()
	floor := uint64(0)
	if e.store != nil { // else the start failed before there was one
		floor = e.store.Floor(e.store.Owner())
	}
	return diskError(e.kept.log.Close(e.leftAt != 0, floor))
}

// leaves has the disk know of a leave before others do: who dies while it leaves would else come back
// under the generation that has left. Where the disk does not work it is announced all the same.
func (k *keeper) leaves(ctx context.Context) {
	if k.log != nil && k.each {
		k.log.Leaves(ctx)
	}
}

// renewed notes that the member goes on under another generation.
func (k *keeper) renewed(generation uint64) {
	if k.log != nil {
		k.log.Renewed(generation)
	}
}

// know notes whom to look for after a restart.
func (k *keeper) know(list []Member) {
	if k.log == nil {
		return
	}
	var known []disk.Member
	for i := range list {
		if m := &list[i]; !m.Self && m.State != StateLeft && m.State != StateUnknown && len(known) < membersKept {
			known = append(known, disk.Member{Name: m.Name, Addr: m.Addr})
		}
	}
	if len(known) > 0 {
		k.log.Know(known)
	}
}

// membersKept bounds the addresses that a restart looks at.
const membersKept = 256

// WaitSynced returns when this member's write v is on its disk, as Disk.Sync says, and
// with it all writes before v. Errors: ctx.Err(), ErrVersion for a version that this
// process never gave out, ErrDisk where it was lost or nothing is kept, ErrClosed.
func (e *Engine) WaitSynced(ctx context.Context, v Version) error {
	if err := e.gaveOut(v); err != nil {
		return err
	}
	if e.kept.log == nil {
		return fmt.Errorf("%w: Config.Disk names no directory", ErrDisk)
	}
	return e.kept.wait(ctx, v.Seq)
}
