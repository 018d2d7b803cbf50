// Package authjs is the wire format of NextAuth.js as pure functions: the names
// and attributes of its cookies, how a long session is split over several of
// them, the CSRF token, the encrypted session token and its claims, the error
// codes, and the JSON of a session. It does no I/O and knows nothing of HTTP
// handlers, stores or providers.
//
// Everything here that reads takes what a stranger may have written: it answers
// with an error or with nothing, in time linear in the input, and never panics.
package authjs

// Dialect is one generation of the wire format: everything that differs between
// them is data in this value.
type Dialect struct {
	// prefix begins every cookie name, after the browser's __Secure- or __Host-.
	prefix string
	// chunkSize is the longest session value that fits one cookie, in bytes.
	chunkSize int
	// keyInfo is HKDF's info; a salted key adds " (<salt>)" (RFC 5869, section 3.2).
	keyInfo string
}

// NextAuth is the wire format of NextAuth.js v4, as next-auth 4.24 speaks it.
var NextAuth = Dialect{
	prefix:    "next-auth",
	chunkSize: 3933,
	keyInfo:   "NextAuth.js Generated Encryption Key",
}
