package signin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-signin/caddy-signin/internal/redirect"
	"github.com/caddy-signin/caddy-signin/pages"
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

// writeJSON and sendJSON of an endpoint call the content as the dialect does.
func (c *call) writeJSON(status int, value any) error {
	body, err := encodeJSON(value)
	if err != nil {
		return err
	}
	return c.sendJSON(status, body)
}

func (c *call) sendJSON(status int, body []byte) error {
	return sendAs(c.w, c.site.dialect.jsonType, status, body)
}

func sendAs(w http.ResponseWriter, kind string, status int, body []byte) error {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON with nosniff; an error means that the client is gone
	return nil
}

// servePage answers with one of the built-in pages.
func (s *site) servePage(w http.ResponseWriter, page pages.Page) error {
	if err := pages.Serve(w, page, s.formActions()...); err != nil {
		return fmt.Errorf("answering with a page: %w", err)
	}
	return nil
}

// formActions are the origins, outside https, that the pages' forms may lead to:
// Chromium asks at every hop. Providers know theirs once they have read their
// metadata.
func (s *site) formActions() []string {
	var origins []string
	for _, origin := range slices.Concat(s.realm.Redirect, s.hosts) {
		if strings.HasPrefix(origin, "http:") {
			origins = append(origins, origin)
		}
	}
	for _, provider := range s.realm.providers {
		origins = append(origins, provider.Info().FormActions...)
	}
	return origins
}

// pageSite is what every page shows of the site.
func (s *site) pageSite(r *http.Request) pages.Site {
	return pages.Site{Name: s.host, BaseURL: s.base, HomeURL: s.origin, Reference: reference(r)}
}

// pageUser is what pages show of who is signed in.
func pageUser(s *session) *pages.User {
	name := s.claims.Name.String()
	if name == "" {
		name = s.username
	}
	return &pages.User{Name: name, Email: s.claims.Email.String()}
}

// reference is a short form of the request's id, the same on the page and in
// the log.
func reference(r *http.Request) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	id, _ := repl.GetString("http.request.uuid")
	return id[:min(8, len(id))]
}

// unavailable answers 503 in the form that the client can use, to people with
// page. Nobody is signed out by it.
func unavailable(w http.ResponseWriter, r *http.Request, v *visit, page pages.Unavailable) error {
	protect(w.Header())
	w.Header().Set("Retry-After", retryAfterSeconds)
	if v.site != nil && (isNavigation(r) || isFormPost(r) || isFramed(r)) {
		page.Site, page.RetryAfter = v.site.pageSite(r), retryAfter
		return v.site.servePage(w, page)
	}
	return writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "Service Unavailable"})
}
