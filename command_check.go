package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// The exit codes of caddy signin check.
const (
	exitCheckFailed  = 1
	exitNotCheckable = 2
)

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [--config <path> [--adapter <name>]] [--json]",
		Short: "Checks what signing in depends on, and prints the redirect URIs to register",
		Long: `
Loads a configuration as caddy validate does, without starting it, and asks
what signing in depends on: discovery documents and keys, the servers of OAuth
endpoints, mail servers, directories, back ends and stores. Nobody is signed
in, no mail is sent and nothing is stored.

For each provider it prints the redirect URIs to register there. A realm
without url has one for each host that its sites name.

Needs the environment that Caddy runs with, for {env.…} in the configuration.

Exits with 0 when all is well, warnings included, with 1 when something fails,
and with 2 when the configuration can't be loaded.`,
		Example: "  caddy signin check --config /etc/caddy/Caddyfile",
		Args:    cobra.NoArgs,
		RunE:    caddycmd.WrapCommandFuncForCobra(check),
	}
	cmd.Flags().StringP("config", "c", "", "Configuration file (default: the Caddyfile in this folder)")
	cmd.Flags().StringP("adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().Bool("json", false, "Print the report as JSON")
	return cmd
}

var errNothingToCheck = errors.New("nothing to check: the configuration has no signin")

func check(flags caddycmd.Flags) (int, error) {
	written, err := readConfig(flags.String("config"), flags.String("adapter"))
	if err != nil {
		return exitNotCheckable, err
	}
	ctx, err := provisioned(written)
	if err != nil {
		return exitNotCheckable, err
	}
	realms, err := realmsOf(ctx, serversBehindProxies(written))
	if err == nil && len(realms) == 0 {
		err = errNothingToCheck
	}
	if err != nil {
		return exitNotCheckable, err
	}
	report := probeRealms(context.Background(), realms)
	if flags.Bool("json") {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.print(os.Stdout)
	}
	switch {
	case err != nil:
		return exitNotCheckable, fmt.Errorf("printing the report: %w", err)
	case report.Failed > 0:
		return exitCheckFailed, fmt.Errorf("checks that failed: %d", report.Failed)
	}
	return caddy.ExitCodeSuccess, nil
}

func readConfig(file, adapter string) ([]byte, error) {
	written, _, _, err := caddycmd.LoadConfig(file, adapter)
	if err != nil {
		return nil, err
	}
	if written == nil {
		return nil, errors.New("no configuration: name one with --config, or run this where the Caddyfile is")
	}
	return caddy.RemoveMetaFields(written), nil
}

// provisioned loads a configuration as caddy validate does. It is never started;
// the end of the process is its end.
func provisioned(written []byte) (caddy.Context, error) {
	var config *caddy.Config
	if err := caddy.StrictUnmarshalJSON(written, &config); err != nil {
		return caddy.Context{}, fmt.Errorf("reading the configuration: %w", err)
	}
	ctx, err := caddy.ProvisionContext(config)
	if err != nil {
		return caddy.Context{}, fmt.Errorf("loading the configuration: %w", err)
	}
	return ctx, nil
}

// serversBehindProxies names the servers with trusted_proxies, which a
// provisioned server doesn't show any more.
func serversBehindProxies(written []byte) map[string]bool {
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					TrustedProxies json.RawMessage `json:"trusted_proxies"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	_ = json.Unmarshal(written, &config) // what was provisioned can be read
	behind := make(map[string]bool)
	for name, server := range config.Apps.HTTP.Servers {
		behind[name] = server.TrustedProxies != nil
	}
	return behind
}
