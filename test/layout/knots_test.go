package layout

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A knot is a set of files of one package that all depend on each other, directly
// or by way of others: none of them can be understood, or moved, alone.
const (
	maxKnot         = 12 // files
	maxTypeFiles    = 6  // in which one type has methods
	maxMethods      = 40 // of one type
	maxPackageLines = 4000
)

// tooWide are the types that stand in more files than they should, and in how
// many: none may come, and the number may only fall.
var tooWide = map[string]int{".Realm": 8}

func TestPackagesAreSmallAndUntangled(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, problem := range measure(t, filepath.Join(root, path(p.ImportPath))).problems(path(p.ImportPath)) {
			t.Errorf("%s: %s", path(p.ImportPath), problem)
		}
	}
}

func TestKnotsAreFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, source := range map[string]string{
		"a.go": "type T struct{ u U }\nfunc (t T) M() { t.u.N() }",
		"b.go": "type U struct{}\nfunc (U) N() { three() }",
		"c.go": "func three() { T{}.M() }",
		"d.go": "func (t *T) O() { local := 1; _ = local }",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("package p\n"+source+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := measure(t, dir)
	if !slices.Equal(got.knot, []string{"a.go", "b.go", "c.go"}) || got.lines != 10 || len(got.methods["T"]) != 2 || len(got.spread["T"]) != 2 {
		t.Errorf("measured %+v", got)
	}
}

type set map[string]bool

type measured struct {
	lines   int
	knot    []string       // the largest one, sorted
	methods map[string]set // by type
	spread  map[string]set // the files in which a type has methods
}

func (m measured) problems(pkg string) (all []string) {
	if m.lines > maxPackageLines {
		all = append(all, fmt.Sprintf("%d lines, more than %d", m.lines, maxPackageLines))
	}
	if len(m.knot) > maxKnot {
		all = append(all, fmt.Sprintf("%d files depend on each other, more than %d: %v", len(m.knot), maxKnot, m.knot))
	}
	for name, methods := range m.methods {
		allowed := max(maxTypeFiles, tooWide[strings.TrimPrefix(pkg+"."+name, ".")])
		if files := m.spread[name]; len(methods) > maxMethods || len(files) > allowed {
			all = append(all, fmt.Sprintf("%s has %d methods in %d files, more than %d or %d", name, len(methods), len(files), maxMethods, allowed))
		}
	}
	return all
}

// importNothing gives empty packages, for only uses of a package's own names count.
type importNothing struct{}

func (importNothing) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	return p, nil
}

// measure reads the package in a folder, without its tests.
func measure(t *testing.T, dir string) measured {
	t.Helper()
	m := measured{methods: map[string]set{}, spread: map[string]set{}}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(fset, filepath.Base(name), source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		m.lines += bytes.Count(source, []byte("\n"))
		parsed = append(parsed, file)
		m.countMethods(filepath.Base(name), file)
	}
	m.knot = largestKnot(uses(fset, parsed))
	return m
}

func (m measured) countMethods(name string, file *ast.File) {
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Recv == nil {
			continue
		}
		receiver, _, _ := strings.Cut(strings.TrimPrefix(types.ExprString(function.Recv.List[0].Type), "*"), "[")
		if m.methods[receiver] == nil {
			m.methods[receiver], m.spread[receiver] = set{}, set{}
		}
		m.methods[receiver][function.Name.Name] = true
		m.spread[receiver][name] = true
	}
}

// uses says of each file in which others the names stand that it uses: names of
// the package, methods and fields.
func uses(fset *token.FileSet, parsed []*ast.File) map[string]set {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importNothing{}, Error: func(error) {}} // other packages' names are unknown
	p, _ := config.Check("p", fset, parsed, info)
	edges := map[string]set{}
	for _, file := range parsed {
		edges[fset.Position(file.Pos()).Filename] = set{}
	}
	for identifier, object := range info.Uses {
		if object.Pkg() != p {
			continue
		}
		if v, ok := object.(*types.Var); ok && !v.IsField() && v.Parent() != p.Scope() {
			continue
		}
		from, to := fset.Position(identifier.Pos()).Filename, fset.Position(object.Pos()).Filename
		if to != "" {
			edges[from][to] = true
		}
	}
	return edges
}

func largestKnot(edges map[string]set) (largest []string) {
	reached := map[string]set{}
	for file := range edges {
		reached[file] = reachable(edges, file)
	}
	for file := range edges {
		knot := []string{file}
		for other := range reached[file] {
			if other != file && reached[other][file] {
				knot = append(knot, other)
			}
		}
		if slices.Sort(knot); len(knot) > len(largest) {
			largest = knot
		}
	}
	return largest
}

// reachable are the ends of all ways from a node.
func reachable(edges map[string]set, from string) set {
	found := set{}
	for next := []string{from}; len(next) > 0; next = next[1:] {
		for to := range edges[next[0]] {
			if !found[to] {
				found[to] = true
				next = append(next, to)
			}
		}
	}
	return found
}
