package oauth

import "slices"

// registration is a client's registration at a provider, as it is worked with: its
// placeholders are resolved and its defaults filled in.
type registration struct {
	kind   string
	row    preset // the zero row without a preset
	config ClientConfig
	// restrictions are what the provider must attest.
	restrictions restrictions
	signer       signer // of the private key; the zero signer without one
}

// checks says whether a check is made.
func (r *registration) checks(name string) bool { return slices.Contains(r.config.Checks, name) }
