package test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// Whoever leaves while the mail server takes its time is no fault of the server's
// that an operator has to look into.
func TestAVisitorWhoLeavesIsNobodysFault(t *testing.T) {
	g, server := startMail(t, "", "")
	goOn := make(chan struct{})
	defer close(goOn)
	server.Fail(providertest.StepRecipient, providertest.Fault{Until: goOn})
	b := g.browser()
	form := b.form("email", "zoe@mail.example.com", "json", "true")
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.origin+"/api/auth/signin/email", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	headerLines{formType}.set(r.Header)
	done := make(chan error)
	go func() {
		got, err := b.client.Do(r)
		if err == nil {
			got.Body.Close()
		}
		done <- err
	}()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, steps := server.Sessions(); len(steps) == 3 {
			break
		}
	}
	leave()
	if err := <-done; err == nil {
		t.Fatal("there was an answer")
	}
	g.waitForLog("about the visitor", func(line logLine) bool { return strings.Contains(fmt.Sprint(line["msg"]), "a visitor left") })
	for _, line := range g.logs() {
		if line["level"] == "error" {
			t.Errorf("the log blames %v", line)
		}
	}
}
