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

var (
	//go:embed client.js
	script string
	//go:embed client.d.ts
	types string
)

// File is one of the module's files.
type File struct{ content, etag string }

// Content is the file's text, in UTF-8.
func (f File) Content() string { return f.content }

// ETag is the strong entity tag of the content (RFC 9110 section 8.8.3), quotes
// included. It changes exactly when the content does.
func (f File) ETag() string { return f.etag }

var jsFile, typesFile = newFile(script), newFile(types)

// JS is client.js, a text/javascript ES module that imports nothing.
func JS() File { return jsFile }

// Types is client.d.ts, the TypeScript declarations of [JS].
func Types() File { return typesFile }

// newFile needs no secrecy for the tag, only that two releases differ: 96 bits of the
// hash do.
func newFile(content string) File {
	sum := sha256.Sum256([]byte(content))
	return File{content, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}
