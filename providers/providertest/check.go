package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/catalog"
)

// MustFail checks an error's text, and that it holds nothing secret and
// nothing that the provider wrote.
func MustFail(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("it worked; want an error with %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q; want one with %q", err, want)
	}
	for _, secret := range []string{"access-token-", "code-", "a-client-secret", "words of the provider", "eyJ"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error %q holds %q", err, secret)
		}
	}
}

// Probe joins what a probe found wrong, and returns what it looked at.
func Probe(t testing.TB, p interface {
	Probe(context.Context) []providers.Finding
},
) (looked string, err error) {
	t.Helper()
	var what []string
	for _, finding := range p.Probe(t.Context()) {
		what, err = append(what, finding.What), errors.Join(err, finding.Err)
	}
	return strings.Join(what, "; "), err
}

// ClosedPort is the address of a server that is gone.
func ClosedPort() string {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.URL
}

// LogText is everything that was logged, in one string.
func LogText(t testing.TB, logs *observer.ObservedLogs) string {
	t.Helper()
	var text strings.Builder
	for _, entry := range logs.All() {
		fields, err := json.Marshal(entry.ContextMap())
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(entry.Message + " " + string(fields) + "\n")
	}
	return text.String()
}

// SameJSON says whether two texts are the same JSON.
func SameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

// Parse reads the providers of a block, as the signin directive does.
func Parse(text string) ([]json.RawMessage, error) {
	tokens, err := caddyfile.Tokenize([]byte("signin {\n"+text+"\n}\n"), "Caddyfile")
	if err != nil {
		return nil, err
	}
	d := caddyfile.NewDispenser(tokens)
	var all []json.RawMessage
	d.Next()
	for d.NextBlock(0) {
		raw, err := catalog.Unmarshal(d)
		if err != nil {
			return nil, err
		}
		all = append(all, raw)
	}
	return all, nil
}

// Missing is what an account says that it lacks, each part once.
func Missing(a providers.Account) string {
	var names []string
	for _, unread := range a.Incomplete {
		names = append(names, string(unread.Attribute))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}
