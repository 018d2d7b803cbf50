package authjs

import (
	"strconv"
	"time"
)

// Token is what a session token says, once it is known whose it is.
type Token struct {
	// Claims are the token's. Of one that isn't ours, the fields that are ours
	// alone are empty, whatever the token says.
	Claims Claims
	// Ours says that a gateway with one of the keys made the claims: their mac is
	// right.
	Ours bool
	// Stale says of a token that is ours that another key than the first made its
	// mac, so that it should be made anew.
	Stale bool
	// NamedSID and NamedAuthTime are the sid and the auth_time that a token names
	// which isn't ours, empty for none. Anyone may have put them there, so that
	// they must never count in the token's favour.
	NamedSID      string
	NamedAuthTime time.Time
}

// ParseToken reads the payload of a session token, as [ParseClaims] does. The
// application that shares the secret makes tokens as well, with whatever
// members it likes; so a token is ours only by its mac. In one that isn't,
// members that are called like our fields belong to that application: they may
// have any type, and nothing is read from them.
func ParseToken(payload string, keys *MACKeys) (Token, error) {
	claims, wrong, err := parseClaims(payload)
	if err != nil {
		return Token{}, err
	}
	if !wrong {
		if ours, stale := keys.verifyClaims(&claims); ours {
			return Token{Claims: claims, Ours: true, Stale: stale}, nil
		}
	}
	token := Token{NamedSID: claims.SID, NamedAuthTime: claims.AuthTime}
	claims.disown()
	token.Claims = claims
	return token, nil
}

// disown clears the fields that are ours alone.
func (c *Claims) disown() {
	c.SID, c.Realm, c.Provider, c.User, c.Login = "", "", "", "", ""
	c.EmailVerified = false
	c.Groups = nil
	c.AuthTime = time.Time{}
	c.Credential, c.DenyRules, c.MAC = "", "", ""
}

// Sign makes the claims ours: it sets their mac by the first key.
func (c *Claims) Sign(keys *MACKeys) {
	message := newMessage()
	defer message.release()
	message.claims(c)
	c.MAC = keys.sum(message)
}

func (m *MACKeys) verifyClaims(c *Claims) (ours, stale bool) {
	if c.MAC == "" {
		return false, false
	}
	message := newMessage()
	defer message.release()
	message.claims(c)
	return m.verify(message, c.MAC)
}

// claims adds who the claims say that a person is, and what they may do: all but
// iat, exp, nbf and jti, which NextAuth.js sets anew when it issues a token
// again. What is missing and what is empty is one, for JSON leaves it out, except
// where [Text] tells them apart.
func (m *macMessage) claims(c *Claims) {
	m.text(c.Name)
	m.text(c.Email)
	m.text(c.Picture)
	m.part(c.Subject)
	m.part(c.SID)
	m.part(c.Realm)
	m.part(c.Provider)
	m.part(c.User)
	if c.EmailVerified {
		m.part("true")
	} else {
		m.part("")
	}
	m.part(c.Login)
	m.number(int64(len(c.Groups)))
	for _, group := range c.Groups {
		m.part(group)
	}
	if c.AuthTime.IsZero() {
		m.part("")
	} else {
		m.number(c.AuthTime.Unix())
	}
	m.part(c.Credential)
	m.part(c.DenyRules)
}

func (m *macMessage) text(t Text) {
	switch {
	case t.Missing():
		m.part("")
	case t.IsNull():
		m.part("null")
	default:
		m.part("text")
		m.part(t.String())
	}
}

func (m *macMessage) number(n int64) {
	var digits [20]byte
	m.part(string(strconv.AppendInt(digits[:0], n, 10)))
}
