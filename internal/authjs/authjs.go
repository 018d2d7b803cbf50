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
	// saltsSession says that the session's key is salted by its cookie's name, as
	// all others are.
	saltsSession bool
	// namesKeys says that a token's header tells its key by the key's thumbprint.
	namesKeys bool
	// encryptions are those that are opened; the first seals.
	encryptions []*encryption
}

// NextAuth is the wire format of NextAuth.js v4, as next-auth 4.24 speaks it.
var NextAuth = Dialect{
	prefix:      "next-auth",
	chunkSize:   3933,
	keyInfo:     "NextAuth.js Generated Encryption Key",
	encryptions: []*encryption{a256GCM},
}

// AuthJS is the wire format of Auth.js v5, as next-auth 5.0.0-beta.32 with
// @auth/core 0.41 speaks it.
var AuthJS = Dialect{
	prefix:       "authjs",
	chunkSize:    3936,
	keyInfo:      "Auth.js Generated Encryption Key",
	saltsSession: true,
	namesKeys:    true,
	encryptions:  []*encryption{a256CBCHS512, a256GCM},
}

// namespaces are what the cookie names of every dialect begin with, behind
// __Secure- and __Host-.
var namespaces = [...]string{NextAuth.namespace(), AuthJS.namespace()}

func (d Dialect) namespace() string { return d.prefix + "." }
