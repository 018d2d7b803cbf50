package response

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
)

// RetryAfter is what clients are asked to wait while something is out of order.
const RetryAfter = 5 * time.Second

// SetRetryAfter asks the client to wait for [RetryAfter] (RFC 9110 section 10.2.3).
func SetRetryAfter(header http.Header) {
	header.Set("Retry-After", strconv.Itoa(int(RetryAfter.Seconds())))
}

// protectedBy are the headers of every answer that the gateway itself makes: no
// cache keeps it, nobody guesses its type, and its address goes nowhere.
var protectedBy = [...]struct{ name, value string }{
	{"Cache-Control", "private, no-store"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Vary", "Cookie"},
}

// Protect sets the headers of protectedBy. The values are the answer's own, for
// Caddy's header directive replaces in place; they share one allocation.
func Protect(header http.Header) {
	var own [len(protectedBy)]string
	for i, set := range &protectedBy {
		own[i] = set.value
		header[set.name] = own[i : i+1 : i+1]
	}
}

// Redirect sends the browser to target, which has passed the
// site's policy, is the operator's own word, or is a provider's endpoint;
// redirect.Location makes it fit for a header.
func Redirect(w http.ResponseWriter, status int, target string) {
	SetLocation(w, target)
	w.WriteHeader(status)
}

// SetLocation sets where a redirect leads, as [Redirect] does, of an answer that is
// written elsewhere.
func SetLocation(w http.ResponseWriter, target string) {
	w.Header().Set("Location", redirect.Location(target))
}

// EncodeJSON writes a value as JSON.stringify would.
func EncodeJSON(value any) ([]byte, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, fmt.Errorf("encoding an answer: %w", err)
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}

// JSON answers with JSON that is called contentType.
func JSON(w http.ResponseWriter, contentType string, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone: nobody to tell
}

// Text refuses a request. It is an answer and no error, for the routes of
// handle_errors may lead upstream, with no gate before them.
func Text(w http.ResponseWriter, status int, text string) {
	Protect(w.Header())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the client is gone: nobody to tell
}
