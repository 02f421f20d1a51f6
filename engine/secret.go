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

// SecretsMax is how many secrets a member accepts at a time.
const SecretsMax = seal.KeysMax

// Secret is what the members of a cluster share, and what seals their traffic: 16 or 32
// random bytes under a number from 1 to 255, which frames name in clear. However it is
// printed or logged, the bytes are left out.
type Secret struct {
	ID    uint8
	Bytes []byte
}

// NewSecret makes a secret of 32 random bytes.
func NewSecret(id uint8) Secret {
	k := Secret{ID: id, Bytes: make([]byte, 32)}
	rand.Read(k.Bytes) // never fails
	return k
}

// ParseSecret reads "7:HEX", or "HEX" for number 1, with 32 or 64 digits.
func ParseSecret(text string) (Secret, error) {
	id, digits, numbered := strings.Cut(strings.TrimSpace(text), ":")
	if !numbered {
		id, digits = "1", id
	}
	n, err := strconv.ParseUint(id, 10, 8)
	if err != nil || n == 0 {
		return Secret{}, errors.New("engine: the number before the colon is not from 1 to 255")
	}
	secret, err := hex.DecodeString(digits)
	if err != nil {
		return Secret{}, errors.New("engine: a secret is written in hexadecimal digits") // err would show a part of it
	}
	k := Secret{ID: uint8(n), Bytes: secret}
	return k, k.check()
}

// Text is the secret as ParseSecret and key files read it, with its bytes.
func (k Secret) Text() string { return fmt.Sprintf("%d:%s", k.ID, hex.EncodeToString(k.Bytes)) }

func (k Secret) check() error {
	switch {
	case k.ID == 0:
		return errors.New("engine: a secret's number is from 1 to 255")
	case len(k.Bytes) != 16 && len(k.Bytes) != 32:
		return fmt.Errorf("engine: secret %d has %d bytes: it needs 16 or 32", k.ID, len(k.Bytes))
	}
	return nil
}

// String leaves the bytes out.
func (k Secret) String() string { return fmt.Sprintf("secret %d (%d bytes)", k.ID, len(k.Bytes)) }

// Format leaves the bytes out, whatever the verb.
func (k Secret) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue leaves the bytes out.
func (k Secret) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText leaves the bytes out.
func (k Secret) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

const secretFileBytesMax = 64 << 10

// ReadSecretFile reads a file with one secret a line, as ParseSecret reads it; empty
// lines and those that begin with # are left out. Its owner may write it and its
// group read it, as secrets are mounted into containers; others may do nothing
// (on Windows this is not checked).
func ReadSecretFile(path string) ([]Secret, error) {
	return readSecretFile("SecretFiles", path)
}

func readSecretFile(field, path string) (list []Secret, err error) {
	f, err := openSecretFile(field, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		k, err := ParseSecret(text)
		if err != nil {
			return nil, bad(field, path, fmt.Sprintf("line %d: %s", n, strings.TrimPrefix(err.Error(), "engine: ")), secretFix)
		}
		list = append(list, k)
	}
	if len(list) == 0 {
		return nil, bad(field, path, "holds no secret", secretFix)
	}
	return list, nil
}

// openSecretFile opens a file that others than its owner and its group can't read.
func openSecretFile(field, path string) (f *os.File, err error) {
	f, err = os.Open(path)
	if err != nil {
		return nil, bad(field, path, reason(err), "write the secrets to it: qn keys gen > FILE; chmod 600 FILE")
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = bad(field, path, reason(err), "use a file that can be read")
	case !info.Mode().IsRegular():
		err = bad(field, path, "is not a regular file", "use a file")
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o037 != 0:
		err = bad(field, path, fmt.Sprintf("others than its owner can read or its group can change it (mode %04o)", info.Mode().Perm()), "chmod 600 "+path)
	case info.Size() > secretFileBytesMax:
		err = bad(field, path, "is too long", "write one secret a line")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

const secretFix = "write 32 or 64 hexadecimal digits, with its number before a colon unless it is 1; qn keys gen makes one"

// reason is an error of the file system without the path, which is told anyway.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// sealed tells whether the configuration has secrets.
func (c *Config) sealed() bool { return len(c.Secrets)+len(c.SecretFiles) > 0 }

func (c *Config) checkSecrets() error {
	if c.sealed() && c.Insecure {
		return bad("Insecure", c.Insecure, "set together with secrets", "leave it out: with a secret all traffic is sealed")
	}
	if len(c.Secrets) > SecretsMax {
		return bad("Secrets", len(c.Secrets), "are too many", fmt.Sprintf("use at most %d", SecretsMax))
	}
	var errs []error
	for i, k := range c.Secrets {
		if err := k.check(); err != nil {
			errs = append(errs, bad(fmt.Sprintf("Secrets[%d]", i), k.String(), strings.TrimPrefix(err.Error(), "engine: "),
				"use 16 or 32 random bytes under a number from 1 to 255; qn keys gen makes one"))
		}
	}
	return errors.Join(errs...)
}

// keyring collects all secrets of the configuration; nil without any.
func (c *Config) keyring(clusterTag uint32) (*seal.Keyring, error) {
	if !c.sealed() {
		return nil, nil
	}
	r := new(seal.Keyring)
	r.Init(clusterTag)
	for i, k := range c.Secrets {
		if err := r.Add(k.ID, k.Bytes); err != nil {
			return nil, bad(fmt.Sprintf("Secrets[%d]", i), k.String(), ringProblem(err), "give each secret a number of its own")
		}
	}
	for i, path := range c.SecretFiles {
		field := fmt.Sprintf("SecretFiles[%d]", i)
		list, err := readSecretFile(field, path)
		for _, k := range list {
			if e := r.Add(k.ID, k.Bytes); e != nil && err == nil {
				err = bad(field, path, k.String()+": "+ringProblem(e), "give each secret a number of its own")
			}
			clear(k.Bytes)
		}
		if err != nil {
			r.Close()
			return nil, err
		}
	}
	return r, nil
}

func ringProblem(err error) string { return strings.TrimPrefix(err.Error(), "seal: ") }
