package codec

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// constants are those of this package by the name of their type, as the sources declare them; "" is
// for untyped ones.
func constants(t *testing.T) map[string]map[string]uint64 {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	conf := types.Config{Error: func(error) {}, Importer: nothing{}} // no constant here needs another package
	pkg, _ := conf.Check("codec", fset, parsed, nil)
	all := map[string]map[string]uint64{}
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			continue
		}
		of := ""
		if n, ok := c.Type().(*types.Named); ok {
			of = n.Obj().Name()
		}
		if all[of] == nil {
			all[of] = map[string]uint64{}
		}
		if v, ok := constant.Uint64Val(constant.ToInt(c.Val())); ok {
			all[of][name] = v
		}
	}
	return all
}

type nothing struct{}

func (nothing) Import(path string) (*types.Package, error) {
	return types.NewPackage(path, path[strings.LastIndex(path, "/")+1:]), nil
}

// page is the text of doc.go without its comment marks.
func page(t *testing.T) string {
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(b), "// ", ""), "//", "")
}

// table is the first block of rows after a text, as lists of columns that two spaces or more part.
// A row that begins with a space goes on with the last column of the one before.
func table(t *testing.T, page, after string) (rows [][]string) {
	t.Helper()
	at := strings.Index(page, after)
	if at < 0 {
		t.Fatalf("the page has no %q", after)
	}
	gap := regexp.MustCompile(`  +`)
	for line := range strings.Lines(page[at+len(after):]) {
		line = strings.TrimRight(line, "\n")
		row, ok := strings.CutPrefix(line, "\t")
		switch {
		case !ok && len(rows) > 0:
			return rows
		case !ok || row != "" && strings.ContainsRune("+|", rune(row[0])):
		case strings.HasPrefix(row, " "):
			last := rows[len(rows)-1]
			last[len(last)-1] += " " + strings.TrimSpace(row)
		default:
			rows = append(rows, gap.Split(row, -1))
		}
	}
	return rows
}

// TestPageTables: each table of the page has a row for each constant, with its value, and no
// others.
func TestPageTables(t *testing.T) {
	text, all := page(t), constants(t)
	f := func(after, of, prefix string, but ...string) {
		t.Helper()
		want := map[string]uint64{}
		for name, v := range all[of] {
			if ast.IsExported(name) {
				want[strings.ToLower(strings.TrimPrefix(name, prefix))] = v
			}
		}
		for _, name := range but {
			delete(want, name)
		}
		for _, row := range table(t, text, after) {
			name := strings.ToLower(strings.ReplaceAll(row[1], " ", ""))
			if v, err := strconv.ParseUint(row[0], 10, 64); err != nil || want[name] != v {
				t.Errorf("%s the page says %q, the code %d", after, row[:2], want[name])
			}
			if _, ok := want[name]; !ok {
				t.Errorf("%s %q is on the page alone", after, row[1])
			}
			delete(want, name)
		}
		for name, v := range want {
			t.Errorf("%s the page lacks %s = %d", after, name, v)
		}
	}
	f("carried and ignored:\n\n\t1     seal", "Flags", "Flag", "seal")
	f("Marks, the last byte", "Mark", "Mark")
	f("# Records", "Type", "Type", "free")
	f("Flags of a greeting", "HelloFlags", "Hello")
	f("Flags of a digest", "DigestFlags", "Digest")
	f("Statuses, of", "Status", "Status", "es")
	f("Stances of a Vote", "Stance", "Stance")
	f("Kinds of feedback", "FeedbackKind", "Feedback")
	f("Kinds of a Repair", "TokenKind", "Token")
	f("Reasons of a refusal", "RefusalReason", "Refused")
	f("Entry flags. ", "EntryFlags", "Entry")
	f("Kinds of entries. ", "Kind", "Kind", "free")
	sum := uint64(0)
	for _, n := range regexp.MustCompile(`\d+`).FindAllString(regexp.MustCompile(`keeps yet:[^.]*`).FindString(text), -1) {
		v, _ := strconv.ParseUint(n, 10, 64)
		sum += v
	}
	if want := uint64((entryFlagsKnown | EntryByRef) &^ entryFlagsStored); sum != want {
		t.Errorf("the page says that no store keeps the flags %d, the code %d", sum, want)
	}
	for _, row := range table(t, text, "# Limits") {
		if v, err := strconv.ParseUint(row[1], 10, 64); err != nil || all[""][row[0]] != v {
			t.Errorf("the page says %s = %s, the code %d", row[0], row[1], all[""][row[0]])
		}
	}
	for _, row := range table(t, text, "# Reserved") {
		v, _ := strconv.ParseUint(row[0], 10, 64)
		for name, used := range all["Type"] {
			if used == v || v >= uint64(TypeFree) {
				t.Errorf("%s has the reserved number %d, or it is one of the free", name, v)
			}
		}
	}
}

// TestPageBlocks: the sizes of the header's blocks are those that the page gives.
func TestPageBlocks(t *testing.T) {
	sizes := regexp.MustCompile(` (\d+)(?:,|$)`)
	for _, row := range table(t, page(t), "carried and ignored:") {
		bit, _ := strconv.Atoi(row[0])
		n := 0
		for _, m := range sizes.FindAllStringSubmatch(row[2], -1) {
			k, _ := strconv.Atoi(m[1])
			n += k
		}
		if got := HeaderBytes(Flags(bit)) - HeaderBytesFixed; got != n {
			t.Errorf("block %s: the page has %d bytes, the code %d", row[1], n, got)
		}
	}
}

// TestPageGrammar takes every golden record apart by the grammar of the page: nothing is left over,
// and nothing lacks.
func TestPageGrammar(t *testing.T) {
	text := page(t)
	grammar := map[Type]string{}
	for _, row := range table(t, text, "# Records") {
		n, _ := strconv.Atoi(row[0])
		grammar[Type(n)] = strings.Join(row[2:], " ")
	}
	entry := strings.Join(table(t, text, "gap is the version less")[0][1:], " ")
	names, bytesOf := samples()
	seen := map[Type]bool{}
	for _, name := range names {
		if !strings.HasPrefix(name, "record/") {
			continue
		}
		ty, body, _ := NextRecord(bytesOf[name])
		seen[ty] = true
		if ty == TypeEvent && len(body) == 0 {
			continue // as the page says: it asks
		}
		r := bodyReader{entry: entry, rest: body, vars: map[string]uint64{}}
		if err := r.items(grammar[ty], 0); err != nil || len(r.rest) != 0 {
			t.Errorf("%s: %v, %d bytes left\n%s\n%x", name, err, len(r.rest), grammar[ty], body)
		}
	}
	for ty := range grammar {
		if !seen[ty] {
			t.Errorf("no golden sample of type %d", ty)
		}
	}
}

// bodyReader takes a body apart by a grammar.
type bodyReader struct {
	entry string
	rest  []byte
	vars  map[string]uint64
}

var errGrammar = errors.New("the body ends early")

// items reads what a list of items says; tail bytes behind it belong to others.
func (r *bodyReader) items(list string, tail int) error {
	parts := split(list)
	for i, item := range parts {
		after := tail
		for _, p := range parts[i+1:] {
			if p, ok := r.applies(p); ok {
				after += fixed(p)
			}
		}
		item, ok := r.applies(item)
		if !ok {
			continue
		}
		if err := r.item(item, after); err != nil {
			return fmt.Errorf("%s: %w", item, err)
		}
	}
	return nil
}

// applies strips the condition of an item.
func (r *bodyReader) applies(item string) (string, bool) {
	word, rest, _ := strings.Cut(item, " ")
	if word != "if" && word != "unless" {
		return item, true
	}
	cond, rest, _ := strings.Cut(rest, ": ")
	holds := r.vars[cond] != 0
	if name, mask, ok := strings.Cut(cond, "&"); ok {
		m, _ := strconv.ParseUint(mask, 10, 64)
		holds = r.vars[name]&m != 0
	} else if name, is, ok := strings.Cut(cond, "="); ok {
		v, _ := strconv.ParseUint(is, 10, 64)
		holds = r.vars[name] == v
	}
	return rest, holds == (word == "if")
}

func (r *bodyReader) item(item string, tail int) error {
	if strings.HasPrefix(item, "(") {
		end := strings.LastIndex(item, ")")
		if n, ok := strings.CutPrefix(item[end:], ")^"); ok {
			for range r.vars[n] {
				if err := r.items(item[1:end], 0); err != nil {
					return err
				}
			}
			return nil
		}
		for len(r.rest) > tail {
			if err := r.items(item[1:end], 0); err != nil {
				return err
			}
		}
		return nil
	}
	switch item {
	case "entry":
		delete(r.vars, "flags")
		return r.items(r.entry, 0)
	case "name", "after key":
		return r.take(1, 1, func(b []byte) int { return int(b[0]) })
	case "address":
		return r.take(1, 1, func(b []byte) int { return map[byte]int{4: 6, 6: 18}[b[0]] })
	case "bytes":
		v, n := uvarint(r.rest)
		return r.take(n, 1, func([]byte) int { return int(v) })
	case "key":
		return r.key()
	}
	if bits, ok := strings.CutPrefix(item, "uvarint "); ok {
		v, n := uvarint(r.rest)
		for part := range strings.SplitSeq(bits, "|") {
			name, shift, _ := strings.Cut(part, "<<")
			k, _ := strconv.Atoi(shift)
			r.vars[name] = v >> k & 1
		}
		return r.take(n, 1, nil)
	}
	n := fixed(item)
	if n > 0 && n <= 8 && len(r.rest) >= n {
		r.vars[item[:strings.LastIndex(item, " ")]] = load(r.rest, n)
	}
	return r.take(n, 1, nil)
}

// take takes n bytes, at least some, and as many more as they say.
func (r *bodyReader) take(n, least int, more func([]byte) int) error {
	if n < least || len(r.rest) < n {
		return errGrammar
	}
	if more != nil {
		n += more(r.rest)
	}
	if len(r.rest) < n {
		return errGrammar
	}
	r.rest = r.rest[n:]
	return nil
}

func (r *bodyReader) key() error {
	if len(r.rest) == 0 {
		return errGrammar
	}
	n, own := 1, int(r.rest[0]>>4)
	if r.rest[0]&15 == 15 {
		n++
	}
	if own == 15 {
		n++
		own += int(r.rest[min(n, len(r.rest))-1])
	}
	return r.take(n, 1, func([]byte) int { return own })
}

// fixed is the number of bytes of an item of fixed size, 0 of others.
func fixed(item string) int {
	n, _ := strconv.Atoi(item[strings.LastIndexFunc(item, unicode.IsSpace)+1:])
	return n
}

// split cuts a list at the commas that are not inside of brackets.
func split(list string) (parts []string) {
	depth, from := 0, 0
	for i, c := range list + "," {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(list[from:i]))
			from = i + 1
		}
	}
	return parts
}
