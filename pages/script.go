package pages

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"net/http"
	"regexp"
	"time"
)

var (
	//go:embed pages.js
	script []byte
	//go:embed pages.css
	styleSource string

	// style is sent inside every page, without comments and indentation.
	style     = template.CSS(regexp.MustCompile(`/\*(?s:.*?)\*/|\n\s*`).ReplaceAllString(styleSource, ""))
	styleHash = "'sha256-" + digest(string(style), base64.StdEncoding.EncodeToString) + "'"

	scriptVersion = digest(string(script), hex.EncodeToString)[:16]
)

func digest(s string, encode func([]byte) string) string {
	sum := sha256.Sum256([]byte(s))
	return encode(sum[:])
}

// Script is the pages' script, for those that have a form. The host serves it
// at {BaseURL}/pages.js; [ServeScript] does. The pages work without it.
func Script() []byte { return bytes.Clone(script) }

// ServeScript answers for {BaseURL}/pages.js. Pages ask for it with the hash
// of its content in ?v=, so that this version may be kept for good.
func ServeScript(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("ETag", `"`+scriptVersion+`"`)
	header.Set("Cache-Control", "public, no-cache")
	if r.URL.Query().Get("v") == scriptVersion {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "pages.js", time.Time{}, bytes.NewReader(script))
}
