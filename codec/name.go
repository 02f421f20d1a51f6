package codec

import (
	"strconv"
	"unicode/utf8"
)

// PrintableName reports whether a name may be shown as it is: 1 to NameBytesMax bytes of UTF-8, and
// nothing in it that has no picture of its own. Control characters, line and paragraph separators,
// and the marks that turn the direction of writing would let a member write the next line of
// somebody's log, or look like another one.
func PrintableName(name []byte) bool {
	return len(name) > 0 && len(name) <= NameBytesMax && Unprintable(name) < 0
}

// Unprintable is where text first has something that is not UTF-8 or has no picture of its own; -1:
// nowhere. The space is the only blank that passes.
func Unprintable(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 || !strconv.IsPrint(r) {
			return i
		}
		i += n
	}
	return -1
}
