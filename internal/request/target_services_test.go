//go:build services

package request

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// parsed is what a real URL parser makes of a target: no path where it has none.
type parsed struct {
	Path *string `json:"path"`
}

// Each reads a list of targets and writes what it makes of them, both as JSON.
var realParsers = map[string][]string{
	"Node's URL": {"node", "-e", `
		const pathOf = (target) => { try { return new URL(target, 'http://h').pathname } catch { return null } }
		const targets = JSON.parse(require('fs').readFileSync(0, 'utf8'))
		console.log(JSON.stringify(targets.map((target) => ({ path: pathOf(target) }))))`},
	"PHP's parse_url": {"php", "-r", `
		foreach (json_decode(stream_get_contents(STDIN)) as $target) {
			$path = parse_url($target, PHP_URL_PATH);
			$read[] = ['path' => $path === false ? null : $path];
		}
		echo json_encode($read, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);`},
}

// The models of URL parsers that the fuzz target uses are right.
func TestModelsOfURLParsers(t *testing.T) {
	t.Parallel()
	table := parserTable()
	input, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	for name, command := range realParsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
			cmd.Stdin = bytes.NewReader(input)
			output, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s (make setup installs it): %v", command[0], err)
			}
			var read []parsed
			if err := json.Unmarshal(output, &read); err != nil || len(read) != len(table) {
				t.Fatalf("%d paths of %d targets: %v", len(read), len(table), err)
			}
			for i, target := range table {
				path, ok := urlParsers[name](target)
				if real := read[i].Path; ok != (real != nil) || ok && path != *real {
					t.Errorf("%q: the model reads %q, %t, and the real one %s", target, path, ok, show(real))
				}
			}
		})
	}
}

func show(path *string) string {
	if path == nil {
		return "no path"
	}
	return *path
}

// parserTable are targets of all forms, and what reverse_proxy makes of them.
func parserTable() []string {
	table := slices.Collect(func(yield func(string) bool) {
		for target := range targets {
			if r, err := readTarget(target); err == nil && !yield(sentOn(r.URL)) {
				return
			}
			if !strings.Contains(target, "\xff") && !strings.Contains(target, "\xe9") && !yield(target) {
				return
			}
		}
	})
	for _, path := range []string{
		"", "/", "/admin", "/admin/", "/x//admin", "/a/../b", "/..", "/../..", "/a/.", "/./a/./b/", "/%2e%2E/a", "/a/.%2e", "/a/%2e./",
		`/a\..\b`, `/\h/a`, `\\h/a`, "/a\t/b", "/.\t./a", "/\n/h/a", " /a ", "/a b", "/a%20b", "/é", "/a%ff", "/a;b/..;/c", "/a|`<>\"{}[]",
		"/a:80", "/a:80/b", "/a:0/b", "/a:99999/b", "/a:123456/b", "/a:80x", "/a:", "/:80", "/a?b:80", "/a?b:80/", "/a#b:80", "/a/b:80/", "/:",
		"//", "//h", "//h/a", "//h:80/a", "//h:x/a", "//h:80", "//u@h/a", "//u:p@h/a", "///a", "////h/a", "//h?a", "//h#a", "/\x01/a", "/\x7f/a",
		"?a", "#a", "a", "a/b", "*", ":", ":80", ":80/a", ":a", "a:", "a:80", "a:80/b", "a:b", "a:/b", "a://h", "a://h/b", "a://h/../b", "a:///b", "1:a/b",
		"http:", "http:a", "http:/a", "http:/h/a", "http://", "http://h", "http://h/", "http://h/a/../b", "http:///h/a", "http://h?a", "http://u:p@h:80/a",
		"https:/h/a", "https:h/a", "https://h:443/a", "HTTP://h/A", "ftp://h/a", "x+y.z-1://h/a", "x_y://h/a", "mailto:a@b", "a:b c", "x:http://h/admin/x",
	} {
		table = append(table, path, path+"?q", path+"#f", path+"?q:1/x#f")
	}
	return table
}
