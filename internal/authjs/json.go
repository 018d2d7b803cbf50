package authjs

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// AppendString appends s as a JSON string, escaped as JavaScript's JSON.stringify
// does: only what must be, so neither <, > and & nor U+2028. Invalid UTF-8 becomes
// U+FFFD.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if !special[c] {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		if letter := shortEscapes[c]; letter != 0 {
			dst = append(dst, '\\', letter)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// shortEscapes are the letters that stand for a character after a backslash.
var shortEscapes = [256]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

// appendStrings appends a JSON array of strings.
func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, s)
	}
	return append(dst, ']')
}

// isoTime is how JavaScript's Date.toISOString writes a time in UTC: milliseconds, cut off.
const isoTime = "2006-01-02T15:04:05.000Z"

// User is the person in the JSON of a session.
type User struct {
	Name, Email, Image Text
	// Exposed are further members, in this order.
	Exposed []Member
}

// Member is one member of a JSON object.
type Member struct {
	Name string
	// Value is what encoding/json can write; null is written for what it can't.
	Value any
}

// AppendSession appends the answer of GET session to dst: {"user":{…},"expires":"…"}.
// A missing name, email or image is left out, and null stays null. Members come
// in NextAuth.js's order. A zero expires stands for an anonymous request: {}.
func AppendSession(dst []byte, u User, expires time.Time) []byte {
	if expires.IsZero() {
		return append(dst, "{}"...)
	}
	w := objectWriter{b: append(dst, `{"user":`...)}
	w.open()
	w.text("name", u.Name)
	w.text("email", u.Email)
	w.text("image", u.Image)
	for _, m := range u.Exposed {
		w.name(m.Name)
		w.b = appendValue(w.b, m.Value)
	}
	dst = append(w.close(), `,"expires":"`...)
	dst = expires.UTC().AppendFormat(dst, isoTime)
	return append(dst, `"}`...)
}

// appendValue appends any value as JSON.
func appendValue(dst []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return AppendString(dst, v)
	case []string:
		return appendStrings(dst, v)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return append(dst, "null"...)
	}
	return append(dst, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}
