package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-signin/caddy-signin/internal/response"
)

// onlySubcommands makes a command that does nothing itself show its help, and
// fail where a subcommand is misspelled: by itself cobra shows the help for
// that too, and a script takes it for success.
func onlySubcommands(cmd *cobra.Command) {
	cmd.FParseErrWhitelist.UnknownFlags = true // they are the subcommand's
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var known []string
		for _, sub := range cmd.Commands() {
			known = append(known, sub.Name())
		}
		return fmt.Errorf("unknown command %q for %q: write one of %s", args[0], cmd.CommandPath(), strings.Join(known, ", "))
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// commands are the subcommands of caddy signin.
var commands = []func() *cobra.Command{checkCommand, sessionsCommand}

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "signin",
		Usage: "check | sessions list|revoke ...",
		Short: "Checks what signing in depends on, and manages live sessions",
		CobraFunc: func(cmd *cobra.Command) {
			onlySubcommands(cmd)
			for _, command := range commands {
				cmd.AddCommand(command())
			}
		},
	})
}

func sessionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sessions list|revoke",
		Short: "Lists and revokes live sessions of the running Caddy",
		Long: `
Lists and revokes live sessions, through the admin API of the running Caddy at
` + caddy.DefaultAdminListen + `. Name another --address, or a --config to take it from.

A realm is named by its name in the global options, else by its url, else by
the address of its site. Without --realm all are meant.`,
	}
	onlySubcommands(cmd)
	list := &cobra.Command{
		Use:     "list [--realm <key>] [--user <id>] [--json]",
		Short:   "Lists live sessions",
		Example: "  caddy signin sessions list --user github:583231",
		Args:    cobra.NoArgs,
		RunE:    caddycmd.WrapCommandFuncForCobra(listCommand),
	}
	revoke := &cobra.Command{
		Use:   "revoke <session> | --user <id> [--realm <key>] [--json]",
		Short: "Revokes one session, or all of a user",
		Long: `
Revokes one session by its id, as list shows it, or every session of a user.
They end with the next request, and open streams within a second. Fails when
there is no session with the id; a user without sessions is none to fail for.`,
		Example: "  caddy signin sessions revoke --user github:583231",
		Args:    cobra.MaximumNArgs(1),
		RunE:    caddycmd.WrapCommandFuncForCobra(revokeCommand),
	}
	for _, sub := range []*cobra.Command{list, revoke} {
		sub.Flags().String("realm", "", "The realm (default: all)")
		sub.Flags().String("user", "", "The user's id, such as github:583231")
		sub.Flags().Bool("json", false, "Print the admin API's JSON")
		sub.Flags().String("address", "", "Address of the administration API listener (if --config is not used)")
		sub.Flags().StringP("config", "c", "", "Configuration file (if --address is not used)")
		sub.Flags().StringP("adapter", "a", "", "Name of config adapter to apply (if --config is used)")
		cmd.AddCommand(sub)
	}
	return cmd
}

func listCommand(flags caddycmd.Flags) (int, error) {
	body, err := askAdmin(flags, http.MethodGet, adminSessions, "realm", "user")
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	if flags.Bool("json") {
		_, err := os.Stdout.Write(body)
		return exitCode(err), err
	}
	var list []listedSession
	if err := json.Unmarshal(body, &list); err != nil {
		return caddy.ExitCodeFailedStartup, fmt.Errorf("reading the list of sessions: %w", err)
	}
	err = printSessions(os.Stdout, list)
	return exitCode(err), err
}

func revokeCommand(flags caddycmd.Flags) (int, error) {
	target, user := flags.Arg(0), flags.String("user")
	if (target == "") == (user == "") {
		return caddy.ExitCodeFailedStartup, errors.New("name either one session by its id, or a user with --user")
	}
	path, query := adminSessions, []string{"realm", "user"}
	if target != "" {
		path, query = adminSessions+"/"+url.PathEscape(target), []string{"realm"}
	}
	body, err := askAdmin(flags, http.MethodDelete, path, query...)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	if flags.Bool("json") {
		_, err := os.Stdout.Write(body)
		return exitCode(err), err
	}
	var done struct{ Revoked int }
	if err := json.Unmarshal(body, &done); err != nil {
		return caddy.ExitCodeFailedStartup, fmt.Errorf("reading what was revoked: %w", err)
	}
	_, err = fmt.Printf("sessions revoked: %d\n", done.Revoked)
	return exitCode(err), err
}

func exitCode(err error) int {
	if err != nil {
		return caddy.ExitCodeFailedStartup
	}
	return caddy.ExitCodeSuccess
}

// printSessions prints a table. What came from outside is printed without what
// a terminal would obey.
func printSessions(to io.Writer, list []listedSession) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SESSION\tUSER\tREALM\tSTARTED\tEXPIRES\tBROWSER")
	for _, one := range list {
		row := []string{
			one.ID, one.User, one.Realm, one.Started.Local().Format(time.DateTime), one.Expires.Local().Format(time.DateTime), one.UserAgent,
		}
		for i := range row {
			row[i] = response.Printable(row[i])
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("printing the sessions: %w", err)
	}
	return nil
}
