package engine

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/tune"
)

// TestLANIsTheZeroConfig: LAN and a zero Config mean the same, and go on to do so
// whichever field the embedder changes.
func TestLANIsTheZeroConfig(t *testing.T) {
	same := func(what string, a, b Config) {
		t.Helper()
		a, b = a.withDefaults(), b.withDefaults()
		a.Logger, b.Logger = nil, nil
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: LAN is\n%+v\nzero is\n%+v", what, a, b)
		}
	}
	same("as they are", LAN(), Config{})
	for _, path := range numbers(reflect.TypeFor[Config](), nil) {
		field := reflect.TypeFor[Config]().FieldByIndex(path)
		for _, x := range extremes(field.Type) {
			lan, zero := LAN(), Config{}
			reflect.ValueOf(&lan).Elem().FieldByIndex(path).Set(x)
			reflect.ValueOf(&zero).Elem().FieldByIndex(path).Set(x)
			same(fmt.Sprint(field.Name, " = ", x), lan, zero)
		}
	}
}

// TestDefaultsAreAsDocumented: where the comment of a field says "Default x", a zero
// field is x.
func TestDefaultsAreAsDocumented(t *testing.T) {
	c := Config{}.withDefaults()
	checked := 0
	for _, of := range []struct {
		value any
		file  string
	}{{c, "config.go"}, {c.Limits, "config.go"}, {c.Disk, "disk.go"}, {c.Tune, "tune/options.go"}} {
		v, file := reflect.ValueOf(of.value), of.file
		for name, doc := range fieldDocs(t, file, v.Type().Name()) {
			says := defaultOf.FindStringSubmatch(doc)
			if says == nil {
				continue
			}
			checked++
			if got := v.FieldByName(name).Interface(); !slices.Contains(spellings(got), says[1]) {
				t.Errorf("%s.%s: the comment says %q, and it is %v", v.Type().Name(), name, says[1], got)
			}
		}
	}
	if checked < 24 {
		t.Errorf("%d comments say a default", checked)
	}
}

// defaultOf finds a value; a default that is described is no value.
var defaultOf = regexp.MustCompile(`Default ("[^"]*"|[A-Z]\w+|[\d,]+( (ms|s|KiB|MiB))?)[.;:]`)

// spellings are the ways in which comments write a value.
func spellings(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{strconv.Quote(v)}
	case time.Duration:
		return []string{fmt.Sprint(v.Milliseconds(), " ms"), fmt.Sprint(v.Seconds(), " s"), fmt.Sprint(int64(v))}
	case fmt.Stringer: // a choice: its type and its name are its constant
		kind := reflect.TypeOf(v).Name()
		return []string{kind + strings.ToUpper(v.String()[:1]) + v.String()[1:], kind + "PushPull"}
	case int:
		n := strconv.Itoa(v)
		if v > 999 {
			n = n[:len(n)-3] + "," + n[len(n)-3:]
		}
		return []string{n, fmt.Sprint(v>>10, " KiB"), fmt.Sprint(v>>20, " MiB")}
	}
	return []string{fmt.Sprint(v)}
}

// fieldDocs are the comments of the fields of a struct.
func fieldDocs(t *testing.T, file, name string) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if d, ok := n.(*ast.TypeSpec); ok && d.Name.Name == name {
			for _, field := range d.Type.(*ast.StructType).Fields.List {
				for _, id := range field.Names {
					docs[id.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
			}
		}
		return true
	})
	if len(docs) == 0 {
		t.Fatalf("%s has no struct %s", file, name)
	}
	return docs
}

// apart are the fields of Config that JSON leaves out: functions, what runs, secrets.
var apart = []string{
	"Secrets", "Weight", "Admit", "Logger", "OnEvent", "Reactor", "Transport", "Streams", "Resolver", "Trace", "Compare", "Merge", "Key", "Former",
}

// TestConfigIsText: a Config with everything set comes back from JSON as it was, but for
// what is apart; its choices are words, and no byte of a secret is in it.
func TestConfigIsText(t *testing.T) {
	var c Config
	fill(t, reflect.ValueOf(&c).Elem(), 1)
	c.Secrets = []Secret{{ID: 7, Bytes: []byte("sixteen bytes of")}}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{`"pull"`, `"precise-own"`, `"ranges"`, `"delegated"`, `"off"`, `"refuse"`, `"each"`, `"median"`} {
		if !strings.Contains(string(text), word) {
			t.Errorf("%s is not in %s", word, text)
		}
	}
	for _, leak := range []string{"\"Secrets\"", "sixteen", "c2l4dGVlbg", "73697874"} {
		if strings.Contains(string(text), leak) {
			t.Errorf("%q is in %s", leak, text)
		}
	}
	var back Config
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	c.Secrets = nil
	if !reflect.DeepEqual(c, back) {
		t.Errorf("there and back:\n%+v, want\n%+v", back, c)
	}
	if err := json.Unmarshal([]byte(`{"Throttle":"gently"}`), &back); err == nil || !strings.Contains(err.Error(), "want coalesce or refuse") {
		t.Errorf("an unknown name: %v", err)
	}
}

// fill gives every field that JSON has a value of its own, a choice its last one.
func fill(t *testing.T, v reflect.Value, n uint64) {
	for i := range v.NumField() {
		f, field := v.Field(i), v.Type().Field(i)
		if !field.IsExported() || slices.Contains(apart, field.Name) {
			continue
		}
		n++
		switch x := f.Addr().Interface().(type) {
		case *tune.Mode, *tune.Order, *tune.Spread, *tune.Diff, *tune.Flow, *tune.Shape, *tune.Loss, *Throttle, *Sync:
			for k := uint64(0); ; k++ {
				f.SetUint(k + 1)
				if _, err := json.Marshal(x); err != nil {
					f.SetUint(k)
					break
				}
			}
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(field.Name)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int, reflect.Int64:
			f.SetInt(int64(n))
		case reflect.Uint8, reflect.Uint64:
			f.SetUint(n)
		case reflect.Slice:
			if f.Type() != reflect.TypeFor[[]string]() {
				t.Fatalf("%s: JSON has %v; leave it out, or fill it here", field.Name, f.Type())
			}
			f.Set(reflect.ValueOf([]string{field.Name, "b"}))
		case reflect.Map:
			if f.Type() == reflect.TypeFor[map[string]ed25519.PublicKey]() {
				f.Set(reflect.ValueOf(map[string]ed25519.PublicKey{"k": []byte(field.Name)}))
				continue
			}
			f.Set(reflect.ValueOf(map[string]string{"k": field.Name}))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
			fill(t, f.Elem(), n)
		case reflect.Struct:
			fill(t, f, n)
		default:
			t.Fatalf("%s: JSON has a %v; leave it out, or fill it here", field.Name, f.Kind())
		}
	}
}
