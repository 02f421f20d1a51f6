package engine

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/quidnunc/quidnunc/codec/seal"
)

// KeysMax is how many keys a member accepts at a time.
const KeysMax = seal.KeysMax

// Key is a key of the cluster: 16 or 32 random bytes under a number from 1 to
// 255, which frames name in clear. However it is printed or logged, the secret
// is left out.
type Key struct {
	ID     uint8
	Secret []byte
}

// NewKey makes a key of 32 random bytes.
func NewKey(id uint8) Key {
	k := Key{ID: id, Secret: make([]byte, 32)}
	rand.Read(k.Secret) // never fails
	return k
}

// ParseKey reads "7:HEX", or "HEX" for number 1, with 32 or 64 digits.
func ParseKey(text string) (Key, error) {
	id, digits, numbered := strings.Cut(strings.TrimSpace(text), ":")
	if !numbered {
		id, digits = "1", id
	}
	n, err := strconv.ParseUint(id, 10, 8)
	if err != nil || n == 0 {
		return Key{}, errors.New("engine: the number before the colon is not from 1 to 255")
	}
	secret, err := hex.DecodeString(digits)
	if err != nil {
		return Key{}, errors.New("engine: a key is written in hexadecimal digits") // err would show a part of it
	}
	k := Key{ID: uint8(n), Secret: secret}
	return k, k.check()
}

// Text is the key as ParseKey and key files read it, secret included.
func (k Key) Text() string { return fmt.Sprintf("%d:%s", k.ID, hex.EncodeToString(k.Secret)) }

func (k Key) check() error {
	switch {
	case k.ID == 0:
		return errors.New("engine: a key's number is from 1 to 255")
	case len(k.Secret) != 16 && len(k.Secret) != 32:
		return fmt.Errorf("engine: key %d has %d bytes: it needs 16 or 32", k.ID, len(k.Secret))
	}
	return nil
}

// String leaves the secret out.
func (k Key) String() string { return fmt.Sprintf("key %d (%d bytes)", k.ID, len(k.Secret)) }

// Format leaves the secret out, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue leaves the secret out.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText leaves the secret out.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

const keyFileBytesMax = 64 << 10

// ReadKeyFile reads a file with one key a line, as ParseKey reads it; empty
// lines and those that begin with # are left out. Its owner may write it and its
// group read it, as secrets are mounted into containers; others may do nothing
// (on Windows this is not checked).
func ReadKeyFile(path string) ([]Key, error) {
	return readKeyFile("KeyFiles", path)
}

func readKeyFile(field, path string) (keys []Key, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, bad(field, path, reason(err), "write the keys to it: qn keys gen > FILE; chmod 600 FILE")
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, bad(field, path, reason(err), "use a file that can be read")
	case !info.Mode().IsRegular():
		return nil, bad(field, path, "is not a regular file", "use a file")
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o037 != 0:
		return nil, bad(field, path, fmt.Sprintf("others than its owner can read or its group can change it (mode %04o)", info.Mode().Perm()), "chmod 600 "+path)
	case info.Size() > keyFileBytesMax:
		return nil, bad(field, path, "is too long for a key file", "write one key a line")
	}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		k, err := ParseKey(text)
		if err != nil {
			return nil, bad(field, path, fmt.Sprintf("line %d: %s", n, strings.TrimPrefix(err.Error(), "engine: ")), keyFix)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, bad(field, path, "holds no key", keyFix)
	}
	return keys, nil
}

const keyFix = "write 32 or 64 hexadecimal digits, with the key's number before a colon unless it is 1; qn keys gen makes one"

// reason is an error of the file system without the path, which is told anyway.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// sealed tells whether the configuration has keys.
func (c *Config) sealed() bool { return len(c.Keys)+len(c.KeyFiles) > 0 }

func (c *Config) checkKeys() error {
	if c.sealed() && c.Insecure {
		return bad("Insecure", c.Insecure, "set together with keys", "leave it out: with a key all traffic is sealed")
	}
	if len(c.Keys) > KeysMax {
		return bad("Keys", len(c.Keys), "are too many keys", fmt.Sprintf("use at most %d", KeysMax))
	}
	var errs []error
	for i, k := range c.Keys {
		if err := k.check(); err != nil {
			errs = append(errs, bad(fmt.Sprintf("Keys[%d]", i), k.String(), strings.TrimPrefix(err.Error(), "engine: "),
				"use 16 or 32 random bytes under a number from 1 to 255; qn keys gen makes such a key"))
		}
	}
	return errors.Join(errs...)
}

// keyring collects all keys of the configuration; nil without any.
func (c *Config) keyring(clusterTag uint32) (*seal.Keyring, error) {
	if !c.sealed() {
		return nil, nil
	}
	r := new(seal.Keyring)
	r.Init(clusterTag)
	for i, k := range c.Keys {
		if err := r.Add(k.ID, k.Secret); err != nil {
			return nil, bad(fmt.Sprintf("Keys[%d]", i), k.String(), ringProblem(err), "give each key a number of its own")
		}
	}
	for i, path := range c.KeyFiles {
		field := fmt.Sprintf("KeyFiles[%d]", i)
		keys, err := readKeyFile(field, path)
		for _, k := range keys {
			if e := r.Add(k.ID, k.Secret); e != nil && err == nil {
				err = bad(field, path, k.String()+": "+ringProblem(e), "give each key a number of its own")
			}
			clear(k.Secret)
		}
		if err != nil {
			r.Close()
			return nil, err
		}
	}
	return r, nil
}

func ringProblem(err error) string { return strings.TrimPrefix(err.Error(), "seal: ") }
