package layout

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const threatModel = "docs/threat-model.md"

var update = flag.Bool("update", false, "write packages and folders in "+threatModel+" anew, after something has moved")

// requirement is a row of a table in the threat model.
type requirement struct {
	id   string
	line int
	// where names what enforces it, tests what shows it: the code spans of two
	// cells, empty of what isn't built.
	where, tests []string
}

var (
	requirementRow = regexp.MustCompile(`^\| ([A-Z]\d+(?:, [A-Z]\d+)*) \|`)
	codeSpan       = regexp.MustCompile("`([^`]+)`")
)

// readThreatModel returns the rows of what holds, and those of what isn't built.
func readThreatModel(t *testing.T) (holds, missing []requirement) {
	t.Helper()
	for i, line := range strings.Split(read(t, threatModel), "\n") {
		row := requirementRow.FindStringSubmatch(line)
		if row == nil {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for id := range strings.SplitSeq(row[1], ", ") {
			if len(cells) == 4 {
				holds = append(holds, requirement{id, i + 1, spans(cells[2]), spans(cells[3])})
			} else {
				missing = append(missing, requirement{id: id, line: i + 1})
			}
		}
	}
	if len(holds) < 80 {
		t.Fatalf("%s has only %d rows", threatModel, len(holds))
	}
	return holds, missing
}

func spans(cell string) (found []string) {
	for _, span := range codeSpan.FindAllStringSubmatch(cell, -1) {
		found = append(found, span[1])
	}
	return found
}

// source is what the threat model may name, by its unqualified name: each of the
// places where something of that name is.
type source struct {
	files map[string]bool
	// functions has the functions and methods of Go packages outside tests, as
	// package.Name, by the name with a small first letter: it has a capital one once
	// other packages use it. Types and values decide nothing, so they are left out.
	functions map[string][]string
	// tests has the tests, as folder/TestName.
	tests map[string][]string
}

func readSource(t *testing.T) source {
	t.Helper()
	found := source{make(map[string]bool), make(map[string][]string), make(map[string][]string)}
	for _, name := range files(t) {
		found.files[name] = true
		if filepath.Ext(name) != ".go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, read(t, name), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			switch declared := function.Name.Name; {
			case isTest(declared) && strings.HasSuffix(name, "_test.go"):
				insert(found.tests, declared, filepath.ToSlash(filepath.Dir(name))+"/"+declared)
			case !strings.HasSuffix(name, "_test.go") && !isForTests(name):
				insert(found.functions, small(declared), file.Name.Name+"."+declared)
			}
		}
	}
	return found
}

// isForTests says of a file that it is of no use but to tests and tools.
func isForTests(name string) bool {
	return matches(`(?:test|tools|cmd)/.*|.*/\w+test/.*`, name)
}

func insert(index map[string][]string, name, place string) {
	if !slices.Contains(index[name], place) {
		index[name] = append(index[name], place)
	}
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")
}

func small(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(first)) + name[size:]
}

// place returns where what a code span names is today, as the span should say it;
// several places where that can't be told.
func (s source) place(span string) []string {
	if s.files[span] {
		return []string{span}
	}
	if file, title, ok := strings.Cut(span, ": "); ok { // of a browser test
		if content, err := os.ReadFile(filepath.Join(root, file)); err == nil && strings.Contains(string(content), title) {
			return []string{span}
		}
		return nil
	}
	places := s.functions[small(span[strings.LastIndex(span, ".")+1:])]
	if name := span[strings.LastIndex(span, "/")+1:]; isTest(name) {
		places = s.tests[name]
	}
	if slices.Contains(places, span) {
		return []string{span}
	}
	return places
}

func TestThreatModel(t *testing.T) {
	holds, missing := readThreatModel(t)
	known := readSource(t)
	text := read(t, threatModel)
	seen := make(map[string]bool)
	for _, row := range holds {
		if seen[row.id] {
			t.Errorf("%s:%d: %s is there twice", threatModel, row.line, row.id)
		}
		seen[row.id] = true
		if len(row.where) == 0 || len(row.tests) == 0 {
			t.Errorf("%s:%d: %s doesn't say where it is enforced, or which test shows it", threatModel, row.line, row.id)
		}
		for _, span := range slices.Concat(row.where, row.tests) {
			switch places := known.place(span); {
			case len(places) == 0:
				t.Errorf("%s:%d: %s names %s, which is no function, test or file", threatModel, row.line, row.id, span)
			case len(places) > 1:
				t.Errorf("%s:%d: %s names %s: write one of %s", threatModel, row.line, row.id, span, strings.Join(places, ", "))
			case places[0] == span:
			case *update:
				text = strings.ReplaceAll(text, "`"+span+"`", "`"+places[0]+"`")
			default:
				t.Errorf("%s:%d: %s names %s, which is %s now (-update writes that)", threatModel, row.line, row.id, span, places[0])
			}
		}
	}
	for _, row := range missing {
		seen[row.id] = true
	}
	if *update {
		if err := os.WriteFile(filepath.Join(root, threatModel), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("knows what comments name", func(t *testing.T) { requirementsAreKnown(t, seen) })
}

// In comments requirements are named as such; comments and cases of tests may
// begin with one.
var (
	lineBreakInComment = regexp.MustCompile(`\n\s*(?://|#)\s*`)
	namesRequirements  = regexp.MustCompile(`(?i:requirements?(?: group)?) ([A-Z]\d*(?:(?:, | and | to )[A-Z]\d+)*)\b`)
	beginsWithOne      = regexp.MustCompile(`(?m)(?:^\s*//\s*|")([A-P]\d{1,2}(?:, [A-P]\d{1,2})*)[:,] `)
	endsWithOne        = regexp.MustCompile(`(?m)^\s*//.* \(([A-P]\d{1,2}(?:, [A-P]\d{1,2})*)\)`)
	oneRequirement     = regexp.MustCompile(`[A-Z]\d*`)
)

func requirementsAreKnown(t *testing.T, known map[string]bool) {
	for id := range maps.Clone(known) {
		known[id[:1]] = true // its group
	}
	for _, name := range files(t) {
		if !slices.Contains([]string{".go", ".mjs", ".js", ".ts", ".sh", ".md"}, filepath.Ext(name)) {
			continue
		}
		content := read(t, name)
		lists := namesRequirements.FindAllStringSubmatch(lineBreakInComment.ReplaceAllString(content, " "), -1)
		if filepath.Ext(name) == ".go" {
			lists = slices.Concat(lists, beginsWithOne.FindAllStringSubmatch(content, -1), endsWithOne.FindAllStringSubmatch(content, -1))
		}
		for _, list := range lists {
			for _, id := range oneRequirement.FindAllString(list[1], -1) {
				if !known[id] {
					t.Errorf("%s names %q, which %s doesn't have", name, id, threatModel)
				}
			}
		}
	}
}
