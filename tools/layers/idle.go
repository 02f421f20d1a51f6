package layers

import (
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Idle returns what the rows of single packages permit and nobody uses: a row
// without a package, a path that its package does not import. A table that
// says more than is so can't be read.
func Idle(root, module string) (idle []string, err error) {
	used := map[string][]string{}
	err = sources(root, func(rel string, src []byte) error {
		parsed, err := parser.ParseFile(token.NewFileSet(), rel, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		used[dir] = append(used[dir], "")
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			used[dir] = append(used[dir], strings.TrimPrefix(path, module+"/"))
		}
		return nil
	})
	for _, dir := range slices.Sorted(maps.Keys(rules)) {
		if !strings.HasSuffix(dir, "/...") {
			idle = append(idle, idleIn(dir, used[dir])...)
		}
	}
	return idle, err
}

// idleIn is what the row of dir permits beyond what its files import.
func idleIn(dir string, imports []string) (idle []string) {
	if imports == nil {
		return []string{fmt.Sprintf("rules.go has a row for %s, and there is no such package", dir)}
	}
	r := rules[dir]
	for _, path := range slices.Concat(r.project, r.std, r.modules) {
		if !slices.ContainsFunc(imports, func(i string) bool { return under(i, path) }) {
			idle = append(idle, fmt.Sprintf("%s may import %s and does not: take it out of its row in rules.go", dir, path))
		}
	}
	if r.unsafe && !slices.Contains(imports, "unsafe") {
		idle = append(idle, fmt.Sprintf("%s may import unsafe and does not", dir))
	}
	return idle
}
