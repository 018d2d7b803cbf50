package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// purpose is what one key of a ring is for: what it makes, and whether it takes a value
// for one that it made.
type purpose struct {
	name  string
	make  func() string
	takes func(value string) bool
}

// codeUnder is what [authjs.MACKeys] make of one text under a key.
func codeUnder(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:sha256.Size/2])
}

// purposesOf are all keys of a field of a ring. A new kind of key needs a case here.
func purposesOf(t *testing.T, name string, value any) []purpose {
	t.Helper()
	const text = "made for one purpose"
	switch key := value.(type) {
	case *authjs.CSRF:
		pair := func() string { _, cookie := key.New(); return cookie }
		return []purpose{{name, pair, func(value string) bool { _, ok := key.Verify(value); return ok }}}
	case *authjs.MACKeys:
		sum := func() string { return key.Sum(text) }
		return []purpose{{name, sum, func(value string) bool { ok, _ := key.Verify(value, text); return ok }}}
	case LinkKeys:
		code := codeUnder(key[0], text)
		return []purpose{{name, func() string { return code }, func(value string) bool { return value == code }}}
	case *authjs.Keyring:
		seal := func() string { return key.Seal([]byte(text)) }
		return []purpose{{name, seal, func(value string) bool { _, _, err := key.Open(value); return err == nil }}}
	case map[string]*authjs.Keyring:
		var all []purpose
		for cookie, ring := range key {
			all = append(all, purposesOf(t, name+" of "+cookie, ring)...)
		}
		return all
	}
	t.Fatalf("the ring's %s is a %T, which this test can't use", name, value)
	return nil
}

// What was made for one purpose is worth nothing for another, for every pair of keys of
// a ring: whoever adds a field to it has it compared with all others.
func TestPurposesShareNoKey(t *testing.T) {
	t.Parallel()
	const secret = "a secret of the unit tests, over 32 bytes"
	for name, dialect := range map[string]authjs.Dialect{"next-auth": authjs.NextAuth, "authjs": authjs.AuthJS} {
		http, https := dialect.Names(false), dialect.Names(true)
		ring, err := newRing([]string{secret}, http, https)
		if err != nil {
			t.Fatal(err)
		}
		var all []purpose
		for field, value := range reflect.ValueOf(*ring).Fields() {
			found := purposesOf(t, field.Name, value.Interface())
			if len(found) == 0 {
				t.Errorf("%s: the ring has no key under %s", name, field.Name)
			}
			all = append(all, found...)
		}
		// NextAuth.js v4 derives the session's key without its cookie's name.
		sameSession := map[string]bool{}
		if name == "next-auth" {
			sameSession["Session of "+http.Session], sameSession["Session of "+https.Session] = true, true
		}
		for _, from := range all {
			made := from.make()
			for _, to := range all {
				want := from.name == to.name || sameSession[from.name] && sameSession[to.name]
				if got := to.takes(made); got != want {
					t.Errorf("%s: a value of %s counts as one of %s: %t", name, from.name, to.name, got)
				}
			}
		}
	}
}

// The codes that the test above makes of links are those of a key for codes, so that
// the two kinds can be compared.
func TestCodesOfLinksCompareWithOthers(t *testing.T) {
	t.Parallel()
	const secret = "a secret of the unit tests, over 32 bytes"
	codes, err := authjs.NewMACKeys(purposeLinks, secret)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := newRing([]string{secret}, plainNames)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := codeUnder(ring.Links[0], "x"), codes.Sum("x"); got != want {
		t.Errorf("the code of a link is %s, and %s as MACKeys make it", got, want)
	}
}
