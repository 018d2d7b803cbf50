package pages

import (
	"net/http"
	"time"
)

// Forbidden is the 403 of a gate: signed in, but not let through.
type Forbidden struct {
	Site
	// User is who is signed in. Default: not named.
	User *User
	// SignInURL is where to choose another account. Default: the sign-in page.
	SignInURL string
	// SignOutURL is the sign-out page. Default: no such link.
	SignOutURL string
}

func (Forbidden) status() int { return http.StatusForbidden }

func (f Forbidden) content(words *catalog) content {
	c := content{Heading: fill(words.ForbiddenHeading, nil), Failed: true}
	c.add(block{Text: fill(words.ForbiddenText, values{"site": value(f.name(words))})})
	if f.User != nil {
		who := personOf(f.User, words.SignedInAs)
		if out := safeURL(f.SignOutURL); out != "" && who != nil {
			who.SignOut = &link{Label: fill(words.SignOut, nil), Href: out}
		}
		c.add(block{Person: who})
	}
	c.add(button(words.AnotherAccount, f.signIn(f.SignInURL), true))
	c.add(f.homeButton(words)...)
	return c
}

// Unauthorized is the 401 of a gate to a frame or a form: a redirect to the
// sign-in page would show it where it can't work, or lose what was sent.
// It alone may stand in a frame, of its own site; its link leaves the frame.
type Unauthorized struct {
	Site
	// SignInURL is where to sign in. Default: the sign-in page.
	SignInURL string
	// Posted says that a form was sent, and not saved.
	Posted bool
}

func (Unauthorized) status() int { return http.StatusUnauthorized }

func (u Unauthorized) content(words *catalog) content {
	c := content{Heading: fill(words.UnauthorizedHead, nil), Framed: true}
	if u.Posted {
		c.add(block{Alert: &alert{Text: fill(words.UnauthorizedSent, nil)}})
	} else {
		c.add(block{Text: fill(words.UnauthorizedText, nil)})
	}
	signIn := button(words.SignIn, u.signIn(u.SignInURL), true)
	signIn.Link.Top = true
	c.add(signIn)
	return c
}

// Unavailable is the 503 of a gate whose store is down.
type Unavailable struct {
	Site
	// RetryAfter is when to try again. Default: not told.
	RetryAfter time.Duration
	// RetryURL is the page asked for. Default: the address it is shown at.
	RetryURL string
	// Posted says that a form was sent, and not saved.
	Posted bool
}

func (Unavailable) status() int                 { return http.StatusServiceUnavailable }
func (u Unavailable) retryAfter() time.Duration { return u.RetryAfter }

func (u Unavailable) content(words *catalog) content {
	c := content{Heading: fill(words.UnavailableHead, nil), Failed: true}
	said := fill(words.UnavailableText, nil)
	if u.RetryAfter > 0 {
		said = sentences(said, fill(words.TryAgainIn, values{"time": {Text: words.duration(u.RetryAfter).Text}}))
	}
	if u.Posted {
		c.add(block{Alert: &alert{Text: fill(words.UnavailablePosted, nil)}})
	}
	c.add(block{Text: said})
	// An empty reference is the address of the page itself (RFC 3986 section 4.4).
	c.add(button(words.TryAgain, safeURL(u.RetryURL), true))
	c.add(u.homeButton(words)...)
	return c
}
