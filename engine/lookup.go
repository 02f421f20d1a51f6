package engine

import (
	"iter"
	"strings"
)

// Member is what is known of the member with a name, this one too; false if
// nobody has the name. It reads the snapshot that Members yields.
func (e *Engine) Member(name string) (Member, bool) {
	return e.snapshot(memberFresh).find(name)
}

// find looks a name up; nil has nobody.
func (l *memberList) find(name string) (Member, bool) {
	if l == nil {
		return Member{}, false
	}
	l.once.Do(func() {
		l.place = make(map[string]int, len(l.list))
		for i := range l.list {
			l.place[l.list[i].Name] = i
		}
	})
	i, ok := l.place[name]
	if !ok {
		return Member{}, false
	}
	return l.list[i], true
}

// Alive yields the members whose state is Alive, this one first unless it left:
// a snapshot, as Members is one.
func (e *Engine) Alive() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		for m := range e.Members() {
			if m.State == StateAlive && !yield(m) {
				return
			}
		}
	}
}

// NumMembers is the number of members that Alive would yield.
func (e *Engine) NumMembers() (n int) {
	for range e.Alive() {
		n++
	}
	return n
}

// All yields the entry under a key of every member that has one, by the name of
// the member, whatever its state: what Get gives for each. Value is the
// receiver's own copy.
func (e *Engine) All(key string) iter.Seq2[string, Entry] {
	return func(yield func(string, Entry) bool) {
		for m := range e.Members() {
			if value, meta, ok := e.Get(m.Name, key); ok && !yield(m.Name, Entry{value, meta}) {
				return
			}
		}
	}
}

// RangePrefix is Range for the keys that begin with a prefix. It looks at all
// keys of the member.
func (e *Engine) RangePrefix(member, prefix string) iter.Seq2[[]byte, Entry] {
	return func(yield func([]byte, Entry) bool) {
		for key, entry := range e.Range(member) {
			if strings.HasPrefix(string(key), prefix) && !yield(key, entry) {
				return
			}
		}
	}
}
