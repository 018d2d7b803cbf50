package providers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

var (
	errNotObject       = errors.New("the answer is not a JSON object")
	errDuplicateMember = errors.New("an object in the answer has a member twice")
)

// claims are the members of a JSON object, numbers as [json.Number].
type claims map[string]any

// parseClaims reads exactly one JSON object, in which no object has a member twice:
// readers differ in which of the two counts (RFC 8259 section 4).
func parseClaims(body []byte) (claims, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var c claims
	if err := decoder.Decode(&c); err != nil || c == nil {
		return nil, errNotObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	if hasDuplicateMember(body) {
		return nil, errDuplicateMember
	}
	return c, nil
}
