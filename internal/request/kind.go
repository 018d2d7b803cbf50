package request

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// IsNavigation reports whether the browser shows the answer as a page of its
// own, so that a redirect to the sign-in page makes sense (Fetch Metadata
// Request Headers, W3C; without them the Accept header has to tell).
func IsNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if mode, ok := r.Header["Sec-Fetch-Mode"]; ok {
		return mode[0] == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	return acceptsHTML(r) && isPlainRequest(r)
}

// isPlainRequest reports that no header says a script or a protocol switch.
func isPlainRequest(r *http.Request) bool {
	for _, name := range []string{"Upgrade", "X-Requested-With", "Hx-Request"} {
		if _, set := r.Header[name]; set {
			return false
		}
	}
	return true
}

func acceptsHTML(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		if strings.Contains(strings.ToLower(line), "text/html") {
			return true
		}
	}
	return false
}

// IsFramed reports a page view that is, or may be, inside a frame, which can't be
// sent to a sign-in page that refuses to be framed.
func IsFramed(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "embed", "object":
		return true
	}
	return IsPassedOn(r)
}

// IsPassedOn reports a page view that a service worker fetches. It doesn't say
// whether it is for a frame.
func IsPassedOn(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "empty" && acceptsHTML(r)
}

// IsFormPost reports a form that a person sent, whose content a redirect would lose.
func IsFormPost(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	if mode, ok := r.Header["Sec-Fetch-Mode"]; ok {
		return mode[0] == "navigate"
	}
	return r.Method == http.MethodPost && acceptsHTML(r) && isPlainRequest(r)
}

// IsForeignPost reports a POST that neither our own origin nor the person sent
// (Fetch Metadata Request Headers, W3C), or, from browsers that don't say,
// one with another site's Origin. Our own pages send "Origin: null", because
// their referrer policy is no-referrer.
func IsForeignPost(r *http.Request, own string) bool {
	if from, ok := r.Header["Sec-Fetch-Site"]; ok {
		return from[0] != "same-origin" && from[0] != "none"
	}
	origin := r.Header.Get("Origin")
	return origin != "" && origin != "null" && !strings.EqualFold(origin, own)
}

// Reference is a short form of the request's id, the same on the page and in
// the log.
func Reference(r *http.Request) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	id, _ := repl.GetString("http.request.uuid")
	return id[:min(8, len(id))]
}
