package oauth

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// query is a query string in the order of its making, a space as %20.
type query struct {
	encoded strings.Builder
	names   map[string]string // other names for parameters
}

func (q *query) add(name, value string) {
	name = cmp.Or(q.names[name], name)
	if q.encoded.Len() > 0 {
		q.encoded.WriteByte('&')
	}
	q.encoded.WriteString(escape(name) + "=" + escape(value))
}

func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// appendTo keeps the query that the endpoint has (RFC 6749 section 3.1).
func (q *query) appendTo(endpoint string) string {
	switch {
	case !strings.Contains(endpoint, "?"):
		return endpoint + "?" + q.encoded.String()
	case strings.HasSuffix(endpoint, "?"), strings.HasSuffix(endpoint, "&"):
		return endpoint + q.encoded.String()
	}
	return endpoint + "&" + q.encoded.String()
}

func set(names ...string) map[string]bool {
	members := make(map[string]bool, len(names))
	for _, name := range names {
		members[name] = true
	}
	return members
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
