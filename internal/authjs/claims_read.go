package authjs

import (
	"strings"
	"time"
)

// claimsReader reads claims member by member.
type claimsReader struct {
	scanner
	claims Claims
	seen   uint32 // members that stood there already
	wrong  bool   // a member of ours has another type
}

// The members that have a field, as bits of a set.
const (
	claimName uint32 = 1 << iota
	claimEmail
	claimPicture
	claimSub
	claimIat
	claimExp
	claimNbf
	claimJti

	claimSID
	claimRealm
	claimProvider
	claimUser
	claimEmailVerified
	claimLogin
	claimGroups
	claimAuthTime
	claimCredential
	claimDenyRules
	claimMAC

	// ownClaims are those that NextAuth.js doesn't know.
	ownClaims = claimSID | claimRealm | claimProvider | claimUser | claimEmailVerified | claimLogin | claimGroups | claimAuthTime |
		claimCredential | claimDenyRules | claimMAC
)

// claimOf returns the claim of a member's name, or zero.
func claimOf(name string) uint32 {
	switch name {
	case "name":
		return claimName
	case "email":
		return claimEmail
	case "picture":
		return claimPicture
	case "sub":
		return claimSub
	case "iat":
		return claimIat
	case "exp":
		return claimExp
	case "nbf":
		return claimNbf
	case "jti":
		return claimJti
	}
	return ownClaimOf(name)
}

// ownClaimOf returns the claim of ours with a member's name, or zero.
func ownClaimOf(name string) uint32 {
	switch name {
	case "sid":
		return claimSID
	case "realm":
		return claimRealm
	case "provider":
		return claimProvider
	case "user":
		return claimUser
	case "email_verified":
		return claimEmailVerified
	case "login":
		return claimLogin
	case "groups":
		return claimGroups
	case "auth_time":
		return claimAuthTime
	case "cred":
		return claimCredential
	case "deny_rules":
		return claimDenyRules
	case "mac":
		return claimMAC
	}
	return 0
}

// member reads the value of the member called name.
func (r *claimsReader) member(name string) bool {
	which := claimOf(name)
	if which == 0 {
		r.claims.foreign = true
		return r.skip(maxDepth)
	}
	if r.seen&which != 0 {
		return false
	}
	r.seen |= which
	if which&ownClaims == 0 {
		return r.standard(which)
	}
	start := r.i
	if r.own(which) {
		return true
	}
	// Whether this is wrong or another application's shows at the end.
	r.wrong = true
	r.i = start
	return r.skip(maxDepth)
}

// standard reads the value of a member that NextAuth.js knows.
func (r *claimsReader) standard(which uint32) bool {
	c := &r.claims
	switch which {
	case claimName:
		return r.textInto(&c.Name)
	case claimEmail:
		return r.textInto(&c.Email)
	case claimPicture:
		return r.textInto(&c.Picture)
	case claimSub:
		return r.stringInto(&c.Subject)
	case claimIat:
		return r.timeInto(&c.IssuedAt)
	case claimExp:
		return r.timeInto(&c.Expires)
	case claimNbf:
		return r.timeInto(&c.NotBefore)
	case claimJti:
		return r.stringInto(&c.ID)
	}
	return false
}

// own reads the value of a member of ours.
func (r *claimsReader) own(which uint32) bool {
	c := &r.claims
	switch which {
	case claimSID:
		return r.stringInto(&c.SID)
	case claimRealm:
		return r.stringInto(&c.Realm)
	case claimProvider:
		return r.stringInto(&c.Provider)
	case claimUser:
		return r.stringInto(&c.User)
	case claimEmailVerified:
		c.EmailVerified = r.word("true")
		return c.EmailVerified || r.word("false")
	case claimLogin:
		return r.stringInto(&c.Login)
	case claimGroups:
		return r.groups()
	case claimAuthTime:
		return r.timeInto(&c.AuthTime)
	case claimCredential:
		return r.stringInto(&c.Credential)
	case claimDenyRules:
		return r.stringInto(&c.DenyRules)
	case claimMAC:
		return r.stringInto(&c.MAC)
	}
	return false
}

// textInto reads a string or null.
func (r *claimsReader) textInto(t *Text) bool {
	if r.word("null") {
		*t = Null
		return true
	}
	s, ok := r.text()
	*t = TextOf(s)
	return ok
}

// stringInto reads a string.
func (r *claimsReader) stringInto(s *string) (ok bool) {
	*s, ok = r.text()
	return ok
}

// timeInto reads a number of seconds since 1970.
func (r *claimsReader) timeInto(t *time.Time) bool {
	n, ok := r.integer()
	if ok {
		*t = time.Unix(n, 0)
	}
	return ok
}

// groups reads an array of strings.
func (r *claimsReader) groups() bool {
	// A guess at their number: commas up to the first bracket. One allocation then.
	list, _, _ := strings.Cut(r.s[r.i:], "]")
	groups := make([]string, 0, 1+strings.Count(list, ","))
	ok := r.array(func() bool {
		group, ok := r.text()
		groups = append(groups, group)
		return ok
	})
	if len(groups) > 0 {
		r.claims.Groups = groups
	}
	return ok
}
