package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/address"
)

// Contradiction returns an error for an answer with status 200 that says itself
// that it is none, whatever else it holds: an error, a list of errors, or a flag
// of success that is false.
func (c Claims) Contradiction() error {
	for _, name := range []string{"error", "error_code", "error_description"} {
		if saysError(c[name]) {
			return fmt.Errorf("the answer says %s beside what else it holds: %w", name, errContradiction)
		}
	}
	if list, ok := c["errors"].(map[string]any); ok && len(list) > 0 || !ok && saysError(c["errors"]) {
		return fmt.Errorf("the answer says errors beside what else it holds: %w", errContradiction)
	}
	for _, name := range []string{"success", "ok", "authenticated", "active"} {
		if isFalse(c[name]) {
			return fmt.Errorf("the answer says %s false: %w", name, errContradiction)
		}
	}
	return nil
}

// isFalse accepts false, no and 0, as text in any case.
func isFalse(v any) bool {
	switch v := v.(type) {
	case bool:
		return !v
	case json.Number:
		f, err := v.Float64()
		return err == nil && f == 0
	case string:
		v = address.LowerASCII(strings.TrimSpace(v))
		return v == "false" || v == "no" || v == "0"
	}
	return false
}

var errContradiction = errors.New("it counts as a refusal")

// saysError: some vendors send an error in every answer, which is empty, or an
// object with the code ok or 0 and no message, when there is none.
func saysError(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case bool:
		return v
	case json.Number:
		return v != "0"
	case []any:
		return len(v) > 0
	case map[string]any:
		code, said := v["code"]
		return len(v) > 0 && (!said || code != "ok" && code != json.Number("0") || saysError(v["message"]))
	}
	return true
}

// HasDuplicateMember says that an object in a valid JSON text has a member twice.
func HasDuplicateMember(body []byte) bool {
	type level struct {
		names map[string]bool // nil in a list
		value bool            // a member's value is next
	}
	var levels []level
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		top := len(levels) - 1
		if token == json.Delim('}') || token == json.Delim(']') {
			levels = levels[:top]
			continue
		}
		if top >= 0 && levels[top].names != nil {
			if name, _ := token.(string); !levels[top].value {
				if levels[top].names[name] {
					return true
				}
				levels[top].names[name], levels[top].value = true, true
				continue
			}
			levels[top].value = false
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{names: make(map[string]bool)})
		case json.Delim('['):
			levels = append(levels, level{})
		}
	}
}
