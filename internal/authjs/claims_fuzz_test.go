package authjs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// member is a member of an object as encoding/json sees it.
type member struct {
	name  string
	value json.RawMessage
}

var errNotAnObject = errors.New("not one object")

// membersOf reads a payload's members by encoding/json's token stream, which
// tells apart names that stand there twice, and returns how deep values nest.
func membersOf(payload string) (members []member, depth int, err error) {
	dec := json.NewDecoder(strings.NewReader(payload))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, 0, errNotAnObject
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, 0, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, 0, err
		}
		members = append(members, member{name.(string), value})
		depth = max(depth, depthOf(value))
	}
	if _, err := dec.Token(); err != nil {
		return nil, 0, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, 0, errNotAnObject
	}
	return members, depth, nil
}

// depthOf returns how deep arrays and objects nest in a value.
func depthOf(value json.RawMessage) (deepest int) {
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	for depth := 0; ; {
		t, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

var errAmbiguous = errors.New("refused by our own rules")

// oracle reads claims by encoding/json and by the rules in ParseClaims' doc.
func oracle(payload string) (f fields, err error) {
	members, depth, err := membersOf(payload)
	if err != nil {
		return f, err
	}
	if !utf8.ValidString(payload) || depth > 32 {
		return f, errAmbiguous
	}
	raw := make(map[string]json.RawMessage)
	for _, m := range members {
		if _, twice := raw[m.name]; twice && isField[m.name] {
			return f, errAmbiguous
		}
		raw[m.name] = m.value
	}
	ok := textOf(raw["name"], &f.Name) && textOf(raw["email"], &f.Email) && textOf(raw["picture"], &f.Picture) &&
		into(raw["sub"], &f.Sub) && into(raw["jti"], &f.ID) &&
		seconds(raw["iat"], &f.Iat) && seconds(raw["exp"], &f.Exp) && seconds(raw["nbf"], &f.NotBefore)
	if !ok {
		return f, errAmbiguous
	}
	f.AuthTime = -1
	ok = into(raw["realm"], &f.Realm) && into(raw["cred"], &f.Credential) && into(raw["mac"], &f.MAC) && into(raw["sid"], &f.SID) && into(raw["provider"], &f.Provider) && into(raw["user"], &f.User) && into(raw["email_verified"], &f.EmailVerified) &&
		into(raw["login"], &f.Login) && groupsOf(raw["groups"], &f.Groups) && seconds(raw["auth_time"], &f.AuthTime) && into(raw["deny_rules"], &f.DenyRules)
	if !ok {
		return f, errAmbiguous
	}
	return f, nil
}

func groupsOf(value json.RawMessage, dst *[]string) bool {
	var list []*string
	ok := into(value, &list)
	for _, s := range list {
		if s == nil {
			return false
		}
		*dst = append(*dst, *s)
	}
	return ok
}

var isField = map[string]bool{
	"name": true, "email": true, "picture": true, "sub": true, "iat": true, "exp": true, "nbf": true, "jti": true,
	"sid": true, "realm": true, "provider": true, "user": true, "email_verified": true, "login": true, "groups": true, "auth_time": true, "cred": true, "deny_rules": true, "mac": true,
}

// into decodes a value of the type of dst; missing is fine, null isn't.
func into(value json.RawMessage, dst any) bool {
	return value == nil || (string(value) != "null" && json.Unmarshal(value, dst) == nil)
}

func textOf(value json.RawMessage, dst *authjs.Text) bool {
	if value == nil {
		return true
	}
	if *dst = authjs.Null; string(value) == "null" {
		return true
	}
	var s string
	ok := into(value, &s)
	*dst = authjs.TextOf(s)
	return ok
}

func seconds(value json.RawMessage, dst *int64) bool {
	*dst = -1
	return len(value) <= 12 && !strings.HasPrefix(string(value), "-") && into(value, dst)
}

func FuzzParseClaimsAgreesWithEncodingJSON(f *testing.F) {
	for _, payload := range []string{
		ours, vectors[0].payload, vectors[1].payload, `{"name":null,"x":[1,{"y":"\ud83d"}]}`,
		`{"realm":"r","groups":["a,]","b"],"email_verified":false}`, `{"groups":1}`, `{"n\u0061me":"x"} `, `{"exp":1.5e3}`,
	} {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		got, err := authjs.ParseClaims(payload)
		want, wantErr := oracle(payload)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: error %v, want %v", payload, err, wantErr)
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(fieldsOf(got), want) {
			t.Fatalf("%q:\ngot  %+v\nwant %+v", payload, fieldsOf(got), want)
		}
		written := got.Append(nil)
		again, err := authjs.ParseClaims(string(written))
		if err != nil || !reflect.DeepEqual(fieldsOf(again), fieldsOf(got)) {
			t.Fatalf("%q written as %q: error %v", payload, written, err)
		}
	})
}
