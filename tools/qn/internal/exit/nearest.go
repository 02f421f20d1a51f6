package exit

import (
	"slices"
	"strings"
)

// Nearest is the known word that was probably meant, or "" if none is near: within a third of its
// letters, at least one, or the only one that begins alike.
func Nearest(word string, known []string) string {
	best, least := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" && len(word) >= 2 {
		begins := slices.DeleteFunc(slices.Clone(known), func(k string) bool { return !strings.HasPrefix(k, word) })
		if len(begins) == 1 {
			best = begins[0]
		}
	}
	return best
}

// OneOf is nil if word is known, and otherwise a usage error that names what, the word and what was
// probably meant.
func OneOf(what, word string, known []string) error {
	if slices.Contains(known, word) {
		return nil
	}
	if near := Nearest(word, known); near != "" {
		return Usagef("%s %s: not known; did you mean %q?", what, word, near)
	}
	return Usagef("%s %s: not known; fix: one of %s", what, word, strings.Join(known, ", "))
}

// distance is the edits of one letter (insert, drop, replace, swap with the next) between a and b.
func distance(a, b string) int {
	older, old, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			differs := 0
			if a[i-1] != b[j-1] {
				differs = 1
			}
			now[j] = min(old[j]+1, now[j-1]+1, old[j-1]+differs)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], older[j-2]+1)
			}
		}
		older, old, now = old, now, older
	}
	return old[len(b)]
}
