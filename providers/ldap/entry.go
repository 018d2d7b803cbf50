package ldap

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// Attributes says which attributes of a user's entry hold the parts of an
// account. Alternatives are separated by "|": the first that the entry has
// counts ("displayName|cn"), and of an attribute's several values the first.
// "off" reads nothing.
type Attributes struct {
	// The immutable identifier. "dn" takes the entry's name, which changes when
	// the entry is renamed or moved: its user then is another one.
	// Default: entryUUID|objectGUID|nsUniqueId|ipaUniqueID.
	ID string `json:"id,omitempty"`

	// The login name that upstreams see, as the directory writes it and not as
	// it was typed. Of several values the first in byte order.
	// Default: uid|sAMAccountName.
	Login string `json:"login,omitempty"`

	// The name that people read. Default: displayName|cn.
	Name string `json:"name,omitempty"`

	// The e-mail address, which counts as verified: leave it off where people
	// can change their own. Default: mail.
	Email string `json:"email,omitempty"`

	// The picture, an http or https URL. Default: off.
	Image string `json:"image,omitempty"`

	// Groups that stand in the entry itself, such as memberOf: every value is a
	// group. Default: off.
	Groups string `json:"groups,omitempty"`

	// The name of a group that group_filter finds. Default: cn.
	GroupName string `json:"group_name,omitempty"`
}

const attributeDN = "dn"

func (a Attributes) withDefaults() Attributes {
	a.ID = cmp.Or(a.ID, "entryUUID|objectGUID|nsUniqueId|ipaUniqueID")
	a.Login = cmp.Or(a.Login, "uid|sAMAccountName")
	a.Name = cmp.Or(a.Name, "displayName|cn")
	a.Email = cmp.Or(a.Email, "mail")
	a.Image = cmp.Or(a.Image, profile.Off)
	a.Groups = cmp.Or(a.Groups, profile.Off)
	a.GroupName = cmp.Or(a.GroupName, "cn")
	return a
}

// Tells implements [providers.Teller].
func (b *Backend) Tells() providers.Parts {
	attributes := b.Attributes.withDefaults()
	return providers.Parts{
		Email: attributes.Email != profile.Off, Groups: attributes.Groups != profile.Off || b.GroupBaseDN != "",
		Mend: "name group_base_dn in ldap for groups, and attributes email for the address",
	}
}

// attributeNames splits alternatives.
func attributeNames(s string) []string {
	if s == "" || s == profile.Off || s == attributeDN {
		return nil
	}
	return strings.Split(s, "|")
}

func (a Attributes) check() error {
	if a.ID == profile.Off {
		return errors.New("attributes id can't be off: without it nobody can be told from another")
	}
	if a.GroupName == profile.Off || strings.Contains(a.GroupName, "|") {
		return errors.New("attributes group_name must be one attribute, such as cn")
	}
	for _, part := range []struct{ name, value string }{
		{"id", a.ID},
		{"login", a.Login},
		{"name", a.Name},
		{"email", a.Email},
		{"image", a.Image},
		{"groups", a.Groups},
		{"group_name", a.GroupName},
	} {
		for _, name := range attributeNames(part.value) {
			if !attributePattern.MatchString(name) {
				return fmt.Errorf("attributes %s: %q is not an attribute such as mail", part.name, excerpt.Of(name))
			}
		}
	}
	return nil
}

// attributePattern is an attribute description (RFC 4512 section 2.5): a name or an
// OID, with options.
var attributePattern = regexp.MustCompile(`^[A-Za-z0-9._;-]{1,128}$`)

// names are the attributes to ask for. Operational ones, such as entryUUID,
// come only when they are named (RFC 4511 section 4.5.1.8).
func (a Attributes) names() []string {
	parts := []string{a.ID, a.Login, a.Name, a.Email, a.Image, a.Groups}
	names := make([]string, 0, 2*len(parts))
	for _, part := range parts {
		names = append(names, attributeNames(part)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// account reads an entry. What it can't do without is an error that tells what
// to configure; everything else is left out where it isn't usable.
func (a Attributes) account(entry *ldap.Entry) (providers.Account, error) {
	account := providers.Account{ID: a.id(entry)}
	if _, ok := profile.Identifier(account.ID); !ok {
		return providers.Account{}, fmt.Errorf("no usable identifier in %s: let the searcher read it, or set attributes id", a.ID)
	}
	account.Name, _ = profile.Text(firstValue(entry, a.Name))
	account.Image, _ = profile.ImageURL(firstValue(entry, a.Image))
	if email, ok := address.Normal(firstValue(entry, a.Email)); ok {
		account.Email, account.EmailVerified = email, true
	}
	for _, name := range attributeNames(a.Email) {
		for _, value := range entry.GetEqualFoldAttributeValues(name) {
			account.AddOtherEmail(value)
		}
		for _, value := range valuesWithOptions(entry, name) {
			account.AddOtherEmail(value)
		}
		if isRanged(entry, name) {
			account.AddIncomplete(providers.AttributeEmail, "the directory gives only a part of %s", name)
		}
	}
	addGroups(&account, a.Groups, valuesOf(entry, a.Groups))
	for _, name := range attributeNames(a.Groups) {
		addOtherGroups(&account, name, valuesWithOptions(entry, name))
		if isRanged(entry, name) {
			account.AddIncomplete(providers.AttributeGroups, "the directory gives only a part of %s", name)
		}
	}
	a.noteOtherNames(entry, &account)
	if a.Login == profile.Off {
		return account, nil
	}
	logins := valuesOf(entry, a.Login)
	if len(logins) == 0 {
		return providers.Account{}, fmt.Errorf("no login name in %s: let the searcher read it, or set attributes login", a.Login)
	}
	account.Login = slices.Min(logins)
	if err := providers.CheckLogin(account.Login, account.Email); err != nil {
		return providers.Account{}, fmt.Errorf("the login name in %s: %w", a.Login, err)
	}
	return account, nil
}

func (a Attributes) id(entry *ldap.Entry) string {
	if a.ID == attributeDN {
		return entry.DN
	}
	for _, name := range attributeNames(a.ID) {
		raw := entry.GetEqualFoldRawAttributeValue(name)
		switch {
		case len(raw) == 0:
		case strings.EqualFold(name, "objectGUID"):
			return formatGUID(raw)
		default:
			return string(raw)
		}
	}
	return ""
}

// formatGUID writes the 16 bytes of Active Directory's objectGUID as its own
// tools do: the first three numbers are little-endian (MS-DTYP 2.3.4.2).
func formatGUID(raw []byte) string {
	if len(raw) != 16 {
		return ""
	}
	raw = slices.Clone(raw)
	slices.Reverse(raw[0:4])
	slices.Reverse(raw[4:6])
	slices.Reverse(raw[6:8])
	return uuid.UUID(raw).String()
}

// valuesOf returns the values of the first attribute that the entry has.
func valuesOf(entry *ldap.Entry, alternatives string) []string {
	for _, name := range attributeNames(alternatives) {
		if values := entry.GetEqualFoldAttributeValues(name); len(values) > 0 {
			return values
		}
	}
	return nil
}

func firstValue(entry *ldap.Entry, alternatives string) string {
	if values := valuesOf(entry, alternatives); len(values) > 0 {
		return values[0]
	}
	return ""
}

// valuesWithOptions are the values of an attribute's variants (RFC 4512 section
// 2.5), such as mail;lang-en.
func valuesWithOptions(entry *ldap.Entry, name string) (values []string) {
	for _, a := range entry.Attributes {
		if hasOptions(a, name) {
			values = append(values, a.Values...)
		}
	}
	return values
}

func hasOptions(a *ldap.EntryAttribute, name string) bool {
	return len(a.Name) > len(name) && a.Name[len(name)] == ';' && strings.EqualFold(a.Name[:len(name)], name)
}

// noteOtherNames: an attribute that was asked for by an alias or an OID may come
// under another name (RFC 4511 section 4.5.1.8), by which we don't know it.
func (a Attributes) noteOtherNames(entry *ldap.Entry, account *providers.Account) {
	isNamed := func(one *ldap.EntryAttribute, names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(one.Name, name) || hasOptions(one, name) })
	}
	all := a.names()
	other := slices.IndexFunc(entry.Attributes, func(one *ldap.EntryAttribute) bool { return !isNamed(one, all) })
	if other < 0 {
		return
	}
	for part, alternatives := range map[providers.Attribute]string{providers.AttributeEmail: a.Email, providers.AttributeGroups: a.Groups} {
		for _, name := range attributeNames(alternatives) {
			if !slices.ContainsFunc(entry.Attributes, func(one *ldap.EntryAttribute) bool { return isNamed(one, []string{name}) }) {
				account.AddIncomplete(part, "%s doesn't come, and %s does, which may be the same: write attributes with the directory's own names", name, excerpt.Of(entry.Attributes[other].Name))
			}
		}
	}
}

// isRanged says that the directory gave a part of an attribute's values, as
// Active Directory does with long lists (MS-ADTS 3.1.1.3.1.3.3): the attribute is
// then called member;range=0-1499.
func isRanged(entry *ldap.Entry, name string) bool {
	return slices.ContainsFunc(entry.Attributes, func(a *ldap.EntryAttribute) bool {
		base, options, _ := strings.Cut(a.Name, ";")
		return strings.EqualFold(base, name) && strings.Contains(strings.ToLower(options), "range=") && !strings.HasSuffix(options, "-*")
	})
}

// addGroups adds the names, each once, and notes those that are none. It adds at most
// one group more than may be kept.
func addGroups(a *providers.Account, from string, names []string) {
	for _, name := range profile.GroupNames(a, from, names) {
		if len(a.Groups) <= providers.MaxGroups && !slices.Contains(a.Groups, name) {
			a.Groups = append(a.Groups, name)
		}
	}
}

// addOtherGroups does so with groups that count for deny alone.
func addOtherGroups(a *providers.Account, from string, names []string) {
	a.AddOtherGroups(slices.Values(profile.GroupNames(a, from, names)))
}
