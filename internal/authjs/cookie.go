package authjs

import (
	"strconv"
	"time"
)

// Cookie is a cookie as it is written into a Set-Cookie header. Path=/,
// HttpOnly and SameSite=Lax are on all of them.
type Cookie struct {
	Name string
	// Value is any text; it is percent-encoded on the way out.
	Value string
	// Domain is a host name; empty means that only the host asked gets the cookie.
	Domain string
	Secure bool
	// Expires ends the cookie's life, to the second; zero leaves the attribute out.
	Expires time.Time
	// MaxAge is the cookie's life in seconds: zero leaves the attribute out, and
	// a negative one deletes the cookie, as in net/http.
	MaxAge int
}

// cookieTime is the time format of RFC 6265, section 4.1.1 (RFC 1123 in GMT).
const cookieTime = "Mon, 02 Jan 2006 15:04:05 GMT"

// String returns the value of the Set-Cookie header: attributes in the order of
// the npm package cookie, which NextAuth.js uses.
func (c Cookie) String() string {
	const longest = 160 // all that may follow name, value and domain
	b := make([]byte, 0, len(c.Name)+len(c.Value)+len(c.Domain)+longest)
	b = append(b, c.Name...)
	b = append(b, '=')
	b = appendComponent(b, c.Value)
	if c.MaxAge != 0 {
		b = append(b, "; Max-Age="...)
		b = strconv.AppendInt(b, int64(max(c.MaxAge, 0)), 10)
	}
	if c.Domain != "" {
		b = append(b, "; Domain="...)
		b = append(b, c.Domain...)
	}
	b = append(b, "; Path=/"...)
	if !c.Expires.IsZero() {
		b = append(b, "; Expires="...)
		b = c.Expires.UTC().AppendFormat(b, cookieTime)
	}
	b = append(b, "; HttpOnly"...)
	if c.Secure {
		b = append(b, "; Secure"...)
	}
	b = append(b, "; SameSite=Lax"...)
	return string(b)
}

// deletion returns the cookie that makes a browser forget one called name with
// the attributes of c.
func (c Cookie) deletion(name string) Cookie {
	return Cookie{Name: name, Domain: c.Domain, Secure: c.Secure, MaxAge: -1}
}

// Delete returns the cookie that makes a browser forget c: same name and
// attributes, no value, Max-Age=0, no Expires.
func (c Cookie) Delete() Cookie { return c.deletion(c.Name) }

// appendComponent appends s encoded as JavaScript's encodeURIComponent does.
func appendComponent(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for {
		plain := 0 // tokens are plain as a whole
		for plain < len(s) && unreserved[s[plain]] {
			plain++
		}
		dst = append(dst, s[:plain]...)
		if plain == len(s) {
			return dst
		}
		c := s[plain]
		dst = append(dst, '%', digits[c>>4], digits[c&15])
		s = s[plain+1:]
	}
}

// unreserved are the bytes that encodeURIComponent leaves as they are (ECMA-262,
// section 19.2.6.4).
var unreserved = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()") {
		table[c] = true
	}
	return table
}()
