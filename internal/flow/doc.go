// Package flow answers one request to an endpoint of the NextAuth protocol. Serve
// looks the endpoint up in the protocol that it is given, reads what every endpoint
// needs into a Call (keys, body, CSRF token, return address), and calls the
// endpoint's function; there is a file for each flow, and Call has what they
// share. What differs between the kinds of providers is in kindOf, between NextAuth
// v4 and v5 in Dialect. It imports nothing of Caddy, which is the business of
// packages realm, request and response, and knows nothing of how a provider does its
// work.
package flow
