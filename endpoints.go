package signin

import (
	"github.com/caddy-signin/caddy-signin/internal/flow"
)

// protocol is all that the endpoints do. What is not here is answered with 400,
// as NextAuth does, and never reaches an upstream.
var protocol = []flow.Endpoint{
	{Method: "GET", Action: "csrf", Serve: flow.CSRF},
	{Method: "GET", Action: "providers", Serve: flow.Providers, Bare: true},
	{Method: "GET", Action: "session", Serve: flow.Session},
	{Method: "POST", Action: "session", Serve: flow.UpdateSession},
	{Method: "GET", Action: "signin", Serve: flow.SignInPage, Page: true, Named: true},
	{Method: "POST", Action: "signin", Serve: flow.SignIn, Named: true},
	{Method: "GET", Action: "callback", Serve: flow.Callback, Named: true},
	{Method: "POST", Action: "callback", Serve: flow.Callback, CrossSite: true, Named: true},
	{Method: "GET", Action: "signout", Serve: flow.SignOutPage, Page: true},
	{Method: "POST", Action: "signout", Serve: flow.SignOut},
	{Method: "GET", Action: "error", Serve: flow.ErrorPage, Page: true},
	{Method: "GET", Action: "verify-request", Serve: flow.VerifyRequestPage, Page: true},
	{Method: "POST", Action: "_log", Serve: flow.Log, Bare: true, CrossSite: true},
	{Method: "GET", Action: "client.js", Serve: flow.ClientScript, Bare: true},
	{Method: "HEAD", Action: "client.js", Serve: flow.ClientScript, Bare: true},
	{Method: "GET", Action: "client.d.ts", Serve: flow.ClientTypes, Bare: true},
	{Method: "HEAD", Action: "client.d.ts", Serve: flow.ClientTypes, Bare: true},
	{Method: "GET", Action: "pages.js", Serve: flow.PagesScript, Bare: true},
	{Method: "HEAD", Action: "pages.js", Serve: flow.PagesScript, Bare: true},
}
