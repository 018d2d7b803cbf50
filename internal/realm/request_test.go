package realm

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-signin/caddy-signin/internal/session"
)

func BenchmarkServe(b *testing.B) {
	rs := &Request{Realm: &Realm{Sessions: &session.Manager{Streams: new(session.Streams)}}, site: new(Site), session: new(session.Session)}
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8080/", nil)
	b.ReportAllocs()
	for b.Loop() {
		rs.stream = session.Stream{}
		if err := rs.Serve(nil, nil, r, next); err != nil {
			b.Fatal(err)
		}
	}
}
