package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"time"
)

// secretsName is the file with the secrets. One that is damaged is not kept aside, but replaced:
// what was removed from it must not be anywhere.
const secretsName = filePrefix + ".secrets"

// Private is an error where others than the owner and their group can look into the directory, or
// others than the owner can write to it. One that is missing is made private.
func (d Dir) Private() error {
	info, err := os.Stat(string(d))
	if errors.Is(err, fs.ErrNotExist) || runtime.GOOS == "windows" {
		return nil
	}
	if err != nil {
		return explain(string(d), "can't be used", err)
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return &Error{
			Path: string(d), Problem: fmt.Sprintf("holds secrets, and others than its owner can use it (mode %04o)", mode),
			Fix: "chmod 700 " + string(d),
		}
	}
	return nil
}

// readSecrets reads what PutSecrets wrote last, unless it is not wanted.
func (r *reader) readSecrets(names []string) error {
	if r.i.stale = slices.Contains(names, secretsName); !r.i.stale || !r.o.Secrets {
		return nil
	}
	b, err := r.o.FS.Read(secretsName)
	if err != nil {
		return err
	}
	h, at, err := r.readHead(secretsName, b)
	if later := (*Error)(nil); errors.As(err, &later) {
		return err
	}
	if err == nil && h.kind == secretsFile {
		s := newBlocks(b, h.salt, at)
		if blk := (block{}); s.next(&blk) && blk.kind == blockSecrets && s.damaged == 0 {
			r.i.Secrets = blk.body
			return nil
		}
	}
	r.i.Notes = append(r.i.Notes, secretsName+" is damaged: the secrets of the configuration are used, and replace it")
	return nil
}

// PutSecrets keeps what Image.Secrets is then, in the place of what was kept before. It returns
// once that is on disk. While the log is broken it fails: the directory may be another process's by
// now.
func (l *Log) PutSecrets(b []byte) error {
	if err := l.Broken(); err != nil {
		return err
	}
	if err := l.writeSecrets(b); err != nil {
		return explain(l.o.FS.Path(), "can't be written", err)
	}
	return nil
}

func (l *Log) writeSecrets(b []byte) error {
	h := header{kind: secretsFile, salt: newSalt(), cluster: l.o.Cluster, name: l.o.Name}
	dir := l.o.FS
	dir.Remove(secretsName + tempEnd) // of an attempt before
	f, err := begin(dir, secretsName+tempEnd, &h)
	if err != nil {
		return err
	}
	out := appendBlock(nil, h.salt, blockSecrets, time.Now(), func(dst []byte) []byte { return append(dst, b...) })
	defer clear(out)
	_, err = f.Write(out)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = dir.Rename(secretsName+tempEnd, secretsName)
	}
	if err != nil {
		dir.Remove(secretsName + tempEnd)
		return err
	}
	return dir.Sync()
}
