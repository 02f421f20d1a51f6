package layers

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// House is what is held of the package in which all protocols meet: how large it is,
// and which files write each field of the types that everybody knows.
type House struct {
	Fields     int                 // of the root type, through structs that the package declares
	Methods    int                 // functions with the root type, or a view of it, as receiver or parameter
	Hosts      int                 // other functions that reach peers or origins: what leaves see of the node
	PeerFields int                 // of the peer type, likewise
	Lines      int                 // of all files but doc.go
	Long       map[string]int      // lines of each file that has more than fileLinesMax
	Writers    map[string][]string // by type.field: files that assign to it
	Owners     map[string]string   // by type.field: the file that its comment names
}

// fileLinesMax is how long a file of the house may be.
const fileLinesMax = 400

// The house, and the types that are held.
const (
	houseDir    = "engine/core"
	houseRoot   = "Core"
	housePeer   = "peer"
	houseOrigin = "origin"
)

// plainRecords are what a shell hands in or takes out: they are not the state.
var plainRecords = []string{"Config", "Experiment", "Counters", "Limits", "Event"}

type house struct {
	fset  *token.FileSet
	files []*ast.File
	decls map[string]*ast.StructType // structs that the package declares
	named map[string]ast.Expr        // and its other types
	views map[string]bool            // the root, and types that are it or hold it
	hosts map[string]bool            // peers and origins, and types that hold them
	info  types.Info
	House
}

// ReadHouse measures the package in a folder, without its tests.
func ReadHouse(dir string) (*House, error) {
	h := &house{fset: token.NewFileSet(), decls: map[string]*ast.StructType{}, named: map[string]ast.Expr{}, views: map[string]bool{houseRoot: true}}
	h.hosts = map[string]bool{housePeer: true, houseOrigin: true}
	h.Long, h.Writers, h.Owners = map[string]int{}, map[string][]string{}, map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir:
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		return h.read(path)
	})
	if err != nil {
		return nil, err
	}
	h.findViews(h.views)
	h.findViews(h.hosts)
	h.check()
	h.Fields = h.fields(houseRoot)
	h.PeerFields = h.fields(housePeer)
	for _, f := range h.files {
		h.measure(f)
	}
	return &h.House, nil
}

func (h *house) read(path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(h.fset, filepath.Base(path), src, parser.ParseComments)
	if err != nil {
		return err
	}
	if n := bytes.Count(src, []byte("\n")); filepath.Base(path) != "doc.go" { // a page that explains is no burden
		if h.Lines += n; n > fileLinesMax {
			h.Long[filepath.Base(path)] = n
		}
	}
	h.files = append(h.files, f)
	ast.Inspect(f, func(n ast.Node) bool {
		if t, ok := n.(*ast.TypeSpec); ok {
			if is, ok := t.Type.(*ast.StructType); ok {
				h.decls[t.Name.Name] = is
			} else {
				h.named[t.Name.Name] = t.Type
			}
		}
		return true
	})
	return nil
}

// findViews adds the types that are, point to or list a view, and the structs with a
// field, embedded or named, through which one is reached, until there are no more: what
// they do, the root does. So with hosts.
func (h *house) findViews(set map[string]bool) {
	in := func(e ast.Expr) bool { return set[elemName(e)] }
	for size := 0; size != len(set); {
		size = len(set)
		for name, is := range h.named {
			if in(is) {
				set[name] = true
			}
		}
		for name, s := range h.decls {
			if name != houseRoot && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return in(f.Type) }) {
				set[name] = true
			}
		}
	}
}

// elemName is the name of a type, or of what a pointer or a list of it has.
func elemName(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.ArrayType:
			e = x.Elt
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// check resolves selectors within the package. What it imports is not looked at:
// the house's own types are enough to tell whose field is written.
func (h *house) check() {
	h.info = types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}, Types: map[ast.Expr]types.TypeAndValue{}}
	conf := types.Config{Importer: blank{}, Error: func(error) {}}
	_, _ = conf.Check("house", h.fset, h.files, &h.info)
}

// blank imports packages without anything in them.
type blank struct{}

func (blank) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	p.MarkComplete()
	return p, nil
}

// fields counts the fields of a type; one whose type is a struct of the package
// counts as that one's fields.
func (h *house) fields(name string) (n int) {
	for _, f := range h.decls[name].Fields.List {
		inner := typeName(f.Type)
		_, known := h.decls[inner]
		for range max(1, len(f.Names)) {
			if known && inner != name && !slices.Contains(plainRecords, inner) {
				n += h.fields(inner)
			} else {
				n++
			}
		}
		if name == houseRoot || name == housePeer || name == houseOrigin {
			h.own(name, f)
		}
	}
	return n
}

var fileName = regexp.MustCompile(`\b[a-z_]+\.go\b`)

// own notes the file that a field's comment names.
func (h *house) own(name string, f *ast.Field) {
	for _, id := range f.Names {
		if owner := fileName.FindString(f.Comment.Text() + f.Doc.Text()); owner != "" {
			h.Owners[name+"."+id.Name] = owner
		}
	}
}

// typeName is the name of a type or of what a pointer points to; "" for others.
func typeName(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// measure counts a file's methods and notes what it writes once Init is over.
func (h *house) measure(f *ast.File) {
	starts := false // within Init
	file := filepath.Base(h.fset.Position(f.Pos()).Filename)
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			h.count(n.Recv, n.Type.Params)
			starts = n.Name.Name == "Init"
		case *ast.FuncLit:
			if len(n.Body.List) > 1 { // what is one line is a row of a table
				h.count(nil, n.Type.Params)
			}
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE && !starts {
				for _, to := range n.Lhs {
					h.writes(to, file)
				}
			}
		case *ast.IncDecStmt:
			h.writes(n.X, file)
		}
		return true
	})
}

// count counts a function by its receiver and parameters.
func (h *house) count(lists ...*ast.FieldList) {
	in := func(set map[string]bool) bool {
		return slices.ContainsFunc(lists, func(l *ast.FieldList) bool {
			return l != nil && slices.ContainsFunc(l.List, func(f *ast.Field) bool { return set[elemName(f.Type)] })
		})
	}
	if in(h.views) {
		h.Methods++
	} else if in(h.hosts) {
		h.Hosts++
	}
}

// writes notes an assignment to a field of the held types, to a part of one, or to a
// whole value of theirs, which is field "*".
func (h *house) writes(e ast.Expr, file string) {
	if name := held(h.info.Types[e].Type); name != "" {
		h.wrote(name+".*", file)
		return
	}
	for {
		switch x := e.(type) {
		case *ast.SelectorExpr:
			if field := h.field(x); field != "" {
				h.wrote(field, file)
				return
			}
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return
		}
	}
}

func (h *house) wrote(field, file string) {
	if !slices.Contains(h.Writers[field], file) {
		h.Writers[field] = append(h.Writers[field], file)
	}
}

// field names a selected field of a held type; "" for others.
func (h *house) field(x *ast.SelectorExpr) string {
	s := h.info.Selections[x]
	if s == nil || s.Kind() != types.FieldVal {
		return ""
	}
	of := s.Recv()
	if p, ok := of.Underlying().(*types.Pointer); ok {
		of = p.Elem()
	}
	if name := held(of); name != "" {
		return name + "." + x.Sel.Name
	}
	return ""
}

// held is the name of a type whose fields have owners; "" for others.
func held(t types.Type) string {
	named, ok := t.(*types.Named)
	if !ok {
		return ""
	}
	switch name := named.Obj().Name(); name {
	case houseRoot, housePeer, houseOrigin:
		return name
	}
	return ""
}

// Strangers lists the fields that are written where they should not be: outside the
// file that their comment names, or, without one, in more than one file.
func (h *House) Strangers() (list []string) {
	for field, files := range h.Writers {
		slices.Sort(files)
		if field == houseRoot+".counters" {
			continue // everybody counts
		}
		owner, named := h.Owners[field]
		if named && slices.Equal(files, []string{owner}) || !named && len(files) < 2 {
			continue
		}
		list = append(list, fmt.Sprintf("%s %s", field, strings.Join(files, " ")))
	}
	slices.Sort(list)
	return list
}
