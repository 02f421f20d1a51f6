package engine

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/sched"
)

// keptSecrets is the keyring on the disk, for Disk.KeepSecrets. What is written is the state of the
// keyring, and prints of the secrets that the configuration had, so that one that was removed does
// not come back with the next start:
//
//	count 1, (id 1, print 16)*, state
type keptSecrets struct {
	mu       sync.Mutex // of turns: what is written last is the newest
	prints   []byte     // count, and prints of the configuration
	unkept   []byte     // what the disk did not take
	dropped  []uint8    // secrets of the configuration that were removed before
	restored bool
}

const secretPrintBytes = 1 + 16

// printSecrets makes the prints of all that a ring has.
func printSecrets(r *seal.Keyring) []byte {
	ids := r.AppendIDs(nil)
	b := []byte{byte(len(ids))}
	for _, id := range ids {
		print, _ := r.Print(id)
		b = append(append(b, id), print[:]...)
	}
	return b
}

// hasPrint tells whether one of the prints is that of a secret.
func hasPrint(prints []byte, id uint8, print [16]byte) bool {
	for b := prints[1:]; len(b) >= secretPrintBytes; b = b[secretPrintBytes:] {
		if b[0] == id && bytes.Equal(b[1:secretPrintBytes], print[:]) {
			return true
		}
	}
	return false
}

// restoreSecrets makes a ring of the configuration the one that this member held last: with what
// the configuration has more than at the start before, and without what was removed since.
func (k *keptSecrets) restoreSecrets(ring *seal.Keyring, cluster string, kept []byte) error {
	k.prints = printSecrets(ring)
	if len(kept) == 0 || len(kept) < 1+int(kept[0])*secretPrintBytes {
		return nil
	}
	before, state := kept[:1+int(kept[0])*secretPrintBytes], kept[1+int(kept[0])*secretPrintBytes:]
	var last seal.Keyring
	if last.Restore(codec.ClusterTag([]byte(cluster)), state) != nil {
		return nil // of another make; the configuration has what it needs
	}
	for _, id := range ring.AppendIDs(nil) {
		print, _ := ring.Print(id)
		if hasPrint(before, id, print) {
			if p, ok := last.Print(id); !ok || p != print {
				k.dropped = append(k.dropped, id)
			}
			continue
		}
		if err := last.AddFrom(ring, id); err != nil {
			last.Close()
			return bad("Secrets", Secret{ID: id}.number(), ringProblem(err)+", on the disk", "give each new secret a number of its own, or RemoveSecret one first")
		}
	}
	*ring, k.restored = last, true
	return nil
}

// number is how a secret is called without its bytes.
func (k Secret) number() string { return fmt.Sprintf("secret %d", k.ID) }

// loadSecrets is called once the directory was read.
func (e *Engine) loadSecrets(ring *seal.Keyring) error {
	d := &e.cfg.Disk
	if !d.KeepSecrets || ring == nil {
		return nil
	}
	defer clear(e.kept.image.Secrets)
	return e.kept.secrets.restoreSecrets(ring, e.cfg.Cluster, e.kept.image.Secrets)
}

// keepSecrets writes a state of the keyring down. It is for the goroutine that turned it, under mu.
func (e *Engine) keepSecrets(state []byte) error {
	k := &e.kept.secrets
	b := append(bytes.Clone(k.prints), state...)
	clear(state)
	clear(k.unkept)
	k.unkept = nil
	if err := e.kept.log.PutSecrets(b); err != nil {
		k.unkept = b
		return err
	}
	clear(b)
	return nil
}

// keepUnkept writes the secrets anew: the disk did not take them, or has lost what it had. It runs
// on the disk's goroutine, when the disk works again.
func (e *Engine) keepUnkept() {
	k := &e.kept.secrets
	if !e.cfg.Disk.KeepSecrets || !k.mu.TryLock() { // a turn is under way, which writes the newest, or Close, which tries too
		return
	}
	defer k.mu.Unlock()
	var state []byte
	e.ask(func(sched.Instant) { state = e.core.Parts().Keys.AppendRing(nil) })
	if state != nil {
		clear(k.unkept)
		k.unkept = append(bytes.Clone(k.prints), state...)
		clear(state)
	}
	e.keepAgain()
}

// keepAgain is called under mu.
func (e *Engine) keepAgain() {
	k := &e.kept.secrets
	if k.unkept == nil {
		return
	}
	if err := e.kept.log.PutSecrets(k.unkept); err != nil {
		e.herald.warn("disk: the secrets on it are not the newest", "member", e.cfg.Name, "cause", err.Error())
		return
	}
	clear(k.unkept)
	k.unkept = nil
}

// beginSecrets writes down what this life begins with.
func (e *Engine) beginSecrets() error {
	if !e.cfg.Disk.KeepSecrets {
		return nil
	}
	e.kept.secrets.mu.Lock()
	defer e.kept.secrets.mu.Unlock()
	if err := e.keepSecrets(e.core.Parts().Keys.AppendRing(nil)); err != nil {
		return diskConfigError(err)
	}
	return nil
}

// logSecrets tells what the disk had to say about them.
func (e *Engine) logSecrets() {
	k := &e.kept.secrets
	for _, id := range k.dropped {
		e.herald.warn("a secret of the configuration was removed before: it is not accepted; take it out there", "member", e.cfg.Name, "secret", int(id))
	}
	if k.restored {
		e.herald.info("secrets as they were before", "member", e.cfg.Name, "primary", int(e.core.Parts().Keys.KeyID()))
	}
}

// checkDiskSecrets holds the configuration against Disk.KeepSecrets.
func (c *Config) checkDiskSecrets() error {
	switch d := &c.Disk; {
	case !d.KeepSecrets:
		return nil
	case d.Path == "":
		return bad("Disk.KeepSecrets", d.KeepSecrets, "set without Disk.Path", "name a directory, or leave both out")
	case !c.sealed():
		return bad("Disk.KeepSecrets", d.KeepSecrets, "set without secrets", "give this member its first one in Secrets or SecretFiles; qn keys gen makes one")
	}
	return nil
}
