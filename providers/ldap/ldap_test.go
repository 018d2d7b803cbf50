package ldap

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestLDAPConfigurationsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := config{"urls": []string{"ldaps://ldap.example.com"}, "base_dn": "dc=example,dc=com"}
	for name, tc := range map[string]struct {
		change config
		want   string
	}{
		"no URL":                         {config{"urls": []string{""}}, "ldap must be a URL such as ldaps://ldap.example.com"},
		"another scheme":                 {config{"urls": []string{"https://ldap.example.com"}}, "ldap must be a URL"},
		"a base in the URL":              {config{"urls": []string{"ldaps://ldap.example.com/dc=example"}}, "must end after the host"},
		"a password in the URL":          {config{"urls": []string{"ldaps://u:p@ldap.example.com"}}, "must end after the host"},
		"clear text":                     {config{"urls": []string{"ldap://ldap.example.com"}}, "ldap:// sends passwords in clear text: write ldaps://, or add start_tls"},
		"no base":                        {config{"base_dn": ""}, "base_dn is missing"},
		"a base that is none":            {config{"base_dn": "people"}, `base_dn "people" is not a distinguished name`},
		"a reader without a password":    {config{"bind_dn": "cn=reader,dc=example"}, "bind_dn and bind_password go together"},
		"a password without a reader":    {config{"bind_password": "x"}, "bind_dn and bind_password go together"},
		"a reader's password not set":    {config{"bind_dn": "cn=reader,dc=example", "bind_password": "{env.NO_SUCH}"}, "bind_password: {env.NO_SUCH} is empty"},
		"a filter for nobody":            {config{"user_filter": "(uid=alice)"}, "user_filter (uid=alice) must hold {username}"},
		"a filter with another name":     {config{"user_filter": "(uid={user})"}, "must hold {username}"},
		"a filter that is none":          {config{"user_filter": "uid={username}"}, "is not a filter such as (uid={username})"},
		"a filter that lets names in":    {config{"user_filter": "({username}=x)"}, "must hold {username} after an ="},
		"a whole filter that is typed":   {config{"user_filter": "{username}"}, "must hold {username} after an ="},
		"groups nowhere":                 {config{"group_filter": "(member={dn})"}, "group_filter needs group_base_dn"},
		"a group filter for nobody":      {config{"group_base_dn": "dc=x", "group_filter": "(cn=*)"}, "must hold {dn} or {username}"},
		"groups by a login that is off":  {config{"group_base_dn": "dc=x", "group_filter": "(memberUid={username})", "attributes": config{"login": "off"}}, "there is no login name to put in"},
		"an id that is off":              {config{"attributes": config{"id": "off"}}, "attributes id can't be off"},
		"an attribute that is none":      {config{"attributes": config{"email": "mail)(x"}}, "attributes email:"},
		"a group name from two places":   {config{"attributes": config{"group_name": "cn|ou"}}, "group_name must be one attribute"},
		"very many connections":          {config{"max_connections": 1000}, "max_connections must be 1 to 256"},
		"a trust pool that there's none": {config{"tls_trust_pool": config{"provider": "file", "pem_files": []string{"/nowhere.pem"}}}, "tls_trust_pool"},
	} {
		_, err := openLDAP(t, good.With(tc.change))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, tc.want)
		}
	}
	for name, change := range map[string]config{
		"all by default":               {},
		"start_tls over TLS":           {"start_tls": true},
		"start_tls":                    {"urls": []string{"ldap://ldap.example.com"}, "start_tls": true},
		"loopback":                     {"urls": []string{"ldap://127.0.0.1:3890"}},
		"insecure by choice":           {"urls": []string{"ldap://ldap.example.com"}, "insecure_ldap": true},
		"a reader of Active Directory": {"bind_dn": "EXAMPLE\\reader", "bind_password": "x"},
		"nested groups":                {"group_base_dn": "dc=x", "group_filter": "(member:1.2.840.113556.1.4.1941:={dn})"},
		"several attributes":           {"user_filter": "(&(objectClass=person)(|(uid={username})(mail={username})))"},
	} {
		if _, err := openLDAP(t, good.With(change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What was typed can't leave its place in a filter (RFC 4515 section 3), and is
// not looked through for placeholders.
func TestFiltersKeepValuesInTheirPlace(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"alice":          `(&(uid=alice)(o=x))`,
		"*":              `(&(uid=\2a)(o=x))`,
		"*)(uid=*":       `(&(uid=\2a\29\28uid=\2a)(o=x))`,
		`a\b`:            `(&(uid=a\5cb)(o=x))`,
		"{dn}{username}": `(&(uid={dn}{username})(o=x))`,
		"a\x00b":         `(&(uid=a\00b)(o=x))`,
		"Zoë":            `(&(uid=Zo\c3\ab)(o=x))`,
	} {
		got := fillFilter("(&(uid={username})(o={dn}))", placeholderUsername, typed, placeholderDN, "x")
		if got != want {
			t.Errorf("%q: %s, want %s", typed, got, want)
		}
		if _, err := ldap.CompileFilter(got); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func FuzzFillFilter(f *testing.F) {
	f.Add("*)(uid=*")
	f.Add("{username}")
	f.Fuzz(func(t *testing.T, typed string) {
		packet, err := ldap.CompileFilter(fillFilter("(uid={username})", placeholderUsername, typed))
		if err != nil {
			t.Fatal(err)
		}
		if packet.Tag != ldap.FilterEqualityMatch || len(packet.Children) != 2 || string(packet.Children[1].ByteValue) != typed && packet.Children[1].Data.String() != typed {
			t.Errorf("%q became %s", typed, packet.Children[1].Data)
		}
	})
}

func TestEntriesOfAnActiveDirectory(t *testing.T) {
	t.Parallel()
	guid := "\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
	entry := ldap.NewEntry("CN=Alice,DC=example,DC=com", map[string][]string{
		"objectGUID": {guid}, "sAMAccountName": {"alice"}, "displayName": {" Alice\x07 Example "},
		"mail": {"not an address"}, "memberOf": {"CN=Admins,DC=example,DC=com", "", "CN=Admins,DC=example,DC=com"},
	})
	account, err := Attributes{Groups: "memberOf"}.withDefaults().account(entry)
	if err != nil {
		t.Fatal(err)
	}
	if account.ID != "00112233-4455-6677-8899-aabbccddeeff" || account.Login != "alice" || account.Name != "Alice  Example" ||
		account.Email != "" || account.EmailVerified || len(account.Groups) != 1 || account.Groups[0] != "CN=Admins,DC=example,DC=com" {
		t.Errorf("%+v", account)
	}
	short := ldap.NewEntry("CN=Bob,DC=example,DC=com", map[string][]string{"objectGUID": {"short"}})
	if _, err := (Attributes{}).withDefaults().account(short); err == nil {
		t.Error("a GUID that is none makes an account")
	}
}

func TestLDAPPasswordsDontShowInTheConfiguration(t *testing.T) {
	t.Setenv("LDAP_PASSWORD", "the reader's password")
	written := Backend{
		URLs: []string{"ldaps://ldap.example.com"}, BaseDN: "dc=example,dc=com", BindDN: "cn=reader", BindPassword: "{env.LDAP_PASSWORD}",
	}
	resolved, err := written.resolve()
	if err != nil {
		t.Fatal(err)
	}
	if written.BindPassword != "{env.LDAP_PASSWORD}" {
		t.Errorf("bind_password is %q", written.BindPassword)
	}
	if got := resolved.BindPassword; got != "the reader's password" {
		t.Errorf("the reader binds with %q", got)
	}
}

func TestWhatDenyNeedsOfAnEntry(t *testing.T) {
	t.Parallel()
	long := "CN=" + strings.Repeat("a", 300) + ",DC=example,DC=com"
	for name, tc := range map[string]struct {
		attributes             map[string][]string
		groups, emails, unread string
	}{
		"one address":               {attributes: map[string][]string{"mail": {"a@x.example"}}},
		"a second address":          {attributes: map[string][]string{"mail": {"a@x.example", "M@contractor.example"}}, emails: "m@contractor.example"},
		"one that can't be read":    {attributes: map[string][]string{"mail": {"a@x.example", "jürgen@contractor.example"}}, unread: "email"},
		"a group of 300 bytes":      {attributes: map[string][]string{"memberOf": {long}}, groups: long},
		"a group with a space":      {attributes: map[string][]string{"memberOf": {"staff "}}, groups: "staff "},
		"a group of bytes":          {attributes: map[string][]string{"memberOf": {"\xff\xfe"}}, unread: "groups"},
		"a range of groups":         {attributes: map[string][]string{"memberOf": nil, "memberOf;range=0-1499": {"staff"}}, unread: "groups"},
		"a range in another case":   {attributes: map[string][]string{"MEMBEROF;Range=0-1499": {"staff"}}, unread: "groups"},
		"a range of addresses":      {attributes: map[string][]string{"mail;range=0-1499": {"a@x.example"}}, emails: "a@x.example", unread: "email"},
		"an address with an option": {attributes: map[string][]string{"MAIL;lang-en": {"a@x.example"}}, emails: "a@x.example"},
		"another name":              {attributes: map[string][]string{"email": {"a@x.example"}, "memberOf": {"staff"}}, groups: "staff", unread: "email"},
		"a range of something else": {attributes: map[string][]string{"displayName;range=0-1499": {"x"}}},
	} {
		attributes := map[string][]string{"uid": {"alice"}, "entryUUID": {"1"}}
		maps.Copy(attributes, tc.attributes)
		account, err := Attributes{Groups: "memberOf"}.withDefaults().account(ldap.NewEntry("uid=alice", attributes))
		if err != nil || strings.Join(account.Groups, "|") != tc.groups || strings.Join(account.OtherEmails, " ") != tc.emails || providertest.Missing(account) != tc.unread {
			t.Errorf("%s: %+v, %v", name, account, err)
		}
	}
}

// A server may take a password and say beside it that it doesn't count.
func TestAPolicyErrorBesideASuccessfulBind(t *testing.T) {
	t.Parallel()
	policy := func(code int8) ldap.Control {
		control := ldap.NewControlBeheraPasswordPolicy()
		control.Error = code
		return control
	}
	for _, tc := range []struct {
		control ldap.Control
		refused bool
	}{
		{policy(-1), false},
		{policy(0), true},
		{policy(1), true},
		{policy(2), true},
		{&ldap.ControlVChuPasswordMustChange{MustChange: true}, true},
		{&ldap.ControlVChuPasswordWarning{Expire: 1}, false},
	} {
		if got := policyError([]ldap.Control{tc.control}); (got != "") != tc.refused {
			t.Errorf("%s: %q", tc.control, got)
		}
	}
}

// A directory may send megabytes of groups and addresses.
func TestWhatIsKeptOfAnEntryIsBounded(t *testing.T) {
	t.Parallel()
	const many = 20_000
	values := make([]string, many)
	for i := range values {
		values[i] = "g" + strconv.Itoa(i)
	}
	mails := make([]string, many)
	for i := range mails {
		mails[i] = values[i] + "@x.example"
	}
	entry := ldap.NewEntry("uid=a", map[string][]string{"uid": {"a"}, "entryUUID": {"1"}, "memberOf": values, "mail": mails})
	account, err := Attributes{Groups: "memberOf"}.withDefaults().account(entry)
	if err != nil || len(account.Groups) != providers.MaxGroups+1 || len(account.OtherEmails) != 100 || len(account.Incomplete) != 1 {
		t.Errorf("%d groups, %d addresses, unread %v, %v", len(account.Groups), len(account.OtherEmails), account.Incomplete, err)
	}
	account = providers.Account{}
	account.AddOtherGroups(slices.Values(values))
	if len(account.OtherGroups) != 500 || len(account.Incomplete) != 1 {
		t.Errorf("%d further groups, unread %v", len(account.OtherGroups), account.Incomplete)
	}
}
