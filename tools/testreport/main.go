// Command testreport reads what go test -json writes and prints what a person
// wants of it: a line per package, and all that a failing test said. It fails
// when a test failed or was skipped, or when there was none.
//
//	go test -json ./... | testreport
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintf(os.Stderr, "testreport: reading go test's output: %v\n", err)
		os.Exit(2)
	}
	if !r.summarize() {
		os.Exit(1)
	}
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

type report struct {
	out     io.Writer
	said    map[string][]string // by package and test, until it ends
	passed  int
	failed  []string
	skipped []string
	bad     int // packages that failed
}

func newReport(out io.Writer) *report {
	return &report{out: out, said: make(map[string][]string)}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// line takes one line, which is an event, or text of the go command itself.
func (r *report) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(r.out, line)
		return
	}
	name := strings.TrimSuffix(e.Package+" "+e.Test, " ")
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.said[name] = append(r.said[name], e.Output)
	case "pass", "fail", "skip":
		r.end(e, name)
	}
}

func (r *report) end(e event, name string) {
	said := r.said[name]
	delete(r.said, name)
	if e.Test == "" {
		r.endPackage(e, said)
		return
	}
	switch e.Action {
	case "pass":
		r.passed++
		return
	case "fail":
		r.failed = append(r.failed, name)
	case "skip":
		r.skipped = append(r.skipped, name)
	}
	fmt.Fprint(r.out, strings.Join(said, ""))
}

// endPackage prints the package's last line, or all that it said if it failed:
// a panic, or a data race after the last test.
func (r *report) endPackage(e event, said []string) {
	if e.Action == "fail" {
		r.bad++
		for name, rest := range r.said { // of tests that never ended
			if strings.HasPrefix(name, e.Package+" ") {
				said = append(rest, said...)
				delete(r.said, name)
			}
		}
		fmt.Fprint(r.out, strings.Join(said, ""))
		return
	}
	for _, line := range said {
		if strings.HasPrefix(line, "ok ") {
			fmt.Fprint(r.out, line)
		}
	}
}

// summarize prints the counts and reports whether all is well.
func (r *report) summarize() bool {
	for _, name := range r.failed {
		fmt.Fprintf(r.out, "failed: %s\n", name)
	}
	for _, name := range r.skipped {
		fmt.Fprintf(r.out, "skipped, which counts as a failure: %s\n", name)
	}
	fmt.Fprintf(r.out, "go test: %d passed, %d failed, %d skipped\n", r.passed, len(r.failed), len(r.skipped))
	if r.bad > 0 && len(r.failed) == 0 {
		fmt.Fprintf(r.out, "go test: %d packages failed without a failing test\n", r.bad)
	}
	return r.passed > 0 && r.bad == 0 && len(r.failed) == 0 && len(r.skipped) == 0
}
