// Command presetdoc prints docs/providers.md, the page of all known providers,
// from the table in package providers.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/caddy-signin/caddy-signin/providers"
)

func main() {
	if _, err := os.Stdout.WriteString(page()); err != nil {
		fmt.Fprintln(os.Stderr, "writing the page:", err)
		os.Exit(1)
	}
}

const head = `# Providers

<!-- go generate ./providers writes this page from the table in providers/presets_*.go. -->

Every provider that NextAuth.js v4 or Auth.js v5 has by name. A line is enough:

` + "```caddyfile" + `
app.example.com {
	signin {
		discord {env.DISCORD_ID} {env.DISCORD_SECRET}
		auth0 {env.AUTH0_ID} {env.AUTH0_SECRET} {
			issuer https://example.eu.auth0.com/
		}
	}
	respond "ok"
}
` + "```" + `

**To register** at the provider: a web application with the redirect URI ` + "`<address>/api/auth/callback/<id>`" + `, where the id is the provider's name here unless an ` + "`id`" + ` line says otherwise, and the address that of the site, or the realm's ` + "`url`" + `. The client id and secret that you get go onto the line.

**What comes back**: the account's id, and as far as the provider tells them, name, address and picture (http and https addresses only: data would fill the cookie), and groups where the table says so. An address counts for ` + "`allow`" + `, gates and headers only when the provider says that it is verified.

**Public** means that anyone in the world can have an account there: without ` + "`allow`" + ` or a gate rule, anyone can come in.

Every option of a provider (docs/configuration.md) overrides what the table says. One whose endpoints are written for another host, or whose ` + "`issuer`" + ` is another, gets none of the table's endpoints.

**Otherwise than in NextAuth**, for all: state, PKCE and, with OpenID Connect, nonce are checked together, so that a code that somebody stole or planted signs nobody in, except where a row says that it leaves one out, which is logged when the configuration is loaded. NextAuth v4's presets check state alone in most cases, v5's PKCE alone. Scopes that are none of a vendor's are not sent. An address counts as verified only when the provider says so; NextAuth doesn't ask. Pictures are never fetched into the cookie. Secrets go in headers or bodies. The names of parameters that the browser may add are limited (docs/compatibility.md).

| name | options | scopes | what comes back | verified by | public |
|---|---|---|---|---|---|
`

const differences = `
## What differs from NextAuth, and what to know

| name | what differs, and why | to know |
|---|---|---|
`

const mailHead = `
## Mail services

Each sends the links of the provider ` + "`email`" + ` through a vendor's HTTP interface: ` + "`resend {env.MAIL_KEY} { from no-reply@example.com }`" + `. The id is the name here, as in Auth.js v5, and the type is ` + "`email`" + `. [providers-email.md](providers-email.md) has the options of all, and what an answer tells. ` + "`nodemailer`" + ` is ` + "`email`" + ` with that id.

For all, the name on the page is Email, not the vendor's, of whom visitors know nothing; the letter is the one of ` + "`email`" + `; answers of the vendor are never shown or logged.

| name | options | what differs |
|---|---|---|
`

const tail = `
## Not there

` + "`passkey` and `webauthn` are not supported yet. `credentials` and `email` have pages of their own: [providers-credentials.md](providers-credentials.md) and [providers-email.md](providers-email.md)." + `
`

func page() string {
	var main, more, mail strings.Builder
	for _, p := range providers.Presets() {
		fmt.Fprintf(&main, "| %s | %s | %s | %s | %s | %s |\n",
			names(p), options(p.Options), code(p.Scopes...), profile(p), verified(p), yesNo(p.Public))
		fmt.Fprintf(&more, "| `%s` | %s | %s |\n", p.Name, p.Differs, note(p))
	}
	for _, service := range providers.MailServices() {
		fmt.Fprintf(&mail, "| %s (%s) | %s | %s |\n", code(service.Name), service.Display, options(service.Options), service.Differs)
	}
	return head + main.String() + differences + more.String() + mailHead + mail.String() + tail
}

func names(p providers.PresetInfo) string {
	return fmt.Sprintf("%s (%s)", code(append([]string{p.Name}, p.Aliases...)...), p.Display)
}

func options(list []providers.PresetOption) string {
	all := make([]string, 0, len(list))
	for _, option := range list {
		text := code(option.Name)
		switch {
		case option.Required:
			text += " (required)"
		case option.Default != "":
			text += " (default " + option.Default + ")"
		}
		all = append(all, text+": "+option.Use)
	}
	return strings.Join(all, "; ")
}

func code(words ...string) string {
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "` `") + "`"
}

// profile says what is read, and where the id is: it is what rules and headers
// name a person by.
func profile(p providers.PresetInfo) string {
	parts := []string{"id from " + path(p.Profile.ID)}
	for _, part := range []struct{ name, from string }{
		{"name", p.Profile.Name}, {"address", p.Profile.Email}, {"picture", p.Profile.Image}, {"groups", p.Profile.Groups},
	} {
		if part.from != "off" {
			parts = append(parts, part.name)
		}
	}
	return strings.Join(parts, ", ")
}

func verified(p providers.PresetInfo) string {
	switch {
	case p.Profile.Email == "off":
		return "no address"
	case p.VerifiedBy == "":
		return "nothing"
	}
	return path(p.VerifiedBy)
}

// path writes alternatives so that a table holds them.
func path(s string) string {
	if strings.Contains(s, " ") {
		return s
	}
	return code(strings.Split(s, "|")...)
}

func note(p providers.PresetInfo) string {
	notes := []string{}
	if p.Note != "" {
		notes = append(notes, p.Note)
	}
	if len(p.LeftOut) > 0 {
		notes = append(notes, "Leaves out "+strings.Join(p.LeftOut, " and ")+".")
	}
	if p.FormPost {
		notes = append(notes, "Its answer is posted.")
	}
	return strings.Join(notes, " ")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
