package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

var (
	// ErrNotObject is what [ParseClaims] returns of anything but exactly one JSON object.
	ErrNotObject = errors.New("the answer is not a JSON object")
	// ErrDuplicateMember is an object, at any depth, that has two members of one name.
	ErrDuplicateMember = errors.New("an object in the answer has a member twice")
)

// Claims are the members of a JSON object, numbers as [json.Number].
type Claims map[string]any

// ParseClaims reads exactly one JSON object, in which no object has a member twice:
// readers differ in which of the two counts (RFC 8259 section 4).
func ParseClaims(body []byte) (Claims, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var c Claims
	if err := decoder.Decode(&c); err != nil || c == nil {
		return nil, ErrNotObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrNotObject
	}
	if HasDuplicateMember(body) {
		return nil, ErrDuplicateMember
	}
	return c, nil
}
