// Package layout holds what the source tree promises about itself.
// Its tests read the sources and run none of it: which package may import which,
// how large and tangled they are, and whether the documents about them are true.
package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	module = "github.com/caddy-signin/caddy-signin"
	root   = "../.."
)

// kindsMayImport are the internal packages that every kind of provider may import.
const kindsMayImport = "internal/(address|directive|excerpt|nearest|outgoing|queue|sampled)"

// directions says which of our packages a package may import, by the first
// pattern that its path in the module matches. Tests may import more.
var directions = []struct {
	from string
	to   []string
}{
	{`\.`, []string{"client", "pages", "providers", "providers/(catalog|credentials|email|oauth)", "sessionstore", "sessionstore/.*", "internal/.*"}},
	{`client`, nil},
	{`pages`, nil},
	{`pages/.*`, []string{"pages", "pages/.*"}},
	{`providers`, []string{"internal/address", "internal/excerpt"}},
	{`providers/presets`, nil},
	{`providers/probe`, []string{"providers", "internal/outgoing"}},
	{`providers/catalog`, []string{"providers", "internal/(directive|nearest)"}},
	{`providers/profile`, []string{"providers", "internal/(address|directive|excerpt)"}},
	{`providers/ldap`, []string{"providers", "providers/(probe|profile)", kindsMayImport}},
	{`providers/credentials`, []string{"providers", "providers/(ldap|probe|profile)", kindsMayImport}},
	{`providers/email`, []string{"providers", "providers/probe", kindsMayImport}},
	{`providers/oauth`, []string{"providers", "providers/(oauth/issuer|presets|probe|profile)", kindsMayImport}},
	{`providers/oauth/issuer`, []string{"providers/profile", "internal/(excerpt|outgoing)"}},
	{`providers/presetdoc`, []string{"providers/(email|oauth)"}},
	{`providers/providertest`, []string{"providers", "providers/catalog"}},
	{`sessionstore`, nil},
	{`sessionstore/.*`, []string{"sessionstore", "internal/(address|deadline|directive|nearcache|storelimits)"}},
	{`internal/directive`, []string{"internal/nearest"}},
	{`internal/nearcache`, []string{"sessionstore", "internal/storelimits"}},
	{`internal/storelimits`, []string{"sessionstore"}},
	{`internal/outgoing`, []string{"internal/excerpt"}},
	{`internal/request`, nil},
	{`internal/response`, []string{"internal/authjs", "internal/redirect"}},
	{`internal/access`, []string{"internal/address"}},
	{`internal/keys`, []string{"internal/authjs"}},
	{`internal/throttle`, []string{"internal/deadline", "internal/keys", "providers", "sessionstore"}},
	{`internal/session`, []string{"internal/(access|address|authjs|deadline|keys|panics|sampled)", "providers", "sessionstore"}},
	{`internal/identity`, []string{"internal/authjs", "internal/session", "internal/request", "internal/nearest"}},
	{`internal/realm`, []string{"internal/(access|authjs|deadline|identity|keys|redirect|request|response|session|throttle)", "pages", "providers", "sessionstore"}},
	{`internal/flow`, []string{"internal/(access|address|authjs|deadline|keys|panics|realm|redirect|request|response|session|throttle)", "client", "pages", "providers", "sessionstore"}},
	{`internal/(deadline|authjs|redirect|nearest|sampled|address|queue|excerpt|panics)`, nil},
	{`cmd/.*`, []string{`\.`}},
	{`test(/.*)?`, []string{`.*`}},
}

type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// path is the package's path in the module, "." for the root.
func path(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func isOurs(importPath string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

func matches(pattern, path string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(path)
}

// listed are the packages once one test has asked for them.
var listed struct {
	sync.Mutex
	all []goPackage
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	listed.Lock()
	defer listed.Unlock()
	if listed.all != nil {
		return listed.all
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var found []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("what go list says: %v", err)
		}
		if isOurs(p.ImportPath) {
			found = append(found, p)
		}
	}
	if len(found) < 5 {
		t.Fatalf("go list found only %d packages of ours", len(found))
	}
	listed.all = found
	return found
}

func TestImports(t *testing.T) {
	found := packages(t)
	t.Run("packages import only downwards", func(t *testing.T) { importOnlyDownwards(t, found) })
	t.Run("only commands and tests import the root", func(t *testing.T) { onlyCommandsImportTheRoot(t, found) })
	t.Run("internal packages and data know nothing of Caddy", func(t *testing.T) { coreIsFreeOfCaddy(t, found) })
}

func importOnlyDownwards(t *testing.T, found []goPackage) {
	for _, p := range found {
		from := path(p.ImportPath)
		allowed, known := []string(nil), false
		for _, rule := range directions {
			if known = matches(rule.from, from); known {
				allowed = rule.to
				break
			}
		}
		if !known {
			t.Errorf("%s has no rule: add one that says what it may import", from)
		}
		for _, imported := range p.Imports {
			if isOurs(imported) && !slices.ContainsFunc(allowed, func(to string) bool { return matches(to, path(imported)) }) {
				t.Errorf("%s must not import %s", from, path(imported))
			}
		}
	}
}

func onlyCommandsImportTheRoot(t *testing.T, found []goPackage) {
	for _, p := range found {
		from := path(p.ImportPath)
		if from == "." || matches(`(cmd|test)(/.*)?`, from) {
			continue
		}
		if slices.Contains(slices.Concat(p.Deps, p.TestImports, p.XTestImports), module) {
			t.Errorf("%s or its tests import the root package", from)
		}
	}
}

// freeOfCaddy are the packages that could serve another server: neither they nor what
// they import, however far down, imports Caddy.
const freeOfCaddy = `internal/(access|address|authjs|deadline|excerpt|nearcache|nearest|panics|queue|redirect|sampled|session|storelimits|throttle)|client|pages|providers|providers/presets|sessionstore`

// importNoCaddy are the packages that don't import Caddy themselves, and leave what has
// to do with it to packages below them.
const importNoCaddy = `internal/flow`

func coreIsFreeOfCaddy(t *testing.T, found []goPackage) {
	for _, p := range found {
		var dependencies []string
		switch {
		case matches(freeOfCaddy, path(p.ImportPath)):
			dependencies = slices.Concat(p.Deps, p.TestImports, p.XTestImports)
		case matches(importNoCaddy, path(p.ImportPath)):
			dependencies = slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		}
		for _, imported := range dependencies {
			if strings.HasPrefix(imported, "github.com/caddyserver/") {
				t.Errorf("%s depends on %s", path(p.ImportPath), imported)
			}
		}
	}
	listsWhatIsFreeOfCaddy(t, found, "With all that they import:", freeOfCaddy)
	listsWhatIsFreeOfCaddy(t, found, "By its own imports alone:", importNoCaddy)
}

// listsWhatIsFreeOfCaddy compares the packages of a pattern with those that the
// architecture's line of this beginning names.
func listsWhatIsFreeOfCaddy(t *testing.T, found []goPackage, beginning, pattern string) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^- ` + beginning + `([^.\n]*)\.`).FindStringSubmatch(read(t, architecture))
	if line == nil {
		t.Errorf("%s has no line that begins with %q", architecture, beginning)
		return
	}
	var want, named []string
	for _, p := range found {
		if name := path(p.ImportPath); matches(pattern, name) {
			want = append(want, name)
		}
	}
	for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line[1], -1) {
		named = append(named, name[1])
	}
	slices.Sort(want)
	slices.Sort(named)
	if !slices.Equal(want, named) {
		t.Errorf("after %q, %s names\n%q, want\n%q", beginning, architecture, named, want)
	}
}

// files are the tracked files and, in a checkout, the new ones that are not
// ignored; elsewhere every file but what tools made.
func files(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	var found []string
	if out, err := cmd.Output(); err == nil {
		for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			if _, err := os.Lstat(filepath.Join(root, name)); err == nil {
				found = append(found, name)
			}
		}
	} else {
		found = walk(t)
	}
	if !slices.Contains(found, "go.mod") || !slices.Contains(found, "test/layout/layout_test.go") {
		t.Fatalf("found %d files, but not this one", len(found))
	}
	return found
}

func walk(t *testing.T) (found []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || name == ".git" || name == ".build"):
			return fs.SkipDir
		case !entry.IsDir():
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("looking for files: %v", err)
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestSourceFilesAndFunctionsAreShort(t *testing.T) {
	t.Parallel()
	// A test's function often holds its table.
	const maxFile, maxFunction, maxTestFunction = 500, 60, 90
	sources := []string{".go", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".css", ".html", ".sh"}
	for _, name := range files(t) {
		if !slices.Contains(sources, filepath.Ext(name)) {
			continue
		}
		source := read(t, name)
		if lines := strings.Count(source, "\n"); lines > maxFile {
			t.Errorf("%s has %d lines, more than %d", name, lines, maxFile)
		}
		if filepath.Ext(name) != ".go" {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			limit := maxFunction
			if strings.HasSuffix(name, "_test.go") {
				limit = maxTestFunction
			}
			if lines := fset.Position(function.End()).Line - fset.Position(function.Pos()).Line + 1; lines > limit {
				t.Errorf("%s: %s has %d lines, more than %d", name, function.Name.Name, lines, limit)
			}
		}
	}
}

// The patterns are written so that they don't match themselves.
var foreign = map[string]*regexp.Regexp{
	"a path of one machine":         regexp.MustCompile(`(?m)(?:^|[\s"'=(<>:,\x60])/(?:root|work|home/\w+|Users/\w+)/[\w.]`),
	"the host name of a registry":   regexp.MustCompile(`(?i)\b(?:registry[.][\w.-]*\w|(?:proxy|sum)[.]golang[.]org|goproxy[.]\w+|(?:deb|security)[.]debian[.]org|[\w-]*npmmirror[.]com)\b`),
	"a conflict that was not ended": regexp.MustCompile(`(?m)^(?:<{7}|>{7}) `),
	"a paper that is not here":      regexp.MustCompile(`\b(?:(?:DESIGN|WIRE)[ ]sections?|WIRE[.]md|[Ii]ssue[ ]\d|SECURITY[-]REQUIREMENTS|ARCHITECTURE[.]md)\b`),
}

func TestFilesNameNoMachineAndNoRegistry(t *testing.T) {
	t.Parallel()
	for _, name := range files(t) {
		content := read(t, name)
		for what, pattern := range foreign {
			for _, found := range pattern.FindAllStringIndex(content, 5) {
				line := 1 + strings.Count(content[:found[0]], "\n")
				t.Errorf("%s:%d has %s: %q", name, line, what, strings.TrimSpace(content[found[0]:found[1]]))
			}
		}
	}
}

func TestPatternsKnowPathsAndHostNames(t *testing.T) {
	t.Parallel()
	const slash = "/"
	for content, want := range map[string]bool{
		slash + "root/go/pkg":                    true,
		"cd " + slash + "work/main":              true,
		`"` + slash + `home/alice/site"`:         true,
		"root " + slash + "srv/site":             false,
		"https://example.com" + slash + "work/x": false,
		"see ./" + "work/x":                      false,
		"https://registry." + "npmjs.org/x":      true,
		"GOPROXY=https://proxy." + "golang.org":  true,
		"a registry of marks":                    false,
		"as DESIGN" + " section 5 says":          true,
		"WIRE" + " sections 5 and 6":             true,
		"Issue" + " 4, part 1":                   true,
		"an issue of 4 pages, in RFC section 5":  false,
	} {
		found := false
		for _, pattern := range foreign {
			found = found || pattern.MatchString(content)
		}
		if found != want {
			t.Errorf("%q: found is %t, want %t", content, found, want)
		}
	}
}
