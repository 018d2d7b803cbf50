package layout

import (
	slash "path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guides are what a newcomer reads first.
var guides = []string{"AGENTS.md", "CONTRIBUTING.md", architecture}

var (
	namedPath     = regexp.MustCompile(`^[\w.*/-]+$`)
	namedFile     = regexp.MustCompile(`\.(go|md|json|tsv)$`)
	goCommand     = regexp.MustCompile(`^go (?:test|run|vet|generate) .*`)
	runPattern    = regexp.MustCompile(`-run "?([\w|]+)"?`)
	architectCall = regexp.MustCompile("`([\\w/]+\\.go)` ([A-Z]\\w+)")
)

// Every file, folder and command that the guides name is there.
func TestGuidesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	all := readSource(t)
	for _, guide := range guides {
		for _, span := range spans(read(t, guide)) {
			switch {
			case goCommand.MatchString(span):
				for _, problem := range all.commandProblems(span) {
					t.Errorf("%s: `%s`: %s", guide, span, problem)
				}
			case strings.HasPrefix(span, "make "):
				if target := strings.TrimPrefix(span, "make "); !strings.Contains(read(t, "Makefile"), "\n"+target+":") {
					t.Errorf("%s: the Makefile has no target %s", guide, target)
				}
			case namedPath.MatchString(span) && (namedFile.MatchString(span) || all.isFolder(strings.Split(span, "/")[0])):
				if !all.has(span) {
					t.Errorf("%s: there is no %s", guide, span)
				}
			}
		}
	}
}

// A newcomer finds each file of the root package in the table of where things are.
func TestTheRootsFilesHaveARow(t *testing.T) {
	t.Parallel()
	named := spans(read(t, "CONTRIBUTING.md"))
	for name := range readSource(t).files {
		if slash.Ext(name) != ".go" || strings.Contains(name, "/") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if !slices.ContainsFunc(named, func(pattern string) bool { ok, _ := slash.Match(pattern, name); return ok }) {
			t.Errorf("CONTRIBUTING.md says nothing of %s", name)
		}
	}
}

// The steps of a request in the architecture are functions of the files that they name.
func TestStepsOfARequestAreInTheirFiles(t *testing.T) {
	t.Parallel()
	steps := architectCall.FindAllStringSubmatch(read(t, architecture), -1)
	if len(steps) < 8 {
		t.Fatalf("%s has only %d steps", architecture, len(steps))
	}
	for _, step := range steps {
		name := step[1]
		if strings.Contains(name, "/") {
			name = "internal/" + name
		}
		if !strings.Contains(read(t, name), ") "+step[2]+"(") && !strings.Contains(read(t, name), "\nfunc "+step[2]+"(") {
			t.Errorf("%s: %s has no function %s", architecture, step[1], step[2])
		}
	}
}

// has reports whether a file or folder is there: by its path from the root, from
// internal/, or by its name alone. An asterisk stands for any name.
func (s source) has(name string) bool {
	name = strings.TrimSuffix(name, "/")
	for file := range s.files {
		for found := file; found != "."; found = slash.Dir(found) {
			for _, pattern := range []string{name, "internal/" + name} {
				if ok, _ := slash.Match(pattern, found); ok {
					return true
				}
			}
		}
		if slash.Base(file) == name {
			return true
		}
	}
	return false
}

func (s source) isFolder(name string) bool {
	for file := range s.files {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// commandProblems are the folders of a go command that aren't there, and its patterns
// that no test there has in its name.
func (s source) commandProblems(command string) (problems []string) {
	for part := range strings.SplitSeq(command, "&&") {
		var folders []string
		for word := range strings.FieldsSeq(part) {
			folder, isFolder := strings.CutPrefix(strings.TrimSuffix(word, "/..."), "./")
			if word == "." || word == "./..." {
				folder, isFolder = ".", true
			}
			if !isFolder {
				continue
			}
			folders = append(folders, folder)
			if folder != "." && !s.isFolder(folder) {
				problems = append(problems, "there is no folder "+folder)
			}
		}
		if run := runPattern.FindStringSubmatch(part); run != nil {
			for pattern := range strings.SplitSeq(run[1], "|") {
				if !s.hasTest(pattern, folders) {
					problems = append(problems, "no test there is called "+pattern)
				}
			}
		}
	}
	return problems
}

func (s source) hasTest(pattern string, folders []string) bool {
	for name, places := range s.tests {
		if !strings.Contains(name, pattern) {
			continue
		}
		for _, place := range places {
			if slices.Contains(folders, slash.Dir(place)) {
				return true
			}
		}
	}
	return false
}
