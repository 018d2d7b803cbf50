package oauth

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// vendorFacts is what is known of NextAuth's providers, apart from our table:
// the columns of testdata/vendors.tsv, one line per id.
type vendorFacts map[string]string

func readVendors(t *testing.T) map[string]vendorFacts {
	t.Helper()
	raw, err := os.ReadFile("testdata/vendors.tsv")
	if err != nil {
		t.Fatal(err)
	}
	reader := csv.NewReader(bytes.NewReader(raw))
	reader.Comma, reader.LazyQuotes = '\t', true
	lines, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]vendorFacts)
	for _, line := range lines[1:] {
		facts := make(vendorFacts)
		for i, name := range lines[0] {
			facts[name] = line[i]
		}
		all[facts["id"]] = facts
	}
	if len(all) != 105 {
		t.Fatalf("%d vendors", len(all))
	}
	return all
}

// v5 returns what the column says that Auth.js v5 has otherwise.
func (f vendorFacts) v5(key string) (string, bool) {
	found := regexp.MustCompile(`(?:^|; )` + key + ` ([^;]+)`).FindStringSubmatch(f["v5"])
	if found == nil {
		return "", false
	}
	return strings.TrimSpace(found[1]), true
}

// either returns v4's value and v5's.
func (f vendorFacts) either(column, key string) []string {
	values := []string{f[column]}
	if v5, ok := f.v5(key); ok {
		values = append(values, v5)
	}
	return values
}

// quirk is what a vendor does otherwise than others, and what its people look
// like: testdata/quirks.json.
type quirk struct {
	Config           map[string]string `json:"config"`
	Authorize        string            `json:"authorize"`
	AuthorizeQuery   map[string]string `json:"authorize_query"`
	ResponseType     string            `json:"response_type"`
	ScopeSeparator   string            `json:"scope_separator"`
	Discovery        string            `json:"discovery"`
	DiscoveryQuery   map[string]string `json:"discovery_query"`
	Issuer           string            `json:"issuer"`
	TokenIssuer      string            `json:"token_issuer"`
	Token            string            `json:"token"`
	TokenMethod      string            `json:"token_method"`
	TokenQuery       map[string]string `json:"token_query"`
	TokenAnswer      map[string]any    `json:"token_answer"`
	NoTokenType      bool              `json:"no_token_type"`
	NoNonce          bool              `json:"no_nonce"`
	GrantType        string            `json:"grant_type"`
	Auth             string            `json:"auth"`
	ClientIDName     string            `json:"client_id_name"`
	ClientSecretName string            `json:"client_secret_name"`
	CodeName         string            `json:"code_name"`
	SignedSecret     map[string]string `json:"signed_secret"`
	Userinfo         string            `json:"userinfo"`
	UserinfoMethod   string            `json:"userinfo_method"`
	UserinfoJSON     bool              `json:"userinfo_json"`
	UserinfoQuery    map[string]string `json:"userinfo_query"`
	UserinfoHeaders  map[string]string `json:"userinfo_headers"`
	SignedUserinfo   string            `json:"signed_userinfo"`
	TokenIn          string            `json:"token_in"`
	IDTokenOnly      []string          `json:"id_token_only"`
	Audiences        []string          `json:"audiences"`
	Emails           string            `json:"emails"`
	VerifiedBy       string            `json:"verified_by"`
	Callback         map[string]string `json:"callback"`
	Profile          map[string]any    `json:"profile"`
	Want             map[string]any    `json:"want"`
}

func readQuirks(t *testing.T) map[string]quirk {
	t.Helper()
	raw, err := os.ReadFile("testdata/quirks.json")
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	var all map[string]quirk
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	for alias, of := range map[string]string{"microsoft-entra-id": "azure-ad"} {
		all[alias] = all[of]
	}
	return all
}

// Customers of a vendor have this issuer in the tests.
const vendorIssuer = "https://issuer.example/t/acme"

func (f vendorFacts) needsIssuer() bool {
	options := f["options"]
	return strings.HasPrefix(options, "issuer") && !strings.HasPrefix(options, "issuer optional") && !strings.Contains(options, "default")
}

// fill puts the tests' values into the places of an address.
func (f vendorFacts) fill(text string) string {
	text = regexp.MustCompile(`\{issuer=([^}]+)\}`).ReplaceAllStringFunc(text, func(place string) string {
		return strings.TrimSuffix(place[len("{issuer="):len(place)-1], "/") + "/"
	})
	text = strings.ReplaceAll(text, "{issuer}oauth", "{issuer}/oauth")
	text = strings.NewReplacer("{issuer}", vendorIssuer, "{clientId}", providertest.VendorClientID, "{accountID}", "1234567").Replace(text)
	scheme, rest, _ := strings.Cut(text, "://")
	return scheme + "://" + strings.ReplaceAll(rest, "//", "/")
}

// rowless are ids that the table has nothing for.
func rowless(f vendorFacts) bool {
	return f["kind"] == "email" || f["kind"] == "webauthn" || f["kind"] == "credentials"
}

// caddyfileOf writes a provider as a person would.
func (f vendorFacts) caddyfileOf(t *testing.T, q quirk) string {
	t.Helper()
	lines := []string{"client_id " + providertest.VendorClientID}
	if q.SignedSecret == nil {
		lines = append(lines, "client_secret "+providertest.VendorClientSecret)
	}
	if f.needsIssuer() && q.Config["issuer"] == "" {
		lines = append(lines, "issuer "+vendorIssuer)
	}
	for _, name := range slices.Sorted(maps.Keys(q.Config)) {
		value := q.Config[name]
		if name == "private_key" {
			file := filepath.Join(t.TempDir(), "key.pem")
			if err := os.WriteFile(file, []byte(testKey("EC")), 0o600); err != nil {
				t.Fatal(err)
			}
			value = "{file." + file + "}"
		}
		lines = append(lines, name+" "+value)
	}
	return f["id"] + " {\n" + strings.Join(lines, "\n") + "\n}"
}

// loadRow loads a row and has it talk to nobody but v.
func loadRow(t *testing.T, f vendorFacts, q quirk, v http.RoundTripper) (providers.Redirector, *client) {
	t.Helper()
	raw, err := providertest.Parse(f.caddyfileOf(t, q))
	if err != nil {
		t.Fatal(err)
	}
	var c config
	if err := json.Unmarshal(raw[0], &c); err != nil {
		t.Fatal(err)
	}
	kind := fmt.Sprint(c["provider"])
	delete(c, "provider")
	loaded, err := providertest.Load(t, kind, c)
	if err != nil {
		t.Fatal(err)
	}
	var of *client
	switch p := loaded.(type) {
	case *OIDC:
		of = p.client
	case *OAuth2:
		of = p.client
	}
	of.http = outgoing.Client(v)
	return loaded.(providers.Redirector), of
}

func TestEveryPresetHasAVendorWhoseFactsItIsTestedBy(t *testing.T) {
	t.Parallel()
	vendors := readVendors(t)
	for id, f := range vendors {
		if _, isRow := lookUp(id); isRow == rowless(f) {
			t.Errorf("%s: a row is there: %t", id, isRow)
		}
	}
	for _, name := range PresetNames() {
		if vendors[name] == nil {
			t.Errorf("testdata/vendors.tsv has no line for %s", name)
		}
	}
}
