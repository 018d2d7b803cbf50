package signin

// protocol is all of it. What is not here is answered with 400, as
// NextAuth does, and never reaches an upstream.
var protocol = []endpoint{
	{method: "GET", action: "csrf", serve: (*call).serveCSRF},
	{method: "GET", action: "providers", serve: (*call).serveProviders, bare: true},
	{method: "GET", action: "session", serve: (*call).serveSession},
	{method: "POST", action: "session", serve: (*call).updateSession},
	{method: "GET", action: "signin", serve: (*call).serveSignInPage, page: true, named: true},
	{method: "POST", action: "signin", serve: (*call).startSignIn, named: true},
	{method: "GET", action: "callback", serve: (*call).serveCallback, named: true},
	{method: "POST", action: "callback", serve: (*call).serveCallback, crossSite: true, named: true},
	{method: "GET", action: "signout", serve: (*call).serveSignOutPage, page: true},
	{method: "POST", action: "signout", serve: (*call).signOut},
	{method: "GET", action: "error", serve: (*call).serveErrorPage, page: true},
	{method: "GET", action: "verify-request", serve: (*call).serveVerifyRequestPage, page: true},
	{method: "POST", action: "_log", serve: (*call).serveLog, bare: true, crossSite: true},
	{method: "GET", action: "client.js", serve: (*call).serveClientScript, bare: true},
	{method: "HEAD", action: "client.js", serve: (*call).serveClientScript, bare: true},
	{method: "GET", action: "client.d.ts", serve: (*call).serveClientTypes, bare: true},
	{method: "HEAD", action: "client.d.ts", serve: (*call).serveClientTypes, bare: true},
	{method: "GET", action: "pages.js", serve: (*call).servePagesScript, bare: true},
	{method: "HEAD", action: "pages.js", serve: (*call).servePagesScript, bare: true},
}

// endpointTable finds an endpoint by method and action.
var endpointTable = func() map[endpointKey]*endpoint {
	table := make(map[endpointKey]*endpoint, len(protocol))
	for i := range protocol {
		table[endpointKey{protocol[i].method, protocol[i].action}] = &protocol[i]
	}
	return table
}()
