package signin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
)

// retryAfter is what clients are asked to wait while something is out of order.
const retryAfter = 5 * time.Second

// typeJSON is what this server calls JSON, Next.js as well.
const typeJSON = "application/json; charset=utf-8"

var retryAfterSeconds = strconv.Itoa(int(retryAfter.Seconds()))

// protectedBy are the headers of every answer that the gateway itself makes: no
// cache keeps it, nobody guesses its type, and its address goes nowhere.
var protectedBy = [...]struct{ name, value string }{
	{"Cache-Control", "private, no-store"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Vary", "Cookie"},
}

// protect sets the headers of protectedBy. The values are the answer's own, for
// Caddy's header directive replaces in place; they share one allocation.
func protect(header http.Header) {
	var own [len(protectedBy)]string
	for i, set := range &protectedBy {
		own[i] = set.value
		header[set.name] = own[i : i+1 : i+1]
	}
}

// sendRedirect sends the browser to target, which has passed the
// site's policy, is the operator's own word, or is a provider's endpoint;
// redirect.Location makes it fit for a header.
func sendRedirect(w http.ResponseWriter, status int, target string) {
	setLocation(w, target)
	w.WriteHeader(status)
}

func setLocation(w http.ResponseWriter, target string) {
	w.Header().Set("Location", redirect.Location(target))
}

// writeJSON answers as JSON.stringify would write it.
func writeJSON(w http.ResponseWriter, status int, value any) error {
	body, err := encodeJSON(value)
	if err != nil {
		return err
	}
	return sendJSON(w, status, body)
}

func encodeJSON(value any) ([]byte, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, fmt.Errorf("encoding an answer: %w", err)
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}

func sendJSON(w http.ResponseWriter, status int, body []byte) error {
	return sendAs(w, typeJSON, status, body)
}

func sendAs(w http.ResponseWriter, kind string, status int, body []byte) error {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON with nosniff; an error means that the client is gone
	return nil
}

// answerText refuses a request. It is an answer and no error, for the routes of
// handle_errors may lead upstream, with no gate before them.
func answerText(w http.ResponseWriter, status int, text string) {
	protect(w.Header())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the client is gone: nobody to tell
}
