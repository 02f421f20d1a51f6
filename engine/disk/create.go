package disk

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
)

// create begins the next log.
func (l *Log) create() error {
	flags := uint8(0)
	if l.o.Sync == SyncEach {
		flags = syncedEach
	}
	h := header{kind: logFile, flags: flags, number: l.number, generation: l.generation(), salt: newSalt(), cluster: l.o.Cluster, name: l.o.Name}
	f, err := begin(l.o.FS, numbered(l.number, logEnd), &h)
	if err != nil {
		if names, unlisted := l.o.FS.List(); unlisted != nil || slices.Contains(names, numbered(l.number, logEnd)) {
			l.number++ // that name is taken now; a number that is passed over looks like a log that is gone
		}
		return err
	}
	l.file, l.salt = f, h.salt
	l.names = append(l.names, numbered(l.number, logEnd))
	l.logs++
	l.number++
	return nil
}

func (l *Log) generation() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.place.generation
}

func newSalt() uint32 {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint32(b[:])
}

// begin makes a file with a head, and writes both down.
func begin(dir FS, name string, h *header) (File, error) {
	f, err := dir.Create(name)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(appendHeader(nil, h))
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = dir.Sync()
	}
	if err != nil {
		f.Close()
		dir.Remove(name)
		return nil, err
	}
	return f, nil
}
