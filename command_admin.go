package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// askAdmin asks the running Caddy, with the flags that are named as the query,
// and returns the JSON that it answers.
func askAdmin(flags caddycmd.Flags, method, path string, names ...string) ([]byte, error) {
	address, err := adminAddress(flags)
	if err != nil {
		return nil, err
	}
	query := make(url.Values)
	for _, name := range names {
		if value := flags.String(name); value != "" {
			query.Set(name, value)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	response, err := caddycmd.AdminAPIRequest(address, method, path, nil, nil)
	if err != nil {
		return nil, adminRefusal(address, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer of Caddy's admin API at %s: %w", address, err)
	}
	if !json.Valid(body) {
		return nil, fmt.Errorf("what answers at %s is not Caddy's admin API: name its address with --address", address)
	}
	return body, nil
}

// adminAddress is where the admin API is. A configuration that switches it off
// is no reason to ask whoever listens at the default address.
func adminAddress(flags caddycmd.Flags) (string, error) {
	address, file := flags.String("address"), flags.String("config")
	var written []byte
	if address == "" && file != "" {
		var err error
		if written, _, _, err = caddycmd.LoadConfig(file, flags.String("adapter")); err != nil {
			return "", fmt.Errorf("finding the address of the admin API: %w", err)
		}
		var config struct {
			Admin caddy.AdminConfig `json:"admin"`
		}
		if err := json.Unmarshal(written, &config); err == nil && config.Admin.Disabled {
			return "", fmt.Errorf("%s switches Caddy's admin API off (admin off): sessions can't be listed or revoked from outside", file)
		}
	}
	address, err := caddycmd.DetermineAdminAPIAddress(address, written, file, flags.String("adapter"))
	if err != nil {
		return "", fmt.Errorf("finding the address of the admin API: %w", err)
	}
	return address, nil
}

// answeredPrefix begins what AdminAPIRequest says when there was an answer; its
// errors have no type.
const answeredPrefix = "caddy responded with error: HTTP "

// adminRefusal says why there is no answer, or what the answer says.
func adminRefusal(address string, err error) error {
	answer, answered := strings.CutPrefix(err.Error(), answeredPrefix)
	if !answered {
		return fmt.Errorf("asking Caddy's admin API at %s (is Caddy running, and its admin endpoint on?): %w", address, err)
	}
	status, body, _ := strings.Cut(answer, ": ")
	var told struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal([]byte(body), &told); err == nil && told.Error != "" {
		return errors.New(told.Error)
	}
	return fmt.Errorf("the server at %s answers %s: is it Caddy's admin API, of a Caddy with this module?", address, status)
}
