package redis

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-signin/caddy-signin/internal/directive"
)

// settings is a configuration whose placeholders are resolved: what decides
// which connection it has. It holds secrets.
type settings struct {
	endpoint

	cluster  bool
	sentinel Sentinel // its Master is empty without sentinels
	tls      TLS
}

// resolve reads the configuration. Its errors hold no secret.
func (r *Redis) resolve() (settings, error) {
	if err := r.check(); err != nil {
		return settings{}, err
	}
	s := settings{cluster: r.Cluster}
	if r.Sentinel != nil {
		s.sentinel = *r.Sentinel
	}
	if r.TLS != nil {
		s.tls = *r.TLS
	}
	urls := make([]string, len(r.URLs))
	username, password := r.Username, r.Password
	fields := map[string]*string{
		"username": &username, "password": &password, "sentinel": &s.sentinel.Master,
		"sentinel's username": &s.sentinel.Username, "sentinel's password": &s.sentinel.Password,
	}
	for i, raw := range r.URLs {
		urls[i] = raw
		fields[urlName(i)] = &urls[i]
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := directive.Expand(name, fields[name]); err != nil {
			return settings{}, err
		}
	}
	for i, raw := range urls {
		next, err := parseURL(raw)
		if err != nil {
			return settings{}, fmt.Errorf("%s %w", urlName(i), err)
		}
		if err := s.add(next); err != nil {
			return settings{}, err
		}
	}
	if err := s.authenticate(username, password); err != nil {
		return settings{}, err
	}
	s.cluster = s.cluster || (len(urls) > 1 && s.sentinel.Master == "")
	return s, s.check(r.TLS != nil)
}

// check refuses what no value of a placeholder could make right.
func (r *Redis) check() error {
	switch {
	case len(r.URLs) == 0:
		return errors.New("no URL: write where the server is, such as redis://localhost:6379 or {env.REDIS_URL}")
	case r.Sentinel != nil && r.Cluster:
		return errors.New("sentinel and cluster exclude each other: a cluster does its own failover")
	case r.Sentinel != nil && r.Sentinel.Master == "":
		return errors.New("sentinel: the name under which the sentinels know the server is missing")
	}
	return nil
}

func (s *settings) check(hasTLS bool) error {
	switch {
	case s.network == unix && (s.cluster || s.sentinel.Master != ""):
		return errors.New("a unix socket is one server: leave cluster, sentinel and further URLs out")
	case s.cluster && s.db != 0:
		return errors.New("a cluster has only the database 0: leave the number out of the URL")
	case hasTLS && !s.secure:
		return errors.New("tls is configured, but the URL doesn't ask for it: write rediss://")
	}
	return nil
}

// authenticate takes the options username and password, which are not given a
// second time beside those of the URL.
func (s *settings) authenticate(username, password string) error {
	if (username != "" && s.username != "") || (password != "" && s.password != "") {
		return errors.New("user name or password stand both in the URL and in an option: leave one out")
	}
	s.username += username
	s.password += password
	return nil
}

// processKey makes the pool's keys worthless outside this process.
var processKey = func() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return key
}()

// key names the connection in the pool. It shows no secret.
func (s *settings) key() string {
	mac := hmac.New(sha256.New, processKey)
	fmt.Fprintf(mac, "%#v", *s)
	return "redis " + hex.EncodeToString(mac.Sum(nil))
}

// String names the server in messages.
func (s *settings) String() string {
	at := strings.Join(s.addresses, ", ")
	switch {
	case s.sentinel.Master != "":
		return fmt.Sprintf("Redis %q of the sentinels at %s", s.sentinel.Master, at)
	case s.cluster:
		return "Redis cluster at " + at
	default:
		return "Redis at " + at
	}
}

// secrets are what no message may hold.
func (s *settings) secrets() []string {
	var found []string
	for _, secret := range []string{s.password, s.sentinel.Password} {
		if secret != "" {
			found = append(found, secret)
		}
	}
	return found
}

var _ fmt.Stringer = (*settings)(nil)
