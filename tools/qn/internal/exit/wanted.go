package exit

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// examples are what one could write, by the type that pflag gives a flag.
var examples = map[string][2]string{
	"int": {"a whole number", "16"}, "uint": {"a whole number, 0 or more", "16"}, "uint8": {"a whole number from 0 to 255", "1"},
	"uint16": {"a whole number from 0 to 65535", "7946"}, "uint64": {"a whole number, 0 or more", "1"}, "ints": {"whole numbers with commas between them", "16,64"}, "intSlice": {"whole numbers with commas between them", "16,64"},
	"duration": {"a time with its unit", "250ms, 10s or 2m"}, "bool": {"true or false", "true"}, "float64": {"a number", "0.5"},
	"stringToString": {"pairs of a name and a value", "service=web,port=8080"},
}

// Wanted says what a flag takes, in place of the words of a parser. Our own types say it
// themselves, by cause.
func Wanted(f *pflag.Flag, cause error) string {
	kind := f.Value.Type()
	if e, ok := examples[kind]; ok {
		return fmt.Sprintf("not %s; fix: for example --%s %s", e[0], f.Name, e[1])
	}
	if cause != nil {
		return strings.ReplaceAll(Plain(cause), ": engine: ", ": ")
	}
	return fmt.Sprintf("fix: for example --%s %s", f.Name, strings.Trim(f.DefValue, "[]"))
}
