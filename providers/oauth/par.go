package oauth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"go.uber.org/zap"

	"github.com/caddy-signin/caddy-signin/internal/excerpt"
	"github.com/caddy-signin/caddy-signin/providers"
	"github.com/caddy-signin/caddy-signin/providers/oauth/issuer"
	"github.com/caddy-signin/caddy-signin/providers/profile"
)

// discovered is the word for the endpoint that the discovery document names.
const discovered = "discovered"

// pushEndpoint returns where the authorization request goes first, empty for
// nowhere: what is configured, else what the provider demands (RFC 9126 section 5),
// or offers, where the request chooses who comes in or asks for claims.
func (a authorizer) pushEndpoint(m issuer.Metadata) (string, error) {
	switch configured := a.config.PushedAuthorizationRequestEndpoint; configured {
	case profile.Off:
		return "", nil
	case "":
		if !m.RequiresPAR && (m.PAREndpoint == "" || a.restrictions.none() && a.config.Params[paramClaims] == "") {
			return "", nil
		}
	case discovered:
	default:
		return configured, nil
	}
	if m.PAREndpoint == "" {
		return "", errors.New("the discovery document names no pushed_authorization_request_endpoint: set it to its URL or to off")
	}
	return m.PAREndpoint, nil
}

// exposesClaims says that the parameter claims, which asks for more than scopes do
// (OpenID Connect Core 5.5), goes through the visitor's address bar. What stands in
// the endpoint's query, in the client id, or comes from a script, is never pushed.
func (a authorizer) exposesClaims(m issuer.Metadata) bool {
	if slices.Contains(a.config.AllowParams, paramClaims) {
		return true
	}
	asked := len(a.row.asked(&a.config)[paramClaims])
	if endpoint, err := url.Parse(m.AuthorizationEndpoint); err == nil {
		asked += len(endpoint.Query()[paramClaims]) // a discovered one has a query, too
	}
	if a.config.Params[paramClaims] == "" || asked > 1 {
		return asked > 0
	}
	endpoint, err := a.pushEndpoint(m)
	return err != nil || endpoint == ""
}

// begin returns the URL of the authorization request; m holds the endpoints.
func (a authorizer) begin(ctx context.Context, m issuer.Metadata, flow providers.Flow, extra url.Values) (string, error) {
	request := a.request(flow, withoutFixed(extra, m.AuthorizationEndpoint))
	endpoint, err := a.pushEndpoint(m)
	if err != nil {
		return "", err
	}
	if endpoint == "" {
		return request.appendTo(m.AuthorizationEndpoint), nil
	}
	requestURI, err := a.push(ctx, endpoint, m.TokenEndpoint, request)
	if err != nil {
		return "", fmt.Errorf("pushing the authorization request (pushed_authorization_request_endpoint): %w", err)
	}
	reference := &query{names: a.config.ParamNames}
	reference.add("client_id", a.config.ClientID)
	reference.add("request_uri", requestURI)
	return reference.appendTo(m.AuthorizationEndpoint), nil
}

// withoutFixed leaves out what the endpoint's own query sets.
func withoutFixed(extra url.Values, endpoint string) url.Values {
	u, err := url.Parse(endpoint)
	if err != nil || u.RawQuery == "" {
		return extra
	}
	left := maps.Clone(extra)
	for name := range u.Query() {
		delete(left, name)
	}
	return left
}

// push sends the parameters to the provider itself and returns the reference
// to them (RFC 9126 section 2).
func (a authorizer) push(ctx context.Context, endpoint, tokenEndpoint string, request *query) (string, error) {
	form, err := url.ParseQuery(request.encoded.String())
	if err != nil {
		return "", fmt.Errorf("reading its parameters: %w", err)
	}
	header := make(http.Header)
	if err := (clientAuth{a.registration}).authenticate(header, form, tokenEndpoint); err != nil {
		return "", err
	}
	status, body, err := backChannel{a.http, a.config.ParamNames}.post(ctx, endpoint, header, form, false)
	if err != nil {
		return "", err
	}
	answer, err := profile.ParseClaims(body)
	if status != http.StatusCreated && status != http.StatusOK {
		code, _ := answer["error"].(string)
		description, _ := answer["error_description"].(string)
		a.logger.Debug("the provider refused a pushed request", zap.Int("status", status),
			zap.String("error", excerpt.Of(code)), zap.String("error_description", excerpt.Of(description)))
		if meaning, known := tokenErrors[code]; known {
			return "", fmt.Errorf("the provider answered %s: %s", code, meaning)
		}
		return "", fmt.Errorf("the provider answered with status %d; the debug log has its words", status)
	}
	if err == nil {
		err = answer.Contradiction()
	}
	if err != nil {
		return "", err
	}
	reference, _ := answer["request_uri"].(string)
	if !isParamValue(reference) {
		return "", errors.New("the provider's answer has no request_uri")
	}
	return reference, nil
}
