package servers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// AuthjsAdapter is the published npm package @auth/pg-adapter on a schema: what
// an Auth.js application sees of a database.
type AuthjsAdapter struct {
	t      testing.TB
	input  io.Writer
	output *bufio.Scanner
}

// StartAuthjsAdapter starts one in a process of its own, until the test ends.
func StartAuthjsAdapter(t testing.TB, p *Postgres, schema string) *AuthjsAdapter {
	t.Helper()
	_, here, _, _ := runtime.Caller(0) //nolint:dogsled // only the file is wanted
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "node", "rig/pg-adapter.mjs", p.DSN(), schema)
	cmd.Dir, cmd.Stderr = filepath.Join(filepath.Dir(here), "../browser"), os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting node (make setup installs its packages): %v", err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the adapter's process: %v", err)
		}
	})
	return &AuthjsAdapter{t: t, input: input, output: bufio.NewScanner(output)}
}

// Call returns what a method of the adapter gives; nil for null.
func (a *AuthjsAdapter) Call(method string, args ...any) map[string]any {
	a.t.Helper()
	line, err := json.Marshal(append([]any{method}, args...))
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(a.input, "%s\n", line); err != nil {
		a.t.Fatal(err)
	}
	if !a.output.Scan() {
		a.t.Fatalf("%s: no answer: %v", method, a.output.Err())
	}
	var answer struct {
		Result map[string]any
		Error  string
	}
	if err := json.Unmarshal(a.output.Bytes(), &answer); err != nil || answer.Error != "" {
		a.t.Fatalf("%s: %v %s", method, err, answer.Error)
	}
	return answer.Result
}
