// Package access judges people: the rules of gates, and the admission rules of a
// realm. It is pure: what is known of a person goes in, a verdict comes out. It
// knows nothing of requests, sessions or where the facts come from.
package access
