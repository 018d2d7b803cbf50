package response

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// Writer passes an upstream's answer on with what the gateway owes the
// visitor: nobody but the gateway sets its cookies, a renewed session cookie
// never lands in a shared cache, and a guarded page is not shown again by Back
// after signing out.
type Writer struct {
	caddyhttp.ResponseWriterWrapper

	Asked       bool // the session, so that the answer depends on it
	Guarded     bool
	Endpoint    bool // the gateway's own answer, which goes out as it is
	renewed     []authjs.Cookie
	wroteHeader bool
}

// Renew has the answer carry the cookies of a renewed session, in place of those of
// the same names.
func (w *Writer) Renew(cookies []authjs.Cookie) {
	w.renewed = slices.DeleteFunc(w.renewed, func(old authjs.Cookie) bool {
		return slices.ContainsFunc(cookies, func(cookie authjs.Cookie) bool { return cookie.Name == old.Name })
	})
	w.renewed = append(w.renewed, cookies...)
}

// Discard makes the answer one that says nothing of a session: a mistake of ours has
// taken the place of what was about to go out.
func (w *Writer) Discard() { w.renewed, w.Guarded, w.Endpoint = nil, false, false }

// WriteHeader finishes the headers of the final answer, or of the 101 that
// switches protocols.
func (w *Writer) WriteHeader(status int) {
	switch {
	case w.wroteHeader:
	case status >= http.StatusOK || status == http.StatusSwitchingProtocols:
		w.wroteHeader = true
		w.finish(status, w.Header())
	case !w.Endpoint: // early hints, which are headers of the upstream's, too
		stripSetCookie(w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *Writer) finish(status int, header http.Header) {
	if w.Endpoint {
		return
	}
	stripSetCookie(header)
	if w.Asked && !variesByCookie(header) {
		header.Add("Vary", "Cookie")
	}
	if w.Guarded && !hasCachingHeader(header) {
		if status != http.StatusNotModified && isHTML(header) { // what is not to be stored is not asked for anew, either
			header.Set("Cache-Control", "private, no-store")
		} else {
			header.Set("Cache-Control", "private")
		}
	}
	if len(w.renewed) > 0 {
		for _, cookie := range w.renewed {
			header["Set-Cookie"] = append(header["Set-Cookie"], cookie.String())
		}
		makePrivate(header)
	}
}

// Fail prepares the headers for a page of handle_errors, which nobody will
// finish, in place of a guarded answer.
func (w *Writer) Fail() {
	if w.wroteHeader {
		return
	}
	header := w.Header()
	stripSetCookie(header)
	if !variesByCookie(header) {
		header.Add("Vary", "Cookie")
	}
	if !hasCachingHeader(header) {
		header.Set("Cache-Control", "private, no-store")
	}
}

// stripSetCookie takes the gateway's cookies out of an upstream's headers.
func stripSetCookie(header http.Header) {
	lines, ok := header["Set-Cookie"]
	if !ok {
		return
	}
	if lines = authjs.StripSetCookie(lines); lines == nil {
		delete(header, "Set-Cookie")
		return
	}
	header["Set-Cookie"] = lines
}

func variesByCookie(header http.Header) bool {
	for _, line := range header["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(name), "Cookie") {
				return true
			}
		}
	}
	return false
}

func hasCachingHeader(header http.Header) bool {
	return len(header["Cache-Control"]) > 0 || len(header["Expires"]) > 0 || len(header["Pragma"]) > 0
}

func isHTML(header http.Header) bool {
	kind := header.Get("Content-Type")
	return kind == "" || hasPrefixFold(kind, "text/html") || hasPrefixFold(kind, "application/xhtml")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// isForOneCache says of a header that some shared caches obey it instead of
// Cache-Control: targeted ones (RFC 9213), and those that are older than that.
func isForOneCache(name string) bool {
	switch name {
	case "Surrogate-Control", "Edge-Control", "X-Accel-Expires":
		return true
	}
	return strings.HasSuffix(name, "-Cache-Control")
}

// makePrivate keeps shared caches from storing an answer that sets a cookie.
func makePrivate(header http.Header) {
	for name := range header {
		if isForOneCache(name) {
			delete(header, name)
		}
	}
	lines := header["Cache-Control"]
	for _, line := range lines {
		for directive := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.TrimSpace(directive)) {
			case "private", "no-store":
				return
			}
		}
	}
	kept := []string{"private"}
	for _, line := range lines {
		for directive := range strings.SplitSeq(line, ",") {
			directive = strings.TrimSpace(directive)
			name, _, _ := strings.Cut(strings.ToLower(directive), "=")
			if directive != "" && name != "public" && name != "s-maxage" {
				kept = append(kept, directive)
			}
		}
	}
	header["Cache-Control"] = []string{strings.Join(kept, ", ")}
}

// Write implements http.ResponseWriter.
func (w *Writer) Write(p []byte) (int, error) {
	w.implicitHeader()
	return w.ResponseWriter.Write(p)
}

// ReadFrom keeps the fast path of the writer below.
func (w *Writer) ReadFrom(src io.Reader) (int64, error) {
	w.implicitHeader()
	return w.ResponseWriterWrapper.ReadFrom(src)
}

// FlushError implements the interface that http.ResponseController looks for.
func (w *Writer) FlushError() error {
	w.implicitHeader()
	if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
		return fmt.Errorf("flushing: %w", err)
	}
	return nil
}

func (w *Writer) implicitHeader() {
	if !w.wroteHeader {
		w.WriteHeader(http.StatusOK)
	}
}

var (
	_ http.ResponseWriter = (*Writer)(nil)
	_ io.ReaderFrom       = (*Writer)(nil)
)
