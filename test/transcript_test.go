package test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// transcript writes an answer as text in which everything that is new each time
// is named instead of shown, so that it compares to the byte:
//
//	<hex>     64 hex digits: CSRF tokens and their hashes
//	<jwe>     a compact JWE of the one form that is issued; <jwe-v5> of dialect authjs
//	<id>      8 hex digits behind a cookie's name
//	<in 720h> a date in the format of its place, that far ahead
//	{O}       the public origin, {O%} the same percent-encoded
//
// Headers stand sorted by name, Set-Cookie in the order sent; those of the
// connection, the length and the date are left out.
func transcript(got answer, origin string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", got.status)
	for _, name := range slices.Sorted(maps.Keys(got.header)) {
		switch name {
		case "Date", "Server", "Connection", "Content-Length":
			continue
		}
		for _, value := range got.header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if got.body != "" {
		fmt.Fprintf(&b, "\n%s\n", got.body)
	}
	return nameVariables(b.String(), origin)
}

var (
	anyHex    = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	anyPipe   = regexp.MustCompile(`\b[0-9a-f]{64}%7C[0-9a-f]{64}\b`)
	anyJWE    = regexp.MustCompile(`eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0\.\.[\w-]{16}\.[\w-]+\.[\w-]{22}`)
	anyJWEv5  = regexp.MustCompile(`eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoi[\w-]{118}\.\.[\w-]{22}\.[\w-]+\.[\w-]{43}`)
	anyState  = regexp.MustCompile(`((?:next-auth|authjs)\.state)\.[0-9a-f]{8}=`)
	anyCookie = regexp.MustCompile(`Expires=(\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)`)
	anyISO    = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
)

func nameVariables(text, origin string) string {
	text = anyPipe.ReplaceAllString(text, "<hex>%7C<hex>")
	text = anyHex.ReplaceAllString(text, "<hex>")
	text = anyJWE.ReplaceAllString(text, "<jwe>")
	text = anyJWEv5.ReplaceAllString(text, "<jwe-v5>")
	text = anyState.ReplaceAllString(text, "$1.<id>=")
	text = anyCookie.ReplaceAllStringFunc(text, func(match string) string {
		return "Expires=" + ahead(http.TimeFormat, strings.TrimPrefix(match, "Expires="))
	})
	text = anyISO.ReplaceAllStringFunc(text, func(match string) string { return ahead(time.RFC3339Nano, match) })
	text = strings.ReplaceAll(text, url.QueryEscape(origin), "{O%}")
	return strings.ReplaceAll(text, origin, "{O}")
}

// ahead says how far a time lies ahead, to the minute.
func ahead(layout, value string) string {
	at, err := time.Parse(layout, value)
	if err != nil {
		return value
	}
	return "<in " + strings.TrimSuffix(strings.TrimSuffix(time.Until(at).Round(time.Minute).String(), "0s"), "0m") + ">"
}

// headersOf are what a line in angle brackets stands for in a transcript that
// is wanted.
var headersOf = map[string][]string{
	// What the gateway itself answers is in no cache, is nothing but what it
	// says, and leaks no address.
	"<private>": {
		"Cache-Control: private, no-store", "Referrer-Policy: no-referrer",
		"Vary: Cookie", "X-Content-Type-Options: nosniff",
	},
	// NextAuth's own headers on csrf and session.
	"<no-cache>": {
		"Cache-Control: private, no-cache, no-store", "Expires: 0", "Pragma: no-cache",
		"Referrer-Policy: no-referrer", "Vary: Cookie", "X-Content-Type-Options: nosniff",
	},
	"<json>":    {"Content-Type: application/json; charset=utf-8"},
	"<json-v5>": {"Content-Type: application/json"},
}

// expectAnswer compares a transcript with the one wanted, to the byte. The
// headers of the wanted one may stand in any order.
func expectAnswer(t *testing.T, got answer, origin, want string) {
	t.Helper()
	text := transcript(got, origin)
	if want = sortHeaders(want); text != want {
		t.Errorf("the answer is\n%s\nwant\n%s", text, want)
	}
}

func sortHeaders(want string) string {
	head, body, hasBody := strings.Cut(strings.TrimSpace(want), "\n\n")
	lines := strings.Split(head, "\n")
	var headers []string
	for _, line := range lines[1:] {
		line = strings.TrimSpace(line)
		if block, ok := headersOf[line]; ok {
			headers = append(headers, block...)
			continue
		}
		headers = append(headers, line)
	}
	slices.SortStableFunc(headers, func(a, b string) int {
		a, _, _ = strings.Cut(a, ":")
		b, _, _ = strings.Cut(b, ":")
		return strings.Compare(a, b)
	})
	text := strings.Join(append(lines[:1], headers...), "\n") + "\n"
	if hasBody {
		text += "\n" + strings.TrimSpace(body) + "\n"
	}
	return text
}
