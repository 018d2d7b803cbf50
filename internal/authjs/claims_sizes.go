package authjs

import (
	"cmp"
	"encoding/json"
	"slices"
)

// Size is how many bytes a member takes in a token's payload.
type Size struct {
	Name  string
	Bytes int
}

// Sizes returns the members of the token, the largest first: what to leave out
// of one that is too large.
func (c *Claims) Sizes() []Size {
	var members map[string]json.RawMessage
	if json.Unmarshal(c.Append(nil), &members) != nil {
		return nil // Append writes JSON
	}
	sizes := make([]Size, 0, len(members))
	for name, value := range members {
		sizes = append(sizes, Size{name, len(name) + len(value) + len(`"":,`)})
	}
	slices.SortFunc(sizes, func(a, b Size) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name))
	})
	return sizes
}
