package oauth

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

func TestWhatDenyNeedsOfAListOfAddresses(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]struct{ emails, unread string }{
		`[]`: {},
		`[{"email":"a@x.example","primary":true,"verified":true}]`:                                       {},
		`[{"email":"a@x.example","primary":true,"verified":true},{"email":"B@contractor.example"}]`:      {emails: "b@contractor.example"},
		`[{"email":"a@x.example","primary":true,"verified":true},{"email":"jürgen@contractor.example"}]`: {unread: "email"},
		`[{"email":"a@x.example","primary":true,"verified":true},{"email":7}]`:                           {unread: "email"},
	} {
		var account providers.Account
		if err := pickAddress(&account, []byte(list)); err != nil {
			t.Errorf("%s: %v", list, err)
		}
		if strings.Join(account.OtherEmails, " ") != want.emails || providertest.Missing(account) != want.unread {
			t.Errorf("%s: %q, %v", list, account.OtherEmails, account.Incomplete)
		}
	}
	for _, list := range []string{`{"message":"Not Found"}`, `null`, `[1]`, `[{"email":"a@x.example","email":"b@x.example"}]`} {
		if err := pickAddress(new(providers.Account), []byte(list)); err == nil {
			t.Errorf("%s is read", list)
		}
	}
}

func TestTheAddressesKeptForDenyAreBounded(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 20_000 {
		list = append(list, `{"email":"a`+strconv.Itoa(i)+`@x.example"}`)
	}
	var account providers.Account
	if err := pickAddress(&account, []byte("["+strings.Join(list, ",")+"]")); err != nil || len(account.OtherEmails) != 100 || providertest.Missing(account) != "email" {
		t.Errorf("a list of addresses: %d, %v, %v", len(account.OtherEmails), account.Incomplete, err)
	}
}

// The authorization request passes through the visitor's address bar.
// Vendors who answer in a way of their own let honest people in.
// Microsoft lists the scopes of one resource alone, in a case of its own.
// A claim that isn't there is innocent only where the provider says that it was
// asked for.
func TestAListOfAddressesThatCantBeHadIsNoted(t *testing.T) {
	t.Parallel()
	s := providertest.New(t)
	s.Set(providertest.Behaviour{Handle: map[string]http.HandlerFunc{
		providertest.GitHubEmailsPath: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
	}})
	account, err := signInWhole(t, loadOAuth2(t, octo(s)), s)
	if err != nil || providertest.Missing(account) != "email" {
		t.Errorf("%+v, %v", account, err)
	}
}
