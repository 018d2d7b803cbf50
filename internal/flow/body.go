package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Limits of a request body on the endpoints.
const (
	maxBody      = 64 << 10
	maxLogBody   = 8 << 10
	maxFields    = 100
	maxJSONDepth = 16
)

// bodyError is a body that is refused before anything is done with it.
type bodyError struct {
	status int
	reason string
}

// Error is the reason, as the client is told it.
func (b *bodyError) Error() string { return b.reason }

// fields are a request body's fields that have exactly one string value. A
// field given twice, or as anything but a string, is as if it were not given.
type fields map[string]string

// readBody reads a body of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &bodyError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes", limit)}
	case err != nil:
		return nil, &bodyError{http.StatusBadRequest, "the body ended early"}
	}
	return body, nil
}

// parseFields reads a form or a JSON object; bodies of other types, and
// compressed ones, carry no fields. values has every value of a form, for
// callers that must see repetitions.
func parseFields(r *http.Request, body []byte) (single fields, values url.Values, err error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, nil, nil
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		return parseForm(body)
	case "application/json":
		single, err = parseJSON(body)
		return single, nil, err
	default:
		return nil, nil, nil
	}
}

func parseForm(body []byte) (fields, url.Values, error) {
	if bytes.Count(body, []byte("&")) >= maxFields {
		return nil, nil, &bodyError{http.StatusBadRequest, "the form has too many fields"}
	}
	values, err := parseQuery(string(body))
	if err != nil {
		return nil, nil, &bodyError{http.StatusBadRequest, "the form is malformed"}
	}
	single := make(fields, len(values))
	for name, given := range values {
		if len(given) == 1 {
			single[name] = given[0]
		}
	}
	return single, values, nil
}

// parseQuery reads pairs of names and values, of a query or of a form. A
// semicolon in them is text, as browsers have it (WHATWG URL, section 5.1);
// net/url alone refuses such a pair. What is malformed otherwise is left out.
func parseQuery(text string) (url.Values, error) {
	values, err := url.ParseQuery(strings.ReplaceAll(text, ";", "%3B"))
	if err != nil {
		return values, fmt.Errorf("reading a query: %w", err)
	}
	return values, nil
}

var errInvalidJSON = &bodyError{http.StatusBadRequest, "Invalid JSON"}

func parseJSON(body []byte) (fields, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	if err := checkDepth(body); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return nil, errInvalidJSON
	}
	single, seen := make(fields), make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errInvalidJSON
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, errInvalidJSON
		}
		if text, ok := value.(string); ok && !seen[name] {
			single[name] = text
		} else {
			delete(single, name)
		}
		if seen[name] = true; len(seen) > maxFields {
			return nil, &bodyError{http.StatusBadRequest, "the JSON object has too many fields"}
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, errInvalidJSON
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errInvalidJSON
	}
	return single, nil
}

func checkDepth(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	for depth := 0; ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errInvalidJSON
		}
		if delim, ok := token.(json.Delim); ok {
			if delim == '{' || delim == '[' {
				depth++
			} else {
				depth--
			}
		}
		if depth > maxJSONDepth {
			return &bodyError{http.StatusBadRequest, "the JSON is nested too deeply"}
		}
	}
}
