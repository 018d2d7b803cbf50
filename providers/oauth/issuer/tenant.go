package issuer

import (
	"errors"
	"regexp"
	"strings"

	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// TenantPlace is where an issuer template has the tenant; a provider of many
// tenants writes its issuer so in its discovery document.
const TenantPlace = "{tenantid}"

var tenantPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// isTenantOf says that an issuer is the template itself or that of a tenant,
// whose id is a UUID.
func isTenantOf(template, issuer string) bool {
	before, after, ok := strings.Cut(template, TenantPlace)
	if !ok {
		return false
	}
	tenant, ok := strings.CutPrefix(issuer, before)
	if !ok {
		return false
	}
	tenant, ok = strings.CutSuffix(tenant, after)
	return ok && (tenant == TenantPlace || tenantPattern.MatchString(tenant))
}

// issuerOf returns the issuer that a token with these claims must name: found,
// what the discovery document says, and where that is the issuer of every
// tenant, the one of the token's own tenant (its claim tid).
func issuerOf(found string, c profile.Claims) (string, error) {
	if !strings.Contains(found, TenantPlace) {
		return found, nil
	}
	tenant, _ := c["tid"].(string)
	if !tenantPattern.MatchString(tenant) {
		return "", errors.New("its tid is not the id of a tenant")
	}
	return strings.ReplaceAll(found, TenantPlace, tenant), nil
}

// Matches compares the iss of a callback with what the discovery document says.
func Matches(found, iss string) bool {
	if strings.Contains(found, TenantPlace) {
		return iss != found && isTenantOf(found, iss)
	}
	return iss == found
}
