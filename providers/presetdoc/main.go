// Command presetdoc writes what the documentation says of all known providers,
// from the files of package presets: the page docs/providers.md, and in
// docs/compatibility.md the part between two marks. Its argument is the folder.
package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddy-signin/caddy-signin/providers/email"
	"github.com/caddy-signin/caddy-signin/providers/oauth"
)

const (
	providersPage     = "providers.md"
	compatibilityPage = "compatibility.md"

	begin = "<!-- From here on go generate ./providers writes, from the files in providers/presets. -->\n"
	end   = "<!-- Up to here. -->\n"
)

func main() {
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "presetdoc:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	if err := os.WriteFile(filepath.Join(folder, providersPage), []byte(page()), 0o644); err != nil { //nolint:gosec // everybody reads it
		return fmt.Errorf("writing the page: %w", err)
	}
	path := filepath.Join(folder, compatibilityPage)
	old, err := os.ReadFile(path) //nolint:gosec // below the folder that was asked for
	if err != nil {
		return fmt.Errorf("reading what stands around the table: %w", err)
	}
	filled, err := fill(string(old))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(filled), 0o644) //nolint:gosec,wrapcheck // everybody reads it; it names the file
}

var errNoMarks = fmt.Errorf("it needs these lines:\n%s%s", begin, end)

// fill returns the page of differences with the table between its marks.
func fill(text string) (string, error) {
	before, rest, found := strings.Cut(text, begin)
	_, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		return "", errNoMarks
	}
	return before + begin + differences() + end + after, nil
}

const head = `# Providers

<!-- go generate ./providers writes this page from the files in providers/presets. -->

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

**What comes back**: the account's id, and as far as the provider tells them, name, address and picture (http and https addresses only: data would fill the cookie), and groups where the table says so. An address counts for ` + "`allow`" + `, gates and headers only when the provider says that it is verified. A sign-in whose token answer grants less than the scopes that were asked for is refused.

**Public** means that anyone in the world can have an account there: without ` + "`allow`" + ` or a gate rule, anyone can come in.

Every option of a provider (docs/configuration.md) overrides what the table says. One whose endpoints are written for another host, or whose ` + "`issuer`" + ` is another, gets none of the table's endpoints.

What differs from NextAuth, for all and for each, is in [compatibility.md](compatibility.md#provider-by-provider).

| name | options | scopes | what comes back | verified by | public |
|---|---|---|---|---|---|
`

const restrictionsHead = `
## Options and parameters that restrict who comes in

The request goes through the visitor's address bar, so an option or parameter (` + "`params`" + `) restricts nobody by being sent: what comes back is compared with it. If the provider attests something else, or nothing, the sign-in is refused with ` + "`AccessDenied`" + `, and the log says what was wanted and what came. At every provider of OpenID Connect ` + "`acr_values`" + ` is compared with ` + "`acr`" + ` (one of the values must be there), ` + "`max_age`" + ` with ` + "`auth_time`" + `, ` + "`hd`" + ` with ` + "`hd`" + ` (in any case), and the values of ` + "`claims`" + ` with those claims (a value that is an object or a list is refused when the configuration is loaded); elsewhere, and for all other parameters, ` + "`attests <parameter>=<path>`" + ` says where to look. A claim that is a list must hold nothing else, unless the preset's is a list of memberships. A parameter that looks like a restriction and that nothing is compared with, such as ` + "`kc_idp_hint`" + ` or the ` + "`connection`" + ` of Auth0, is told of when the configuration is loaded: it is none, so write ` + "`allow`" + `. Where the provider offers pushed requests (RFC 9126), such parameters are sent so.

What the table has of its own:

`

const notesHead = `
## To know

| name | to know |
|---|---|
`

const differencesHead = `
| name | what differs, and why |
|---|---|
`

const mailHead = `
## Mail services

Each sends the links of the provider ` + "`email`" + ` through a vendor's HTTP interface: ` + "`resend {env.MAIL_KEY} { from no-reply@example.com }`" + `. The id is the name here, as in Auth.js v5, and the type is ` + "`email`" + `. [providers-email.md](providers-email.md) has the options of all, and what an answer tells. ` + "`nodemailer`" + ` is ` + "`email`" + ` with that id.

For all, the name on the page is Email, not the vendor's, of whom visitors know nothing; the letter is the one of ` + "`email`" + `; answers of the vendor are never shown or logged.

| name | options |
|---|---|
`

const tail = `
## Not there

` + "`passkey` and `webauthn` are not supported yet. `credentials` and `email` have pages of their own: [providers-credentials.md](providers-credentials.md) and [providers-email.md](providers-email.md)." + `
`

func page() string {
	var main, restrictions, notes, mail strings.Builder
	for _, p := range oauth.Presets() {
		fmt.Fprintf(&main, "| %s | %s | %s | %s | %s | %s |\n",
			names(p), options(p.Options), code(p.Scopes...), profile(p), verified(p), yesNo(p.Public))
		if len(p.Restrictions) > 0 {
			fmt.Fprintf(&restrictions, "- `%s`: %s.\n", p.Name, compared(p.Restrictions))
		}
		if text := note(p); text != "" {
			fmt.Fprintf(&notes, "| `%s` | %s |\n", p.Name, text)
		}
	}
	for _, service := range email.Services() {
		fmt.Fprintf(&mail, "| %s (%s) | %s |\n", code(service.Name), service.Display, options(optionsOf(service)))
	}
	return head + main.String() + notesHead + notes.String() + restrictionsHead + restrictions.String() + mailHead + mail.String() + tail
}

func optionsOf(service email.ServiceInfo) (list []oauth.PresetOption) {
	for _, option := range service.Options {
		list = append(list, oauth.PresetOption(option))
	}
	return list
}

func differences() string {
	var table strings.Builder
	table.WriteString(differencesHead)
	for _, p := range oauth.Presets() {
		fmt.Fprintf(&table, "| %s | %s |\n", code(append([]string{p.Name}, p.Aliases...)...), p.Differs)
	}
	for _, service := range email.Services() {
		fmt.Fprintf(&table, "| %s | %s |\n", code(service.Name), cmp.Or(service.Differs, nothing))
	}
	return table.String() + "\n"
}

const nothing = "Nothing beyond what holds for all."

func names(p oauth.PresetInfo) string {
	return fmt.Sprintf("%s (%s)", code(append([]string{p.Name}, p.Aliases...)...), p.Display)
}

func options(list []oauth.PresetOption) string {
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
func profile(p oauth.PresetInfo) string {
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

func verified(p oauth.PresetInfo) string {
	switch {
	case p.Profile.Email == "off":
		return "no address"
	case p.VerifiedBy == "":
		return "nothing"
	}
	return path(p.VerifiedBy)
}

func compared(list []oauth.PresetRestriction) string {
	all := make([]string, 0, len(list))
	for _, one := range list {
		text := code(one.Name)
		if one.Prefix != "" {
			text = code(one.Name + "=" + one.Prefix + "…")
		}
		switch {
		case one.Not != "":
			text += ": " + code(one.At) + " must not be " + code(one.Not)
		case one.At != "":
			text += " with " + strings.Join(strings.Split("`"+one.At+"`", "|"), "`, else `")
			if one.Any {
				text += ", of which `*` asks for any"
			}
		case one.Why != "":
			text += " with nothing, for " + one.Why
		default:
			text += " with nothing: no restriction"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// path writes alternatives so that a table holds them.
func path(s string) string {
	if strings.Contains(s, " ") {
		return s
	}
	return code(strings.Split(s, "|")...)
}

func note(p oauth.PresetInfo) string {
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
