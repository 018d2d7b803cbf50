package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	const pass = `{"Action":"run","Package":"p","Test":"A"}
{"Action":"output","Package":"p","Test":"A","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"A"}
`
	const packagePassed = `{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	for _, test := range []struct {
		name, in string
		good     bool
		says     []string
		not      []string
	}{
		{"tests that pass", pass + packagePassed, true, []string{"ok  \tp\t0.1s\ngo test: 1 passed, 0 failed, 0 skipped\n"}, []string{"chatter"}},
		{"a package without tests", pass + packagePassed + `{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}
{"Action":"skip","Package":"q"}
`, true, []string{"1 passed, 0 failed, 0 skipped"}, []string{"no test files"}},
		{"a test that fails", pass + `{"Action":"output","Package":"p","Test":"B","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"B"}
{"Action":"fail","Package":"p"}
`, false, []string{"why\n", "failed: p B", "1 passed, 1 failed"}, nil},
		{"a test that is skipped", pass + `{"Action":"output","Package":"p","Test":"B/sub","Output":"no server\n"}
{"Action":"skip","Package":"p","Test":"B/sub"}
` + packagePassed, false, []string{"no server", "skipped, which counts as a failure: p B/sub", "1 skipped"}, nil},
		{"a package that does not build", pass + packagePassed + `{"ImportPath":"q","Action":"build-output","Output":"q.go:1: no\n"}
{"ImportPath":"q","Action":"build-fail"}
{"Action":"output","Package":"q","Output":"FAIL\tq [build failed]\n"}
{"Action":"fail","Package":"q","FailedBuild":"q"}
`, false, []string{"q.go:1: no", "FAIL\tq [build failed]", "1 packages failed without a failing test"}, nil},
		{"a test that never ended", pass + `{"Action":"output","Package":"p","Test":"B","Output":"panic: timed out\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\n"}
{"Action":"fail","Package":"p"}
`, false, []string{"panic: timed out\nFAIL\tp\n"}, nil},
		{"no test", "", false, []string{"0 passed"}, nil},
		{"what is not JSON", "go: downloading x\n" + pass + packagePassed, true, []string{"go: downloading x\n"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(test.in)); err != nil {
				t.Fatal(err)
			}
			if good := r.summarize(); good != test.good {
				t.Errorf("all is well: %t, want %t", good, test.good)
			}
			for _, want := range test.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it doesn't say %q, but:\n%s", want, out.String())
				}
			}
			for _, unwanted := range test.not {
				if strings.Contains(out.String(), unwanted) {
					t.Errorf("it says %q", unwanted)
				}
			}
		})
	}
}
