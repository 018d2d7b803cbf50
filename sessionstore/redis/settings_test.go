package redis

import (
	"reflect"
	"strings"
	"testing"
)

func TestURLs(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]endpoint{
		"redis://localhost":                 {network: tcp, addresses: []string{"localhost:6379"}},
		"redis://localhost/":                {network: tcp, addresses: []string{"localhost:6379"}},
		"redis://h:1/7":                     {network: tcp, addresses: []string{"h:1"}, db: 7},
		"valkey://h":                        {network: tcp, addresses: []string{"h:6379"}},
		"rediss://h":                        {network: tcp, addresses: []string{"h:6379"}, secure: true},
		"valkeys://h:6380":                  {network: tcp, addresses: []string{"h:6380"}, secure: true},
		"redis://[::1]":                     {network: tcp, addresses: []string{"[::1]:6379"}},
		"redis://[::1]:7":                   {network: tcp, addresses: []string{"[::1]:7"}},
		"redis://u:p%40%2F@h":               {network: tcp, addresses: []string{"h:6379"}, username: "u", password: "p@/"},
		"redis://:p@h":                      {network: tcp, addresses: []string{"h:6379"}, password: "p"},
		"redis://u@h":                       {network: tcp, addresses: []string{"h:6379"}, username: "u"},
		"unix:///run/redis.sock":            {network: unix, addresses: []string{"/run/redis.sock"}},
		"unix://u:p@/run/redis.sock?db=2":   {network: unix, addresses: []string{"/run/redis.sock"}, username: "u", password: "p", db: 2},
		"unix:///run/with%20space.sock?db=": {network: unix, addresses: []string{"/run/with space.sock"}},
	} {
		if got, err := parseURL(raw); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"", "localhost", "localhost:6379", "http://h", "redis:h", "redis://", "redis://:6379", "redis://h:0", "redis://h:65536",
		"redis://h:x", "redis://h/x", "redis://h/1/2", "redis://h/-1", "redis://h/99999", "redis://h?db=1", "redis://h?", "redis://h#x", "redis://h/#",
		"redis://h?skip_verify=true", "unix://run/redis.sock", "unix://", "unix:///s?db=x", "unix:///s?db=1&db=2", "unix:///s?client_cache=0",
		"redis://u:p#w@h", "redis://u:p?w@h", "redis://u:p/w@h", "redis://u:%zz@h", "redis://h\x00", " redis://h",
	} {
		if got, err := parseURL(raw); err == nil {
			t.Errorf("%q is taken for %+v", raw, got)
		}
	}
}

// What is told of a wrong URL shows none of it: it may be half a password.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"redis://u:pass@h:1/2", "unix://u:p@/s?db=1", "rediss://[::1", "redis://u:p#w@h", "redis://u:%zz@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := parseURL(raw)
		if err == nil {
			if len(got.addresses) != 1 || got.addresses[0] == "" || got.db < 0 {
				t.Errorf("%q is taken for %+v", raw, got)
			}
			return
		}
		other, otherErr := parseURL(raw + "\x00")
		if otherErr == nil {
			t.Errorf("a NUL byte makes %q right: %+v", raw, other)
		}
		for _, word := range strings.FieldsFunc(raw, func(r rune) bool { return strings.ContainsRune(":/@?#", r) }) {
			if len(word) > 4 && strings.Contains(err.Error(), word) && !strings.Contains(knownWords, word) {
				t.Errorf("%q: the error shows it: %v", raw, err)
			}
		}
	})
}

// knownWords are in every message.
const knownWords = wantURL + " is none (%-escape special characters of a password) has an unknown scheme no host absolute path of a socket " +
	"something other than ?db= behind its path port that is not 1 to 65535 with options: write them into the block of redis database number"

func resolved(t *testing.T, r Redis) settings {
	t.Helper()
	s, err := r.resolve()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSettings(t *testing.T) {
	t.Setenv("TEST_REDIS_URL", "redis://gateway:sesame@db.example:7000/4")
	t.Setenv("TEST_REDIS_PASSWORD", "open sesame")
	one := resolved(t, Redis{URLs: []string{"{env.TEST_REDIS_URL}"}})
	if one.password != "sesame" || one.username != "gateway" || one.db != 4 || one.cluster || one.addresses[0] != "db.example:7000" {
		t.Errorf("%+v", one)
	}
	if got := one.String(); got != "Redis at db.example:7000" {
		t.Errorf("it is called %s", got)
	}
	cluster := resolved(t, Redis{URLs: []string{"redis://a", "redis://b"}, Password: "{env.TEST_REDIS_PASSWORD}"})
	if !cluster.cluster || cluster.password != "open sesame" || len(cluster.addresses) != 2 {
		t.Errorf("%+v", cluster)
	}
	watched := resolved(t, Redis{
		URLs:     []string{"rediss://a:26379", "rediss://b:26379"},
		Sentinel: &Sentinel{Master: "sessions", Password: "{env.TEST_REDIS_PASSWORD}"},
	})
	if watched.cluster || !watched.secure || watched.sentinel.Password != "open sesame" || watched.password != "" {
		t.Errorf("%+v", watched)
	}
	if got := watched.String(); got != `Redis "sessions" of the sentinels at a:26379, b:26379` {
		t.Errorf("it is called %s", got)
	}
}

func TestSettingsThatDontFit(t *testing.T) {
	t.Setenv("TEST_REDIS_URL", "redis://gateway:sesame@h")
	for want, r := range map[string]Redis{
		"no URL":                       {},
		"exclude each other":           {URLs: []string{"redis://h"}, Cluster: true, Sentinel: &Sentinel{Master: "m"}},
		"the name under which":         {URLs: []string{"redis://h"}, Sentinel: new(Sentinel)},
		"one server":                   {URLs: []string{"unix:///a", "unix:///b"}},
		"leave cluster":                {URLs: []string{"unix:///a"}, Cluster: true},
		"only the database 0":          {URLs: []string{"redis://h/1"}, Cluster: true},
		"differ in more":               {URLs: []string{"redis://a", "rediss://b"}},
		"given twice":                  {URLs: []string{"redis://a", "redis://a:6379"}},
		"rediss://":                    {URLs: []string{"redis://a"}, TLS: new(TLS)},
		"both in the URL":              {URLs: []string{"{env.TEST_REDIS_URL}"}, Password: "sesame"},
		"URL 2 has an unknown scheme":  {URLs: []string{"redis://a", "http://b"}},
		"password: {env.TEST_NOT_SET}": {URLs: []string{"redis://a"}, Password: "{env.TEST_NOT_SET}"},
		"URL 1: a placeholder in it":   {URLs: []string{"redis://:ses{a}me@h"}},
	} {
		_, err := r.resolve()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestKeysOfThePool(t *testing.T) {
	t.Parallel()
	base := Redis{URLs: []string{"redis://h"}, Username: "u", Password: "sesame"}
	seen := map[string]string{}
	for name, change := range map[string]func(*Redis){
		"nothing":  func(*Redis) {},
		"prefix":   func(r *Redis) { r.Prefix = "other:" },
		"password": func(r *Redis) { r.Password = "other" },
		"user":     func(r *Redis) { r.Username = "other" },
		"database": func(r *Redis) { r.URLs = []string{"redis://h/1"} },
		"host":     func(r *Redis) { r.URLs = []string{"redis://i"} },
		"TLS":      func(r *Redis) { r.URLs = []string{"rediss://h"} },
		"name":     func(r *Redis) { r.URLs, r.TLS = []string{"rediss://h"}, &TLS{ServerName: "x"} },
		"cluster":  func(r *Redis) { r.Cluster = true },
		"sentinel": func(r *Redis) { r.Sentinel = &Sentinel{Master: "m"} },
	} {
		r := base
		change(&r)
		s := resolved(t, r)
		key := s.key()
		if strings.Contains(key, "sesame") {
			t.Errorf("%s shows the password", key)
		}
		if first, exists := seen[key]; exists != (name == "prefix" || name == "nothing") && exists {
			t.Errorf("%s and %s have the same connection", name, first)
		}
		seen[key] = name
	}
	if len(seen) != 9 { // the prefix makes none of its own
		t.Errorf("%d connections, want 9", len(seen))
	}
}
