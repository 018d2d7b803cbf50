// Package session has the sessions of a realm: where they are kept (the
// strategies), how long they live, who may have one, the list of a person's
// sessions and its revocations, and the open streams that end with them. A
// Manager has what all sessions of a realm depend on, a Site those of one public
// address. It knows nothing of HTTP handlers, gates or sign-in flows.
package session
