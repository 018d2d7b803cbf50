package authjs

import (
	"strconv"
	"time"
)

// Append appends the claims as JSON to dst: name, email, picture, sub, then ours,
// then the members without a field that the claims were parsed with, in their
// order, then iat, exp, nbf, jti. Empty and zero fields are left out.
func (c *Claims) Append(dst []byte) []byte {
	w := objectWriter{b: dst}
	w.open()
	w.text("name", c.Name)
	w.text("email", c.Email)
	w.text("picture", c.Picture)
	w.text("sub", TextOrMissing(c.Subject))
	w.text("sid", TextOrMissing(c.SID))
	w.text("realm", TextOrMissing(c.Realm))
	w.text("provider", TextOrMissing(c.Provider))
	w.text("user", TextOrMissing(c.User))
	if c.EmailVerified {
		w.name("email_verified")
		w.b = append(w.b, "true"...)
	}
	w.text("login", TextOrMissing(c.Login))
	if len(c.Groups) > 0 {
		w.name("groups")
		w.b = appendStrings(w.b, c.Groups)
	}
	w.time("auth_time", c.AuthTime)
	w.text("cred", TextOrMissing(c.Credential))
	w.text("deny_rules", TextOrMissing(c.DenyRules))
	w.text("mac", TextOrMissing(c.MAC))
	if c.foreign {
		c.appendForeign(&w)
	}
	w.time("iat", c.IssuedAt)
	w.time("exp", c.Expires)
	w.time("nbf", c.NotBefore)
	w.text("jti", TextOrMissing(c.ID))
	return w.close()
}

// appendForeign copies the members without a field from what was parsed.
func (c *Claims) appendForeign(w *objectWriter) {
	p := scanner{s: c.raw}
	p.document(func(name string) bool {
		start := p.i
		ok := p.skip(maxDepth)
		if claimOf(name) == 0 {
			w.name(name)
			w.b = append(w.b, c.raw[start:p.i]...)
		}
		return ok
	})
}

// objectWriter writes one flat JSON object.
type objectWriter struct {
	b     []byte
	empty bool
}

func (w *objectWriter) open() {
	w.b = append(w.b, '{')
	w.empty = true
}

func (w *objectWriter) close() []byte { return append(w.b, '}') }

// name writes a member's name; its value is the caller's to append.
func (w *objectWriter) name(name string) {
	if !w.empty {
		w.b = append(w.b, ',')
	}
	w.empty = false
	w.b = AppendString(w.b, name)
	w.b = append(w.b, ':')
}

// text writes a member unless it is missing.
func (w *objectWriter) text(name string, t Text) {
	if t.Missing() {
		return
	}
	w.name(name)
	if t.IsNull() {
		w.b = append(w.b, "null"...)
		return
	}
	w.b = AppendString(w.b, t.String())
}

// time writes a member in seconds since 1970 unless it is zero.
func (w *objectWriter) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	w.name(name)
	w.b = strconv.AppendInt(w.b, t.Unix(), 10)
}
