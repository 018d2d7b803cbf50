package session

import (
	"fmt"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

// leaveOut is what keeps a part of a profile out of the session.
var leaveOut = map[string]string{
	"groups":  "groups off, or have the provider send fewer",
	"name":    "name off",
	"picture": "image off",
	"email":   "email off",
}

// mostShown is how many parts of a session that is too large are told.
const mostShown = 3

// Oversize tells of a session that is too large which parts are the largest, and
// what to write in the provider's block to leave them out.
func Oversize(claims authjs.Claims) (largest, advice string) {
	var parts, lines []string
	for _, part := range claims.Sizes() {
		option, known := leaveOut[part.Name]
		if len(parts) == mostShown {
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%d bytes)", part.Name, part.Bytes))
		if known && part.Bytes > oversizePart {
			lines = append(lines, option)
		}
	}
	if len(lines) == 0 {
		return strings.Join(parts, ", "), "set `strategy database` in the session block"
	}
	return strings.Join(parts, ", "), "write `profile { … }` in the provider's block with " + strings.Join(lines, "; ") + "; or set `strategy database` in the session block"
}

// oversizePart is from which size on leaving a part out helps.
const oversizePart = 1 << 10
