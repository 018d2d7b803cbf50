package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const architecture = "docs/architecture.md"

var (
	drawingOfPackages = regexp.MustCompile("(?s)```mermaid\nflowchart TD\n(.*?)```")
	drawnNode         = regexp.MustCompile(`(?m)^ *(\w+)\["([^"]+)"\]$`)
	drawnArrow        = regexp.MustCompile(`(?m)^ *(\w+(?: & \w+)*) --> (\w+(?: & \w+)*)$`)
)

// The drawing holds every package. Each of its arrows is an import, and each import
// is an arrow or a way along several.
func TestTheDrawingOfPackagesIsTrue(t *testing.T) {
	t.Parallel()
	drawing := drawingOfPackages.FindStringSubmatch(read(t, architecture))
	if drawing == nil {
		t.Fatalf("%s has no drawing of the packages", architecture)
	}
	nodes := drawnNode.FindAllStringSubmatch(drawing[1], -1)
	imports, arrows := map[string]set{}, map[string]set{}
	for _, p := range packages(t) {
		from := nodeOf(nodes, path(p.ImportPath))
		if from == "" {
			t.Errorf("%s is not in the drawing", path(p.ImportPath))
		}
		imported := p.Imports
		if matches(`test(/.*)?`, path(p.ImportPath)) {
			imported = slices.Concat(imported, p.TestImports, p.XTestImports)
		}
		for _, name := range imported {
			if isOurs(name) {
				add(imports, from, nodeOf(nodes, path(name)))
			}
		}
	}
	for _, arrow := range drawnArrow.FindAllStringSubmatch(drawing[1], -1) {
		for from := range strings.SplitSeq(arrow[1], " & ") {
			for to := range strings.SplitSeq(arrow[2], " & ") {
				add(arrows, from, to)
				if !imports[from][to] {
					t.Errorf("the drawing has an arrow from %s to %s, but nothing there imports the other", from, to)
				}
			}
		}
	}
	for from, imported := range imports {
		ways := reachable(arrows, from)
		for to := range imported {
			if from != to && !ways[to] {
				t.Errorf("%s imports %s, but no arrow leads there", from, to)
			}
		}
	}
}

func add(edges map[string]set, from, to string) {
	if edges[from] == nil {
		edges[from] = set{}
	}
	edges[from][to] = true
}

// nodeOf finds a package in the drawing, where x/* are those below x that don't
// stand there by their own name.
func nodeOf(nodes [][]string, path string) (found string) {
	for _, node := range nodes {
		for label := range strings.SplitSeq(node[2], "<br>") {
			if label == path {
				return node[1]
			}
			if below, ok := strings.CutSuffix(label, "/*"); ok && strings.HasPrefix(path, below+"/") {
				found = node[1]
			}
		}
	}
	return found
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		name := path(p.ImportPath)
		names, err := filepath.Glob(filepath.Join(root, name, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			lines = max(lines, linesOf(file.Doc))
		}
		if lines < 2 {
			t.Errorf("%s has no package comment of two lines or more: say what it is for, and what it must not know", name)
		}
	}
}

func linesOf(comment *ast.CommentGroup) int {
	return strings.Count(comment.Text(), "\n")
}
