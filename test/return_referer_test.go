package test

import (
	"net/url"
	"testing"
)

// Requirement A8: the page that a browser comes from is no return address, also
// where nothing else says one.
func TestRefererIsNoReturnAddress(t *testing.T) {
	g := start(t, onePasswordSite)
	referer := "Referer: " + g.origin + "/referer"
	b := g.browser()
	b.get("/api/auth/csrf", referer)
	if kept := b.cookie(plain.CallbackURL); kept != url.QueryEscape(g.origin) {
		t.Errorf("the cookie holds %s", kept)
	}
	b.setCookie(plain.CallbackURL, "")
	if got := b.post("/api/auth/signout", b.form("json", "true"), referer); got.body != `{"url":"`+g.origin+`"}` {
		t.Errorf("signing out leads to %s", got.body)
	}
}
