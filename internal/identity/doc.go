// Package identity says who is signed in: to upstreams by request headers, and to
// Caddy's configuration by placeholders. It is made of a session alone.
package identity
