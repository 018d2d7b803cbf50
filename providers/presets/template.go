package presets

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// place is a name in a template.
var place = regexp.MustCompile(`\{([A-Za-z_][A-Za-z0-9_.]*)\}`)

// answered begins the names of values of the token endpoint's answer.
const answered = "token_response."

// The sets of names that a template may hold.
const (
	ofOptions  = "options" // and the client id
	ofIssuer   = "issuer"  // and those of options
	ofTenant   = "tenant"  // and those of an issuer
	ofUserinfo = "userinfo"
	anyName    = "any"
)

// templates are the keys in whose texts names are replaced, by path, and which names.
// In others a name in braces is a mistake, unless they are prose.
var templates = map[string]string{
	"hosts":                            ofIssuer,
	"signed_secret.issuer":             ofIssuer,
	"config.issuer":                    ofOptions,
	"config.issuer_template":           ofTenant,
	"config.discovery_endpoint":        ofIssuer,
	"config.discovery_params":          ofIssuer,
	"config.authorization_endpoint":    ofIssuer,
	"config.token_endpoint":            ofIssuer,
	"config.client_assertion_audience": ofIssuer,
	"config.scopes":                    ofIssuer,
	"config.params":                    ofIssuer,
	"config.userinfo_endpoint":         ofUserinfo,
	"config.userinfo_params":           ofUserinfo,
	"config.userinfo_headers":          ofUserinfo,
	"config.profile.image":             anyName, // paths of claims
	"options":                          anyName,
	"why":                              anyName,
	"differs":                          anyName,
	"note":                             anyName,
}

// templateNames are the names that templates may hold, by set.
func (p *Preset) templateNames() map[string][]string {
	names := []string{"client_id"}
	for _, option := range p.Options {
		names = append(names, option.stands()...)
	}
	sets := map[string][]string{ofOptions: slices.Clone(names)}
	if p.Config.Issuer != "" || p.IssuerExample != "" {
		names = append(names, "issuer")
	}
	sets[ofIssuer] = names
	sets[ofTenant] = append(slices.Clone(names), "tenantid")
	sets[ofUserinfo] = append(slices.Clone(names), "access_token")
	return sets
}

// checkText checks a text of the file, whose key has this path, and marks the names
// that it uses.
func (p *Preset) checkText(path, text string, names map[string][]string, used map[string]bool) error {
	if values, ok := enumerations[path]; ok && !slices.Contains(values, text) {
		return fmt.Errorf("%s is %q, not one of %s", path, text, strings.Join(values, ", "))
	}
	set := templateSet(path)
	for _, found := range place.FindAllStringSubmatch(text, -1) {
		name := found[1]
		known := set == anyName || slices.Contains(names[set], name) || set == ofUserinfo && strings.HasPrefix(name, answered)
		if !known {
			return fmt.Errorf("%s has {%s}, which nothing replaces there", path, name)
		}
		used[name] = used[name] || set != anyName
	}
	return nil
}

// templateSet is the set of names of the key with this path, or of the one around it.
func templateSet(path string) string {
	for path != "" {
		if set, ok := templates[path]; ok {
			return set
		}
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
	}
	return ""
}

// walk calls visit with each text of a decoded file and the path of its key, which has
// no part for the place in a list.
func walk(path string, value any, visit func(path, text string)) {
	switch value := value.(type) {
	case string:
		visit(path, value)
	case []any:
		for _, item := range value {
			walk(path, item, visit)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			walk(strings.TrimPrefix(path+"."+key, "."), value[key], visit)
		}
	}
}

// find returns what stands at a path of a decoded file, nil when nothing does.
func find(value any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		members, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = members[key]
	}
	return value
}
