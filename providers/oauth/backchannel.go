package oauth

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/outgoing"
)

// backChannel is the way from the client to the provider itself, past the browser.
type backChannel struct {
	http *http.Client
	// names are the provider's own names for parameters.
	names map[string]string
}

// renamed returns a form with the names that the provider has for parameters.
func (b backChannel) renamed(form url.Values) url.Values {
	for _, name := range slices.Sorted(maps.Keys(b.names)) {
		if values, ok := form[name]; ok {
			delete(form, name)
			form[b.names[name]] = values
		}
	}
	return form
}

// post sends a form, under the provider's names for its parameters, and returns the answer. Its errors hold no parameter.
func (b backChannel) post(ctx context.Context, endpoint string, header http.Header, form url.Values, byGET bool) (int, []byte, error) {
	encoded := b.renamed(form).Encode()
	method, body := http.MethodPost, io.Reader(strings.NewReader(encoded))
	if byGET {
		method, body = http.MethodGet, nil
		q := query{}
		q.encoded.WriteString(encoded)
		endpoint = q.appendTo(endpoint)
	}
	req, err := http.NewRequestWithContext(ctx, method, endpoint, body)
	if err != nil {
		return 0, nil, outgoing.WithoutURL(err)
	}
	maps.Copy(req.Header, header)
	if !byGET {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return 0, nil, outgoing.WithoutURL(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the answer: %w", err)
	}
	return resp.StatusCode, answer, nil
}
