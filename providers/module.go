package providers

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
	Tells() Parts
}

// Parts are the parts of an [Account] that a provider can give.
type Parts struct {
	Email, Groups bool
	// Mend says how to have a missing one, or that there is no way.
	Mend string
}
