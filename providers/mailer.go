package providers

import (
	"context"
	"strconv"
	"time"
)

// Mailer is a provider that signs in by a link that it mails. What the link
// holds, how long it is remembered and who may have one is the caller's.
type Mailer interface {
	Provider
	// LinkLife is how long a link works.
	LinkLife() time.Duration
	// Confirms says that opening a link shows a button, which spends it.
	Confirms() bool
	// Limits are how many links may be asked for.
	Limits() MailLimits
	// Offer asks whether the mail server takes a message now to address, a plain one
	// in lower case. It does the same for every address, so that neither its time nor
	// its answer tells whether a message will follow.
	Offer(ctx context.Context, address string) (Offer, error)
}

// Offer is a mail server that waits for a message. Exactly one of its methods
// is called, once, from any goroutine; each takes its own time.
type Offer interface {
	// Send hands the message with the link over.
	Send(ctx context.Context, link Link) error
	// Withdraw ends the offer without a message.
	Withdraw()
}

// Link is what a mail tells: the fields that its templates have.
type Link struct {
	// Site is the site's name: its host, with a port that is not the default one.
	Site string
	// Address is who the link signs in.
	Address string
	// URL is the link.
	URL string
	// HomeURL is the site's address.
	HomeURL string
	// Requested is when the link was asked for.
	Requested time.Time
	// ClientIP is where from, as Caddy knows it. It may be empty.
	ClientIP string
	// Browser is what with, in a few fixed words such as "Firefox on Linux".
	// It may be empty.
	Browser string
	// Life is how long the link works.
	Life time.Duration
}

// When is Requested as people read it, in UTC.
func (l Link) When() string { return l.Requested.UTC().Format("2 January 2006, 15:04 UTC") }

// Within is Life in words, never more than it is: "30 minutes".
func (l Link) Within() string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := int(l.Life / unit.length); n > 0 && (l.Life%unit.length == 0 || n >= 3) {
			if n == 1 {
				return "1 " + unit.name
			}
			return strconv.Itoa(n) + " " + unit.name + "s"
		}
	}
	return "1 second"
}

// Budget is how many of something are allowed in a span of time that begins with the
// first of them.
type Budget struct {
	// Most is how many; 0 allows none.
	Most int
	// Per is how long the span is.
	Per time.Duration
}

// MailLimits are how many links may be asked for. What is asked beyond them is
// answered as ever, and nothing is mailed. The counts are the realm's: all its
// e-mail providers share them.
type MailLimits struct {
	// Address is per address that a link goes to, Client per client address (an IPv6
	// one counts by its /64), and Total altogether.
	Address, Client, Total Budget
}
