package test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// authorized lets a browser go through a sign-in whose authorization request it
// may change on its way, as anyone can in the address bar.
func (b *browser) authorized(op *providertest.Server, change func(url.Values)) answer {
	b.t.Helper()
	asked, err := url.Parse(b.begin("/app/"))
	if err != nil {
		b.t.Fatal(err)
	}
	query := asked.Query()
	if change != nil {
		change(query)
	}
	asked.RawQuery = query.Encode()
	return b.get(approve(b.t, op, asked.String()))
}

func without(scope string) func(url.Values) {
	return func(query url.Values) {
		scopes := strings.Fields(query.Get("scope"))
		query.Set("scope", strings.Join(deleted(scopes, scope), " "))
	}
}

func deleted(all []string, one string) (rest []string) {
	for _, s := range all {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}

func aliceWith(change map[string]any, gone ...string) map[string]any {
	claims := providertest.Alice()
	maps.Copy(claims, change)
	for _, name := range gone {
		delete(claims, name)
	}
	return claims
}

const asksForGroups = "{\n\tscopes openid email profile groups\n}\n"

func denySite(op *providertest.Server, deny string) string {
	site := corpSite(op, deny)
	return strings.ReplaceAll(site, op.ClientSecret+"\"\n", op.ClientSecret+"\" "+asksForGroups)
}

// What stands in the visitor's hands lifts no deny rule, and what the provider
// says and can't be read is not innocent.
func TestDenyDoesNotFailOpen(t *testing.T) {
	const email, group = "deny email *@contractor.example", "deny group contractors"
	for name, tc := range map[string]struct {
		deny      string
		behaviour providertest.Behaviour
		change    func(url.Values)
		in        bool
	}{
		"an honest person":                  {email + "\n" + group, providertest.Behaviour{Scoped: true}, nil, true},
		"who has no address and no groups":  {email + "\n" + group, providertest.Behaviour{Scoped: true, Claims: aliceWith(nil, "email", "groups")}, nil, true},
		"who is in no group":                {group, providertest.Behaviour{Claims: aliceWith(map[string]any{"groups": []any{}})}, nil, true},
		"whose address can't be read":       {"", providertest.Behaviour{Claims: aliceWith(map[string]any{"email": "jürgen@contractor.example"})}, nil, true},
		"a contractor by address":           {email, providertest.Behaviour{Claims: aliceWith(map[string]any{"email": "m@contractor.example"})}, nil, false},
		"by an address that can't be read":  {email, providertest.Behaviour{Claims: aliceWith(map[string]any{"email": "jürgen@contractor.example"})}, nil, false},
		"by one with a display name":        {email, providertest.Behaviour{Claims: aliceWith(map[string]any{"email": "M <m@contractor.example>"})}, nil, false},
		"by a group":                        {group, providertest.Behaviour{Claims: aliceWith(map[string]any{"groups": []any{"contractors"}})}, nil, false},
		"by a group with a space":           {group, providertest.Behaviour{Claims: aliceWith(map[string]any{"groups": []any{"contractors "}})}, nil, false},
		"by a number":                       {"deny group 1001", providertest.Behaviour{Claims: aliceWith(map[string]any{"groups": []any{1001}})}, nil, false},
		"by a long name":                    {"deny group CN=" + strings.Repeat("a", 300), providertest.Behaviour{Claims: aliceWith(map[string]any{"groups": []any{"CN=" + strings.Repeat("a", 300)}})}, nil, false},
		"groups that are an object":         {group, providertest.Behaviour{Claims: aliceWith(map[string]any{"groups": map[string]any{"contractors": true}})}, nil, false},
		"groups that are null":              {group, providertest.Behaviour{Claims: aliceWith(map[string]any{"groups": nil})}, nil, false},
		"too many groups for Entra":         {group, providertest.Behaviour{Scoped: true, Claims: aliceWith(map[string]any{"_claim_names": map[string]any{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "https://graph.example"}}}, "groups")}, nil, false},
		"hasgroups":                         {group, providertest.Behaviour{Scoped: true, Claims: aliceWith(map[string]any{"hasgroups": true}, "groups")}, nil, false},
		"groups taken out of scope":         {group, providertest.Behaviour{Scoped: true, Claims: aliceWith(map[string]any{"groups": []any{"contractors"}})}, without("groups"), false},
		"email taken out of scope":          {email, providertest.Behaviour{Scoped: true, Claims: aliceWith(map[string]any{"email": "m@contractor.example"})}, without("email"), false},
		"email taken out, nothing denied":   {"", providertest.Behaviour{Scoped: true}, without("email"), false},
		"groups taken out, scope not told":  {group, providertest.Behaviour{Scoped: true, TellsNoScope: true, Claims: aliceWith(map[string]any{"groups": []any{"contractors"}})}, without("groups"), false},
		"email taken out, scope not told":   {email, providertest.Behaviour{Scoped: true, TellsNoScope: true, Claims: aliceWith(map[string]any{"email": "m@contractor.example"})}, without("email"), false},
		"U+0130 doesn't make it github.com": {"allow email *@github.com", providertest.Behaviour{Claims: aliceWith(map[string]any{"email": "mallory@g\u0130thub.com"})}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			op := providertest.New(t)
			op.Set(tc.behaviour)
			b := start(t, denySite(op, tc.deny)).browser()
			if got := b.authorized(op, tc.change); b.signedIn() != tc.in {
				t.Errorf("signed in: %t, sent to %s", b.signedIn(), got.header.Get("Location"))
			}
		})
	}
}

// The log says what is missing, and why.
func TestTheLogSaysWhyDenyCantBeJudged(t *testing.T) {
	op := providertest.New(t)
	op.Set(providertest.Behaviour{Claims: aliceWith(map[string]any{"groups": []any{"st\naff", map[string]any{"name": "x"}}})})
	g := start(t, denySite(op, "deny group contractors"))
	g.browser().authorized(op, nil)
	line := g.waitForLog("about a refusal", func(line logLine) bool { return line["msg"] == "sign-in refused by allow or deny" })
	unread, _ := line["incomplete"].([]any)
	want := `groups: groups holds what is no name of a group: the name "st\\naff" of 6 bytes, an object`
	if len(unread) != 1 || unread[0] != want || !strings.Contains(line["why"].(string), "can't be judged") {
		t.Errorf("the log says %v", line)
	}
}

// A deny line that is added holds for who was judged by what their session
// doesn't have.
func TestADenyLineThatIsAddedHoldsForOldSessions(t *testing.T) {
	op := providertest.New(t)
	for address, in := range map[string]bool{"jürgen@contractor.example": false, "alice@example.com": true} {
		op.Set(providertest.Behaviour{Claims: aliceWith(map[string]any{"email": address})})
		g := start(t, denySite(op, ""))
		b := g.browser()
		if b.authorized(op, nil); !b.signedIn() {
			t.Fatalf("%s is not signed in while nothing is denied", address)
		}
		g.reload("", denySite(op, "deny email *@contractor.example"))
		if b.signedIn() != in {
			t.Errorf("%s: signed in afterwards: %t", address, !in)
		}
	}
}

// What a session says nothing of can't be judged by a deny line that is added,
// though its provider wasn't asked for it then.
func TestADenyLineThatIsAddedHoldsForWhatASessionLacks(t *testing.T) {
	op := providertest.New(t)
	op.Set(providertest.Behaviour{Scoped: true, Claims: aliceWith(map[string]any{"email": "m@contractor.example", "groups": []any{"contractors"}})})
	without := func(site, part string) string {
		return strings.ReplaceAll(site, asksForGroups, "{\n\tscopes openid profile\n\tprofile {\n\t\t"+part+" off\n\t}\n}\n")
	}
	for part, deny := range map[string]string{"groups": "deny group contractors", "email": "deny email *@contractor.example"} {
		g := start(t, without(denySite(op, ""), part))
		b := g.browser()
		if b.authorized(op, nil); !b.signedIn() {
			t.Fatalf("without %s nobody is signed in while nothing is denied", part)
		}
		g.reload("", denySite(op, deny))
		if b.signedIn() {
			t.Errorf("%s: a session without %s is judged", deny, part)
		}
	}
}

// Whoever has an account at a provider that tells no groups may take its button.
func TestADenyLineThatIsBlindAtOneProviderIsTold(t *testing.T) {
	op := providertest.New(t)
	g := start(t, strings.Replace(denySite(op, "deny group contractors"), "deny group", "github id a-client-secret\n\tdeny group", 1))
	var told []any
	for _, line := range g.logs() {
		if message, _ := line["msg"].(string); strings.HasPrefix(message, "a deny rule refuses nobody who signs in with this provider") {
			told = append(told, line["provider"])
		}
	}
	if len(told) != 1 || told[0] != "github" {
		t.Errorf("told of %v", told)
	}
}

// Values of rules are resolved when the configuration is loaded.
func TestDenyByAPlaceholder(t *testing.T) {
	op := providertest.New(t)
	op.Set(providertest.Behaviour{Claims: aliceWith(map[string]any{"groups": []any{"contractors"}})})
	t.Setenv("DENIED_GROUP", "contractors")
	g := start(t, denySite(op, "deny group {env.DENIED_GROUP}"))
	b := g.browser()
	if b.authorized(op, nil); b.signedIn() {
		t.Error("a contractor is in")
	}
	err := g.load("", denySite(op, "deny group {env.NO_SUCH_GROUP}"))
	if err == nil || !strings.Contains(err.Error(), "deny: a rule: group: {env.NO_SUCH_GROUP} is empty or can't be read") {
		t.Errorf("a placeholder without a value: %v", err)
	}
	err = g.load("", denySite(op, "deny provider {env.DENIED_GROUP}"))
	if err == nil || !strings.Contains(err.Error(), `provider "contractors" is not in this realm`) {
		t.Errorf("a placeholder for no provider: %v", err)
	}
}

// NextAuth writes addresses as its provider did, and says nothing of groups.
func TestDenyHoldsForSessionsOfNextAuth(t *testing.T) {
	op := providertest.New(t)
	for _, tc := range []struct {
		deny, email string
		in          bool
	}{
		{"deny email *@contractor.example", "alice@example.com", true},
		{"deny email *@contractor.example", "Mallory@Contractor.Example", false},
		{"deny email *@contractor.example", "jürgen@contractor.example", false},
		{"", "jürgen@contractor.example", true},
		{"deny group contractors", "alice@example.com", false},
		{"deny email *@contractor.example", "", false}, // the visitor may have kept it back
	} {
		g := start(t, denySite(op, tc.deny))
		token := sealJSON(t, secret, `{"sub":"1","email":"`+tc.email+`","iat":`+unix(-60)+`,"exp":`+unix(3600)+`,"jti":"x"}`)
		if b := g.browser().withToken(token); b.signedIn() != tc.in {
			t.Errorf("%s, %s: signed in: %t", tc.deny, tc.email, !tc.in)
		}
	}
}
