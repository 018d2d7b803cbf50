// Package client embeds the gateway's own browser client: one dependency-free
// ES module with the calls of next-auth/react v4, for pages without React or a
// build step.
//
//	import { signIn, signOut, getSession } from "/api/auth/client.js";
//
// The module talks to the folder that it was loaded from, so it must be served
// directly under a realm's base path.
package client

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

// JS is client.js, a text/javascript ES module that imports nothing.
//
//go:embed client.js
var JS []byte

// Types is client.d.ts, the TypeScript declarations of [JS].
//
//go:embed client.d.ts
var Types []byte

// The strong entity tags (RFC 9110 section 8.8.3) of the two files, quotes
// included. They change exactly when the content does.
var (
	JSETag    = etag(JS)
	TypesETag = etag(Types)
)

// etag needs no secrecy, only that two releases differ: 96 bits of the hash do.
func etag(content []byte) string {
	sum := sha256.Sum256(content)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}
