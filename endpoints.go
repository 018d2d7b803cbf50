package signin

// protocol is all that the endpoints do. What is not here is answered with 400,
// as NextAuth does, and never reaches an upstream.
var protocol = []endpoint{
	{method: "GET", action: "csrf", serve: serveCSRF},
	{method: "GET", action: "providers", serve: serveProviders, bare: true},
	{method: "GET", action: "session", serve: serveSession},
	{method: "POST", action: "session", serve: updateSession},
	{method: "GET", action: "signin", serve: serveSignInPage, page: true, named: true},
	{method: "POST", action: "signin", serve: startSignIn, named: true},
	{method: "GET", action: "callback", serve: serveCallback, named: true},
	{method: "POST", action: "callback", serve: serveCallback, crossSite: true, named: true},
	{method: "GET", action: "signout", serve: serveSignOutPage, page: true},
	{method: "POST", action: "signout", serve: signOut},
	{method: "GET", action: "error", serve: serveErrorPage, page: true},
	{method: "GET", action: "verify-request", serve: serveVerifyRequestPage, page: true},
	{method: "POST", action: "_log", serve: serveLog, bare: true, crossSite: true},
	{method: "GET", action: "client.js", serve: serveClientScript, bare: true},
	{method: "HEAD", action: "client.js", serve: serveClientScript, bare: true},
	{method: "GET", action: "client.d.ts", serve: serveClientTypes, bare: true},
	{method: "HEAD", action: "client.d.ts", serve: serveClientTypes, bare: true},
	{method: "GET", action: "pages.js", serve: servePagesScript, bare: true},
	{method: "HEAD", action: "pages.js", serve: servePagesScript, bare: true},
}

// endpointTable finds an endpoint by method and action.
var endpointTable = tableOf(protocol)
