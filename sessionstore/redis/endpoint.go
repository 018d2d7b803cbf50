package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	tcp  = "tcp"
	unix = "unix"
)

// endpoint is what URLs say.
type endpoint struct {
	network            string // tcp or unix
	addresses          []string
	secure             bool
	username, password string
	db                 int
}

// schemes are the URL schemes: those of
// https://github.com/redis/redis-specifications/blob/master/uri/redis.txt, and Valkey's.
var schemes = map[string]endpoint{
	"redis":   {network: tcp},
	"valkey":  {network: tcp},
	"rediss":  {network: tcp, secure: true},
	"valkeys": {network: tcp, secure: true},
	"unix":    {network: unix},
}

const wantURL = "write redis://host:6379/0, rediss://host:6379/0 or unix:///path?db=0"

func urlName(i int) string { return fmt.Sprintf("URL %d", i+1) }

// parseURL reads one URL. Its errors show nothing of it that may be a secret: a
// password whose special characters aren't escaped turns up in any part.
func parseURL(raw string) (endpoint, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return endpoint{}, fmt.Errorf("is none (%%-escape special characters of a password): %s", wantURL)
	}
	e, known := schemes[u.Scheme]
	switch {
	case !known:
		return endpoint{}, fmt.Errorf("has an unknown scheme: %s", wantURL)
	case u.Fragment != "" || u.Opaque != "" || strings.Contains(raw, "#"):
		return endpoint{}, fmt.Errorf("has a # or no //: %s", wantURL)
	}
	if u.User != nil {
		e.username = u.User.Username()
		e.password, _ = u.User.Password()
	}
	if e.network == unix {
		err = e.readSocket(u)
	} else {
		err = e.readHost(u)
	}
	return e, err
}

func (e *endpoint) readSocket(u *url.URL) error {
	if u.Host != "" || u.Path == "" {
		return fmt.Errorf("has no absolute path of a socket: %s", wantURL)
	}
	e.addresses = []string{u.Path}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(query["db"]) > 1 || len(query) > 1 || (len(query) == 1 && !query.Has("db")) {
		return fmt.Errorf("has something other than ?db= behind its path: %s", wantURL)
	}
	return e.readDB(query.Get("db"))
}

func (e *endpoint) readHost(u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || number == 0:
		return fmt.Errorf("has a port that is not 1 to 65535: %s", wantURL)
	case u.Hostname() == "":
		return fmt.Errorf("has no host: %s", wantURL)
	case u.RawQuery != "" || u.ForceQuery:
		return errors.New("has a ? with options: write them into the block of redis")
	}
	e.addresses = []string{net.JoinHostPort(u.Hostname(), port)}
	return e.readDB(strings.TrimPrefix(u.Path, "/"))
}

func (e *endpoint) readDB(text string) error {
	if text == "" {
		return nil
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("has a database that is not a number: %s", wantURL)
	}
	e.db = int(number)
	return nil
}

// add joins another URL's address: all else must be the same in every URL.
func (e *endpoint) add(other endpoint) error {
	if e.network == "" {
		*e = other
		return nil
	}
	if e.network == unix {
		return errors.New("a unix socket is one server: leave further URLs out")
	}
	if e.network != other.network || e.secure != other.secure || e.db != other.db ||
		e.username != other.username || e.password != other.password {
		return errors.New("the URLs differ in more than host and port: give all the same scheme, user, password and database")
	}
	if slices.Contains(e.addresses, other.addresses[0]) {
		return fmt.Errorf("%s is given twice", other.addresses[0])
	}
	e.addresses = append(slices.Clone(e.addresses), other.addresses[0])
	return nil
}
