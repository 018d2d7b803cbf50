package providers

import "context"

// Keyworder is implemented by guest modules that a Caddyfile names by more words
// than the module's own name, such as the names of vendors.
type Keyworder interface {
	// Keywords lists these words.
	Keywords() []string
	// IsKeyword says whether a word is one of them.
	IsKeyword(word string) bool
}

// Teller is implemented by guest modules that can say, decoded and not provisioned
// yet, which parts of an [Account] they can give.
type Teller interface {
	// Tells says so by the configuration alone, asking nobody.
	Tells() Parts
}

// Parts are the parts of an [Account] that a provider can give.
type Parts struct {
	// Email says that it can give an address.
	Email bool
	// Groups says that it can give groups.
	Groups bool
	// Mend says how to have a missing one, or that there is no way.
	Mend string
}

// Prober is implemented by providers of which more can be checked than their
// configuration, without anybody signing in.
type Prober interface {
	Provider
	// Probe asks the other side for what every sign-in needs first (discovery
	// document, keys, a login at the mail server), and changes nothing there.
	// The findings come in a fixed order.
	Probe(ctx context.Context) []Finding
}

// Finding is one thing that a probe looked at.
type Finding struct {
	// What it was, in a few words: "discovery of issuer https://login.example".
	What string
	// Err says what is wrong, and what to do. It is nil when all is well.
	Err error
}
