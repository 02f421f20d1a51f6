package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kept is where a program's tests are known from one run to the next: what each took and
// saw, by the name of the program, which is the sum of its bytes. What changes the program
// makes it another; of what it was made of nothing else counts. A survey that was ended
// goes on where it was.
type kept struct{ dir string } // none: nothing is kept

// keep finds what is kept of a program, and drops what was of another one in its place.
func keep(root, place, bin string) (kept, error) {
	if root == "" {
		return kept{}, nil
	}
	file, err := os.Open(bin)
	if err != nil {
		return kept{}, err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return kept{}, err
	}
	at := filepath.Join(root, strings.ReplaceAll(place, "/", "_"))
	name := hex.EncodeToString(sum.Sum(nil)[:16])
	old, err := os.ReadDir(at)
	if err != nil && !os.IsNotExist(err) {
		return kept{}, err
	}
	for _, e := range old {
		if e.Name() != name {
			os.RemoveAll(filepath.Join(at, e.Name()))
		}
	}
	k := kept{filepath.Join(at, name)}
	return k, os.MkdirAll(k.dir, 0o755)
}

// file names what is kept of a test; the names of parts have any bytes.
func (k kept) file(t known) string {
	sum := sha256.Sum256([]byte(t.parent + "/" + t.name))
	return filepath.Join(k.dir, hex.EncodeToString(sum[:16]))
}

// load fills in what a test took and saw of n mutants, if that is known.
func (k kept) load(t *known, n int) bool {
	if k.dir == "" {
		return false
	}
	text, err := os.ReadFile(k.file(*t))
	head, seen, _ := bytes.Cut(text, []byte("\n"))
	if err != nil || len(seen) != 2*(n+1) {
		return false
	}
	var nanos int64
	if _, err := fmt.Sscan(string(head), &nanos); err != nil {
		return false
	}
	t.took, t.seen = time.Duration(nanos), seen
	return true
}

// store keeps what a test took and saw.
func (k kept) store(t *known) error {
	if k.dir == "" {
		return nil
	}
	return os.WriteFile(k.file(*t), append(fmt.Appendln(nil, int64(t.took)), t.seen...), 0o644)
}
