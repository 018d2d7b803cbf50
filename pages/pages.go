// Package pages draws the built-in pages: sign-in, sign-out, errors, "check
// your email", and what a gate shows when it turns a browser away.
//
// A page is a value; [Serve] answers a request with it. Pages are whole
// without any script and carry their style inside, so that the first paint
// needs one request. Every value is escaped by html/template; an address that
// is neither http(s) nor a path of the site is left out.
package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

// Site is what every page knows of the place it stands in.
type Site struct {
	// Name is what people call the site. Default: the host of BaseURL.
	Name string
	// Logo is the http(s) URL of an image, or a path on the host of BaseURL.
	// Default: none.
	Logo string
	// BaseURL is the absolute URL of the endpoints, without a slash at the
	// end: https://app.example.com/api/auth.
	BaseURL string
	// HomeURL is the way out of every page. Default: no such link.
	HomeURL string
	// Reference is a short id of the request that the operator finds in the
	// log. It is shown with failures only. Default: none.
	Reference string
	// Lang is the BCP 47 tag of the language wanted. Default, and for
	// languages without a catalog: English.
	Lang string
}

// User is the person who is signed in. Each of its fields may be empty.
type User struct {
	Name  string
	Email string
}

// Page is one of this package's pages.
type Page interface {
	site() Site
	status() int
	retryAfter() time.Duration
	content(words *catalog) content
}

// Serve answers with the page: its [Status], its body, and the headers that
// guard it. formActions are the http origins, outside https, that a form's
// redirects pass through ([ContentSecurityPolicy]).
func Serve(w http.ResponseWriter, page Page, formActions ...string) error {
	v := viewOf(page)
	body, err := render(v)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Content-Security-Policy", v.policy(formActions))
	header.Set("X-Frame-Options", v.frameOptions())
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "private, no-store")
	if wait := page.retryAfter(); wait > 0 {
		header.Set("Retry-After", strconv.Itoa(ceil(wait, time.Second)))
	}
	w.WriteHeader(Status(page))
	_, err = w.Write(body)
	return err
}

// Write writes the page's HTML, whole or not at all.
func Write(w io.Writer, page Page) error {
	body, err := render(viewOf(page))
	if err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}

// Status is the HTTP status that goes with the page. That of [Error] depends
// on its code: 500 for configuration, 403 for accessdenied, verification and
// the codes of dead links, else 200, whatever the code's case. A throttled
// [SignIn] is a 429 (RFC 6585 section 4).
func Status(page Page) int { return page.status() }

func render(v view) ([]byte, error) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, "page", v); err != nil {
		return nil, fmt.Errorf("drawing page %q: %w", v.Title, err)
	}
	return body.Bytes(), nil
}

// The defaults of a page, by embedding.
func (s Site) site() Site              { return s }
func (Site) status() int               { return http.StatusOK }
func (Site) retryAfter() time.Duration { return 0 }

// name is never empty.
func (s Site) name(words *catalog) string {
	if s.Name != "" {
		return s.Name
	}
	if base, err := url.Parse(s.BaseURL); err == nil && base.Host != "" {
		return base.Host
	}
	return words.ThisSite
}

// endpoint is the URL of an action: {BaseURL}/signin/github.
func (s Site) endpoint(segments ...string) string {
	var path strings.Builder
	path.WriteString(strings.TrimSuffix(safeURL(s.BaseURL), "/"))
	for _, segment := range segments {
		path.WriteString("/" + url.PathEscape(segment))
	}
	return path.String()
}

// logo is the absolute URL of the site's image, for a gate's page may stand on
// another host than the endpoints. It is empty when there is none to show.
func (s Site) logo() string {
	base, err := url.Parse(s.BaseURL)
	logo := safeURL(s.Logo)
	if err != nil || logo == "" {
		return ""
	}
	ref, err := base.Parse(logo)
	if err != nil {
		return ""
	}
	return ref.String()
}

// safeURL returns an address that a browser may follow from a page: http(s),
// or a path on the same host. Anything else, such as javascript: or
// //elsewhere, becomes empty.
func safeURL(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil, strings.ContainsRune(raw, '\\'):
		return ""
	case u.Scheme == "http", u.Scheme == "https":
		if u.Host == "" {
			return ""
		}
		return raw
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "//"):
		return raw
	}
	return ""
}
