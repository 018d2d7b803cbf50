package providers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// contradiction returns an error for an answer with status 200 that says itself
// that it is none, whatever else it holds: a member error that isn't empty, or
// success, ok or authenticated that is false.
func (c claims) contradiction() error {
	if saysError(c["error"]) {
		return fmt.Errorf("the answer says error beside what else it holds: %w", errContradiction)
	}
	for _, name := range []string{"success", "ok", "authenticated"} {
		if value := c[name]; value == false || value == "false" {
			return fmt.Errorf("the answer says %s false: %w", name, errContradiction)
		}
	}
	return nil
}

var errContradiction = errors.New("it counts as a refusal")

// saysError: some vendors send an error in every answer, which is empty, or an
// object with the code ok or 0, when there is none.
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
		return len(v) > 0 && (!said || code != "ok" && code != json.Number("0"))
	}
	return true
}

// hasTwins says that an object in a valid JSON text has a member twice.
func hasTwins(body []byte) bool {
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
