package engine

import (
	"bufio"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/notary"
	"github.com/quidnunc/quidnunc/sched"
)

var (
	// ErrUnsigned is the cause in an EventUnsigned for a member of which no signature comes.
	ErrUnsigned = errors.New("engine: no signature of its entries comes")

	// ErrForged is the cause in an EventUnsigned for a signature that is not under the key that is
	// known as the member's: somebody speaks in its name, or it has another key without the word
	// of the former one.
	ErrForged = errors.New("engine: a signature of its entries is not under the key that is known as its own")

	// ErrKeysFull is the cause in an EventUnsigned where this engine knows the keys of as many
	// names as Limits.Origins allows, and so verifies nothing of another one.
	ErrKeysFull = errors.New("engine: no room for the key of another name: its signatures are not verified; fix: raise Limits.Origins")
)

// unsignedCauses are the causes in an EventUnsigned.
var unsignedCauses = [...]error{checkpoint.NotTheirs: ErrForged, checkpoint.Unsigned: ErrUnsigned, checkpoint.KeysFull: ErrKeysFull}

// Signing lets members sign what they wrote (Ed25519), so that those who hold the cluster's
// secret can't write in another one's name, and be believed: package notary says whose key is
// whose, package checkpoint when signatures are asked for, and the trust section of this
// package what is left. It takes less than a hundredth of a core, and none of the loop, 200
// bytes a member, and two frames for each member whose log has moved and rests. Members
// without it, and older ones, live together with those that have it.
type Signing struct {
	// Key is this member's own. nil, and no KeyFile: it signs nothing, and verifies what
	// others sign.
	Key ed25519.PrivateKey `json:"-"`
	// Former is the key that Key took the place of: with its word those who know it believe
	// Key. Default: none. Keep it until all members have met Key.
	Former ed25519.PrivateKey `json:"-"`
	// KeyFile names a file with Key and, in a second line, Former: see ReadSigningKeyFile.
	KeyFile string
	// Keys says whose key is whose, by name. Who is not named here has the key that signs
	// for it first, in frames of its own.
	Keys map[string]ed25519.PublicKey
	// Required takes in only members that Keys names, if it names any, and tells of those of
	// which no signature comes (EventUnsigned). Set it once all members sign.
	Required bool
}

// SigningKeyText is the private key as ReadSigningKeyFile reads it: 64 hexadecimal digits.
func SigningKeyText(key ed25519.PrivateKey) string { return hex.EncodeToString(key.Seed()) }

const signingFix = "write 64 hexadecimal digits, and in the next line those of the key before; qn keys signing gen makes one"

// ReadSigningKeyFile reads a file with a private key for signatures and, in a second line, the
// one before it, each as 64 hexadecimal digits; empty lines and those that begin with # are left
// out. Others than its owner and its group may not read it, as with ReadSecretFile.
func ReadSigningKeyFile(path string) (key, former ed25519.PrivateKey, err error) {
	f, err := openSecretFile("Signing.KeyFile", path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	keys, err := parseSigningKeys(f)
	switch {
	case err != nil:
		return nil, nil, bad("Signing.KeyFile", path, err.Error(), signingFix)
	case len(keys) == 2:
		former = keys[1]
	}
	return keys[0], former, nil
}

// parseSigningKeys reads one key or two.
func parseSigningKeys(r io.Reader) (keys []ed25519.PrivateKey, err error) {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		seed, err := hex.DecodeString(text)
		if err != nil || len(seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("line %d: is not 64 hexadecimal digits", n) // err would show a part of it
		}
		keys = append(keys, ed25519.NewKeyFromSeed(seed))
	}
	if len(keys) == 0 || len(keys) > 2 {
		return nil, fmt.Errorf("holds %d keys", len(keys))
	}
	return keys, nil
}

// checkSigning refuses keys that are none, or that nobody would believe.
func (c *Config) checkSigning() error {
	s := c.Signing
	if s == nil {
		return nil
	}
	var errs []error
	size := func(field string, n, want int) {
		if n != 0 && n != want {
			errs = append(errs, bad(field, fmt.Sprint(n, " bytes"), "is no key", fmt.Sprintf("use one of %d bytes, of crypto/ed25519", want)))
		}
	}
	size("Signing.Key", len(s.Key), ed25519.PrivateKeySize)
	size("Signing.Former", len(s.Former), ed25519.PrivateKeySize)
	for name, key := range s.Keys {
		field := fmt.Sprintf("Signing.Keys[%q]", name)
		if len(key) == 0 {
			errs = append(errs, bad(field, "", "is empty", "leave the name out"))
		}
		size(field, len(key), ed25519.PublicKeySize)
		errs = append(errs, checkName(field, name, codec.NameBytesMax, "use the name of a member"))
	}
	switch {
	case s.KeyFile != "" && s.Key != nil:
		errs = append(errs, bad("Signing.KeyFile", s.KeyFile, "set together with Signing.Key", "leave one of them out"))
	case s.Former != nil && s.Key == nil:
		errs = append(errs, bad("Signing.Former", "(not shown)", "set without Signing.Key", "set Key, or leave Former out"))
	}
	return errors.Join(errs...)
}

// signState is what an engine signs and verifies; the loop's own but for the notary.
type signState struct {
	notary *notary.Notary // nil: nothing
	word   *checkpoint.Checkpoints
	job    checkpoint.Job
	jobs   chan struct{}
	done   func(now sched.Instant) bool
}

// initSigning makes the notary, and tells the core of it.
func (e *Engine) initSigning(cc *core.Config) error {
	c := e.cfg.Signing
	if c == nil {
		return nil
	}
	n := notary.Config{
		Tag: codec.ClusterTag(cc.Cluster), Key: c.Key, Former: c.Former, Keys: make(map[string]notary.Key, len(c.Keys)), NamesMax: e.cfg.Limits.Origins,
	}
	if c.KeyFile != "" {
		var err error
		if n.Key, n.Former, err = ReadSigningKeyFile(c.KeyFile); err != nil {
			return err
		}
	}
	for name, key := range c.Keys {
		n.Keys[name] = notary.Key(key)
	}
	if k, ok := n.Keys[e.cfg.Name]; ok && n.Key != nil && !owns(n.Key, k) && !owns(n.Former, k) {
		return bad(fmt.Sprintf("Signing.Keys[%q]", e.cfg.Name), hex.EncodeToString(k[:]), "is neither that of this member's key nor that of the former one", "give this member that key, or the others its public key")
	}
	e.signing.notary = notary.New(&n)
	cc.Signing = checkpoint.Signing{Signs: n.Key != nil, Verifies: true, Required: c.Required}
	if admit := cc.Admit; c.Required && len(n.Keys) > 0 {
		cc.Admit = func(name []byte, from netip.AddrPort) bool {
			_, named := n.Keys[string(name)]
			return named && (admit == nil || admit(name, from))
		}
	}
	return nil
}

// owns tells whether a private key is that of a public one.
func owns(key ed25519.PrivateKey, public notary.Key) bool {
	return key != nil && string(key.Public().(ed25519.PublicKey)) == string(public[:])
}

// startSigning begins to do the jobs of the core's checkpoints.
func (e *Engine) startSigning() {
	s := &e.signing
	if s.notary == nil {
		return
	}
	s.word, s.jobs = e.core.Parts().Word, make(chan struct{}, 1)
	s.done = func(now sched.Instant) bool {
		if e.runs.Load() {
			s.word.Complete(now, &s.job)
			e.touched = true
		}
		return true
	}
	e.bg.Go(func() {
		for {
			select {
			case <-s.jobs:
				s.notary.Do(e.store, &s.job)
				e.reactor.do(s.done)
			case <-e.life.Done():
				return
			}
		}
	})
}

// turnSigning hands on what is to be signed or verified.
func (e *Engine) turnSigning(now sched.Instant) {
	if s := &e.signing; s.notary != nil && s.word.NextJob(now, &s.job) {
		s.jobs <- struct{}{} // there is one at a time
	}
}

// Signed is how far a member is known by its signatures.
type Signed struct {
	// Key is the one that is known as the member's; nil: none is.
	Key ed25519.PublicKey
	// Version is the newest one at which what this replica holds of the member was what it
	// signed. Zero: it never was, or the member does not sign.
	Version Version
	// Current: nothing is here that came after.
	Current bool
}

// Signed tells how far a member is known by its signatures: ErrNoMember, ErrClosed. Without
// Config.Signing it is not.
func (e *Engine) Signed(member string) (s Signed, err error) {
	err = ErrNoMember
	ran := e.ask(func(sched.Instant) {
		o := e.store.FindName([]byte(member))
		if o == 0 {
			return
		}
		if err = nil; e.signing.notary == nil {
			return
		}
		v, _ := e.signing.word.Signed(o)
		if v != 0 {
			s.Version, s.Current = Version{Gen: e.store.Gen(o), Seq: v}, v == e.store.Max(o)
		}
		if k, ok := e.signing.notary.KeyOf(member); ok {
			s.Key = ed25519.PublicKey(k[:])
		}
	})
	if !ran {
		return s, ErrClosed
	}
	return s, err
}

// unsigned tells of a member that its signatures do not confirm.
func (e *Engine) unsigned(ev *core.Event, now sched.Instant) {
	told := Event{Kind: EventUnsigned, Member: Member{Name: e.nameOf(ev.Origin)}, Cause: unsignedCauses[ev.To]}
	if p := e.core.PeerOf(ev.Origin); p != 0 {
		about := *ev
		about.Peer = p
		told.Member = e.memberOf(now, &about)
	}
	e.emit(told)
}
