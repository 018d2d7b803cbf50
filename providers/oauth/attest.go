package oauth

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/address"
	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/presets"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// standardAttestations are those of OpenID Connect; hd is Google's, and others
// copied it.
var standardAttestations = []presets.Attestation{
	{Name: paramACR, Claim: "acr"},          // Core 3.1.2.1, 2
	{Name: paramMaxAge, Claim: "auth_time"}, // Core 3.1.3.7 number 13
	{Name: "hd", Claim: "hd", CaseInsensitive: true},
}

const (
	paramACR    = "acr_values"
	paramMaxAge = "max_age"
	paramClaims = "claims"
	paramScope  = "scope"
	// anyValue is the value that [presets.Attestation.Any] is about.
	anyValue = "*"
)

// selectors are parameters by which providers of all kinds let an operator choose
// who signs in, or how. Where nothing attests them, a line at load says so.
var selectors = set(
	paramACR, "allow_signup", "connection", "connection_id", "direct_sign_in", "domain", "domain_hint", "group", "groups",
	"hd", "identity_provider", "idp", "idp_hint", "idp_id", "idp_identifier", "idphint", "kc_idp_hint", paramMaxAge,
	"org", "org_code", "org_id", "org_name", "organisation", "organization", "organization_id", "organization_name",
	"product", "provider", "realm", "require_role", "sso_provider", "team", "team_id", "tenant", "tenantId", "tenant_id",
	"vtr", "whr", "workspace", "workspace_id",
)

// restriction is what must be attested, before anybody is let in.
type restriction struct {
	presets.Attestation
	// wanted are the values, of which one must be attested.
	wanted []string
}

// restrictions are those of one provider.
type restrictions struct {
	enforced []restriction
	// unenforced are the parameters that look like a restriction, and are none.
	unenforced []string
}

// none says that the authorization request chooses nobody.
func (r restrictions) none() bool { return len(r.enforced) == 0 && len(r.unenforced) == 0 }

// closed says that not anyone in the world comes in.
func (r restrictions) closed() bool {
	return slices.ContainsFunc(r.enforced, func(one restriction) bool { return one.LimitsTenant && !slices.Contains(one.wanted, anyValue) })
}

// restrictionsOf reads what a resolved configuration asks for.
func restrictionsOf(kind string, row preset, c *ClientConfig) (restrictions, error) {
	var found restrictions
	asked := row.asked(c)
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		for _, value := range asked[name] {
			at, known := row.attested(kind, c, name, value)
			switch {
			case known && at.Claim != "":
				found.hold(at, compared(at, value))
			case !slices.Contains(found.unenforced, name) && (known || selectors[address.LowerASCII(name)] && row.Unrestricting[name] == ""):
				found.unenforced = append(found.unenforced, name)
			}
		}
	}
	if kind == kindOIDC {
		for _, value := range asked[paramClaims] {
			held, open, err := requestedClaims(value)
			if err != nil {
				return restrictions{}, err
			}
			found.enforced, found.unenforced = append(found.enforced, held...), append(found.unenforced, open...)
		}
	}
	return found, nil
}

// asked are the values of parameters, options and scopes by name.
func (row preset) asked(c *ClientConfig) map[string][]string {
	asked := map[string][]string{paramScope: c.Scopes}
	for _, option := range row.Options {
		if value := c.Options[option.Name]; value != "" || option.Default != "" {
			asked[option.Name] = []string{cmp.Or(value, option.Default)}
		}
	}
	for name, value := range c.Params {
		delete(asked, name)
		if value != "" {
			asked[name] = []string{value}
		}
	}
	var inEndpoint, inClientID url.Values
	if endpoint, err := url.Parse(c.AuthorizationEndpoint); err == nil {
		inEndpoint = endpoint.Query()
	}
	if row.ParamsInClientID {
		inClientID, _ = url.ParseQuery(c.ClientID) // what isn't a query holds none
	}
	for _, more := range []url.Values{inEndpoint, inClientID} {
		for name, values := range more {
			asked[name] = append(slices.Clone(asked[name]), values...)
		}
	}
	asked[paramACR] = strings.Fields(strings.Join(asked[paramACR], " "))
	return asked
}

// attested returns where a value is attested: as the operator says, else the row,
// else OpenID Connect.
func (row preset) attested(kind string, c *ClientConfig, name, value string) (presets.Attestation, bool) {
	list := row.Attests
	if kind == kindOIDC {
		list = slices.Concat(list, standardAttestations)
	}
	var found presets.Attestation
	i := slices.IndexFunc(list, func(one presets.Attestation) bool { return one.Name == name && strings.HasPrefix(value, one.Prefix) })
	if i >= 0 {
		found = list[i]
	}
	if at := c.Attests[name]; at != "" {
		return presets.Attestation{Name: name, Claim: at, Any: found.Any, LimitsTenant: found.LimitsTenant}, true
	}
	return found, i >= 0
}

// compared is what of a value is compared with what is attested.
func compared(at presets.Attestation, value string) string {
	if strings.HasSuffix(at.Prefix, ":") {
		return strings.TrimPrefix(value, at.Prefix)
	}
	return value
}

// hold adds a value. In a list, such as acr_values, it is an alternative to the
// others that are attested at the same place.
func (r *restrictions) hold(at presets.Attestation, value string) {
	for i := range r.enforced {
		if r.enforced[i].Attestation == at && (at.Name == paramACR || at.Name == paramScope) {
			r.enforced[i].wanted = append(r.enforced[i].wanted, value)
			return
		}
	}
	r.enforced = append(r.enforced, restriction{at, []string{value}})
}

// checkAttests refuses places that can't be read, and parameters that aren't there:
// one that is misspelt would hold nobody back.
func checkAttests(c *ClientConfig, kind string) error {
	row, _ := lookUp(c.Preset)
	asked := row.asked(c)
	for _, name := range sortedKeys(c.Attests) {
		if err := profile.CheckSources(c.Attests[name], false); err != nil || c.Attests[name] == profile.Off {
			return fmt.Errorf("attests %s must be the path of a claim, such as org_id, got %q", name, excerpt.Of(c.Attests[name]))
		}
		if len(asked[name]) == 0 {
			return fmt.Errorf("attests %s: no such parameter is sent: write params %s=<value>", name, name)
		}
	}
	for _, age := range asked[paramMaxAge] {
		if _, err := strconv.ParseUint(age, 10, 31); err != nil && !isDynamic(age) {
			return fmt.Errorf("params max_age must be a number of seconds, got %q", excerpt.Of(age))
		}
	}
	if kind == kindOIDC {
		for _, written := range asked[paramClaims] {
			if err := checkRequestedClaims(written); err != nil {
				return err
			}
		}
	}
	return nil
}

// hasValuesFor says that claims hold something about every restriction.
func (r restrictions) hasValuesFor(found profile.Claims) bool {
	return !slices.ContainsFunc(r.enforced, func(one restriction) bool { return len(one.attestedValues(found)) == 0 })
}

// check refuses a person about whom the provider attests something else
// than what is asked for, or nothing. Sources may not contradict each other.
func (r restrictions) check(logger *zap.Logger, flow providers.Flow, sources ...profile.Claims) error {
	for _, one := range r.enforced {
		var got []string
		met := false
		for _, source := range sources {
			values := one.attestedValues(source)
			if len(values) == 0 {
				continue
			}
			if got, met = values, one.isMet(values, flow.Began); !met {
				break
			}
		}
		if met {
			continue
		}
		logger.Warn("a sign-in is refused: the provider doesn't attest what an authorization parameter asks for",
			zap.String("parameter", one.Name), zap.Strings("wanted", one.wanted), zap.String("not_wanted", one.Forbidden),
			zap.String("attested_by", one.Claim), zap.Strings("got", excerpts(got)))
		return fmt.Errorf("%w: %s is not what %s asks for", providers.ErrNotAdmitted, one.Claim, one.Name)
	}
	return nil
}

// mostExcerpts is how many values of a provider one line of the log has.
const mostExcerpts = 3

// excerpts are the first few of what a provider says, for the log.
func excerpts(values []string) []string {
	short := make([]string, 0, mostExcerpts+1)
	for i, value := range values {
		if i == mostExcerpts {
			return append(short, fmt.Sprintf("and %d more", len(values)-i))
		}
		short = append(short, excerpt.Of(value))
	}
	return short
}

// attestedValues are the values at the restriction's places.
func (r restriction) attestedValues(c profile.Claims) []string {
	for _, p := range profile.ParsePaths(r.Claim) {
		if values := p.Texts(map[string]any(c)); len(values) > 0 {
			return values
		}
	}
	return nil
}

// isMet compares what is attested, which is at least one value. began is when the sign-in began, zero for now.
func (r restriction) isMet(got []string, began time.Time) bool {
	switch {
	case r.Forbidden != "":
		return !slices.Contains(got, r.Forbidden)
	case r.Name == paramMaxAge:
		return r.isRecent(got[0], began)
	case r.Any && slices.Contains(r.wanted, anyValue): // got is never empty
		return true
	}
	isWanted := func(one string) bool {
		return slices.ContainsFunc(r.wanted, func(want string) bool {
			return one == want || r.CaseInsensitive && address.LowerASCII(one) == address.LowerASCII(want)
		})
	}
	if r.Lists {
		return slices.ContainsFunc(got, isWanted)
	}
	return !slices.ContainsFunc(got, func(one string) bool { return !isWanted(one) })
}

// isRecent: the person proved who they are at most so many seconds before they
// were asked (OpenID Connect Core 3.1.2.1).
func (r restriction) isRecent(authTime string, began time.Time) bool {
	at, ok := issuer.NumericDate(json.Number(authTime))
	age, err := strconv.ParseUint(r.wanted[0], 10, 31)
	if began.IsZero() {
		began = time.Now()
	}
	return ok && err == nil && !at.Add(time.Duration(age)*time.Second).Before(began.Add(-issuer.MaxSkew))
}

// warn tells which parameters restrict nobody, though they look so.
func (r restrictions) warn(logger *zap.Logger) {
	for _, name := range r.unenforced {
		logger.Warn("an authorization parameter is no restriction: visitors can change it in the address bar, and nothing that the provider attests is compared with it. Write `attests <parameter>=<claim>` if a claim attests it, and who may come in with `allow`, such as `allow email *@example.com`",
			zap.String("parameter", name))
	}
}
