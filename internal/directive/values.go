package directive

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// One reads exactly one value, which isn't empty. A value that the directive's
// arguments gave already is one too many.
func One(field *string) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		var value string
		if err := OneOrEmpty(&value)(d); err != nil {
			return err
		}
		switch {
		case value == "":
			return needsOne(d, name)
		case *field != "":
			return d.Errf("%s is written twice: it stands in the arguments already", name)
		}
		*field = value
		return nil
	}
}

// OneOrEmpty reads exactly one value, which is empty where a variable of the
// environment is.
func OneOrEmpty(field *string) Option {
	return func(d *caddyfile.Dispenser) error {
		name, args := d.Val(), d.RemainingArgs()
		if len(args) != 1 {
			return needsOne(d, name)
		}
		*field = args[0]
		return nil
	}
}

func needsOne(d *caddyfile.Dispenser, name string) error {
	return d.Errf("%s needs exactly one value, in quotes if it has spaces: %s <value>", name, name)
}

// Checked reads exactly one value that passes a check, so that a mistake is told with
// file and line. An empty value is the check's to refuse.
func Checked(field *string, check func(string) error) Option {
	return func(d *caddyfile.Dispenser) error {
		if err := OneOrEmpty(field)(d); err != nil {
			return err
		}
		if err := check(*field); err != nil {
			return d.WrapErr(err)
		}
		return nil
	}
}

// OneOf reads exactly one of these values.
func OneOf(field *string, allowed ...string) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if err := OneOrEmpty(field)(d); err != nil {
			return err
		}
		if !slices.Contains(allowed, *field) {
			return d.Errf("%s %q is not known: write %s", name, *field, strings.Join(allowed, " or "))
		}
		return nil
	}
}

// Some reads one value or more, none of them empty, and adds them to those of an
// earlier line.
func Some(field *[]string) Option {
	return func(d *caddyfile.Dispenser) error {
		name, args := d.Val(), d.RemainingArgs()
		if len(args) == 0 || slices.Contains(args, "") {
			return d.Errf("%s needs values: %s <value>...", name, name)
		}
		*field = append(*field, args...)
		return nil
	}
}

// Alternatives reads values, of which the first that is good counts, and joins them
// by a bar.
func Alternatives(field *string) Option {
	return func(d *caddyfile.Dispenser) error {
		var alternatives []string
		if err := Some(&alternatives)(d); err != nil {
			return err
		}
		*field = strings.Join(alternatives, "|")
		return nil
	}
}

// Pairs reads one <name>=<value> or more, each name once.
func Pairs(field *map[string]string) Option {
	return func(d *caddyfile.Dispenser) error {
		name, args := d.Val(), d.RemainingArgs()
		*field = make(map[string]string, len(args))
		for _, arg := range args {
			key, value, ok := strings.Cut(arg, "=")
			if _, twice := (*field)[key]; !ok || key == "" || twice {
				return d.Errf("%s: %q is not a new <name>=<value>", name, arg)
			}
			(*field)[key] = value
		}
		if len(args) == 0 {
			return d.Errf("%s needs values: %s <name>=<value>...", name, name)
		}
		return nil
	}
}

// Entry reads one value into a map, under the option's name.
func Entry(field *map[string]string) Option {
	return func(d *caddyfile.Dispenser) error {
		name, value := d.Val(), ""
		if err := One(&value)(d); err != nil {
			return err
		}
		if *field == nil {
			*field = make(map[string]string)
		}
		(*field)[name] = value
		return nil
	}
}

// Flag reads an option that has no value.
func Flag(field *bool) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if d.NextArg() {
			return d.Errf("%s takes no value: leave %q out", name, d.Val())
		}
		*field = true
		return nil
	}
}

// Number reads a whole number from 1 to most.
func Number(field *int, most int) Option {
	return func(d *caddyfile.Dispenser) error {
		name, written := d.Val(), ""
		if err := One(&written)(d); err != nil {
			return err
		}
		value, err := strconv.Atoi(written)
		if err != nil || value < 1 || value > most {
			return d.Errf("%s must be a number from 1 to %d, got %q", name, most, written)
		}
		*field = value
		return nil
	}
}

// Duration reads a duration of at least so much.
func Duration(field *caddy.Duration, least time.Duration) Option {
	return duration(field, least, "a duration such as 5s or 30m")
}

// Lifetime reads how long something lives, a second or more.
func Lifetime(field *caddy.Duration) Option {
	return duration(field, time.Second, "a duration of a second or more, such as 30d or 8h")
}

// duration takes what stands on the line for one text: people write 30 days.
func duration(field *caddy.Duration, least time.Duration, what string) Option {
	return func(d *caddyfile.Dispenser) error {
		name, written := d.Val(), strings.Join(d.RemainingArgs(), " ")
		value, err := caddy.ParseDuration(written)
		if err != nil || value < least {
			return d.Errf("%s %q must be %s", name, written, what)
		}
		*field = caddy.Duration(value)
		return nil
	}
}

// Size reads a size in bytes with a unit, of at least so many bytes. example is one that
// would do.
func Size(field *int64, least uint64, example string) Option {
	return func(d *caddyfile.Dispenser) error {
		name, args := d.Val(), d.RemainingArgs()
		if len(args) != 1 {
			return d.Errf("%s needs one value, such as %s", name, example)
		}
		written := args[0]
		size, err := humanize.ParseBytes(written)
		if err != nil || size < least || size > math.MaxInt64 {
			return d.Errf("%s %q is not a size of %s or more: write a number and a unit, such as %s",
				name, written, strings.ReplaceAll(humanize.IBytes(least), ".0 ", ""), example)
		}
		*field = int64(size)
		return nil
	}
}

// Entries reads a block of names and values into a map, each name once.
func Entries(field *map[string]string) Option {
	return func(d *caddyfile.Dispenser) error {
		seen := make(map[string]bool)
		for nesting := d.Nesting(); d.NextBlock(nesting); {
			if seen[d.Val()] {
				return d.Errf("%s is written twice", d.Val())
			}
			seen[d.Val()] = true
			if err := Entry(field)(d); err != nil {
				return err
			}
		}
		return nil
	}
}

// TrustPool reads where trusted certificates come from, as reverse_proxy's
// tls_trust_pool does, into the JSON of a module of tls.ca_pool.source.
func TrustPool(field *json.RawMessage) Option {
	return func(d *caddyfile.Dispenser) error {
		const namespace = "tls.ca_pool.source"
		option := d.Val()
		if !d.NextArg() {
			return d.Errf("%s takes a source, as in: %s file /etc/ssl/corp.pem", option, option)
		}
		name := d.Val()
		if _, err := caddy.GetModule(namespace + "." + name); err != nil {
			var known []string
			for _, module := range caddy.GetModules(namespace) {
				known = append(known, module.ID.Name())
			}
			return d.Errf("unknown source of %s %q%s", option, name, DidYouMean(name, known))
		}
		pool, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
		if err != nil {
			return err
		}
		*field = caddyconfig.JSONModuleObject(pool, "provider", name, nil)
		return nil
	}
}
