package signin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// checkModuleName refuses a guest module whose name is missing or unknown. Caddy
// does too, but quotes all that a nameless one holds, secrets included.
func checkModuleName(raw json.RawMessage, key, namespace string) error {
	var options map[string]json.RawMessage
	var name string
	if err := json.Unmarshal(raw, &options); err == nil && options[key] != nil {
		if err := json.Unmarshal(options[key], &name); err != nil {
			name = ""
		}
	}
	known := moduleNames(namespace)
	switch {
	case name == "":
		return fmt.Errorf("it doesn't say what it is: write %q with one of %s", key, strings.Join(known, ", "))
	case !slices.Contains(known, name):
		return fmt.Errorf("%s %q is not known: write one of %s", key, name, strings.Join(known, ", "))
	}
	return nil
}

// moduleNames are the guest modules of a namespace, sorted.
func moduleNames(namespace string) []string {
	modules := caddy.GetModules(namespace)
	names := make([]string, len(modules))
	for i := range modules {
		names[i] = modules[i].ID.Name()
	}
	return names
}
