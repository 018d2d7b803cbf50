package flow

import (
	"net/http"
	"strings"
	"time"

	"github.com/caddy-signin/caddy-signin/internal/realm"
	"github.com/caddy-signin/caddy-signin/internal/response"
)

// endpoint finds what a method does at an action, or nil.
func (e *Endpoints) endpoint(method, action string) *Endpoint {
	for i := range e.Protocol {
		if found := &e.Protocol[i]; found.Method == method && found.Action == action {
			return found
		}
	}
	return nil
}

// Serve answers a request under the base path as the protocol says.
func (e *Endpoints) Serve(rs *realm.Request, w http.ResponseWriter, r *http.Request, path string) error {
	s, err := rs.Site(r)
	if err != nil {
		rs.Realm.RefuseHost(w, err)
		return nil
	}
	c := &Call{w: w, r: r, rs: rs, realm: rs.Realm, site: s, endpoints: e, began: time.Now()}
	c.query, _ = parseQuery(r.URL.RawQuery) // a malformed parameter is as if it were not given
	response.Protect(w.Header())
	segments := strings.SplitN(path, "/", 3)
	found := e.endpoint(r.Method, segments[0])
	if found == nil || !e.Dialect.serves(found, segments[1:]) {
		return c.unsupported()
	}
	if len(segments) > 1 {
		c.provider = segments[1]
	}
	c.kind = kindOf(rs.Realm.ByID[c.provider])
	if !found.Bare {
		if err := c.prepare(found); err != nil {
			return c.refuse(err)
		}
	}
	if found.Page && !s.IsHome() {
		return c.goHome(path)
	}
	return found.Serve(c)
}
