package credentials

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
	"golang.org/x/crypto/bcrypt"

	"github.com/caddy-signin/caddy-signin/internal/queue"
)

// DemoPasswordHash is the hash of the password "demo" that the documentation
// and Caddyfile.example publish. Accounts with it have the Demo of a providers.Account.
const DemoPasswordHash = "$2a$10$M3J41gg0P4GBx89E5gJr5ebsjrbIPOVL18phE0miqtSbjHaJCRSde"

// Bounds of an argon2id hash: below them Caddy's module panics, above them one
// check would cost more memory than a visitor may demand.
const (
	maxArgon2Memory = 256 << 10 // KiB
	maxArgon2Time   = 64
	maxBcryptInput  = 72 // bytes; bcrypt ignores the rest
)

// maxBcryptCost takes seconds; each step more doubles it.
const maxBcryptCost = 16

// bcryptAlphabet is bcrypt's own base64 alphabet.
const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// passwordHash is a checked hash with the module that compares it.
type passwordHash struct {
	encoded  []byte
	cost     string // the algorithm and its parameters: equal costs take equal work
	limit    int    // longest password in bytes, 0 for no limit of its own
	comparer caddyauth.Comparer
}

// checkPasswordHash says what is wrong with a password hash, or nil. It never
// repeats the value, which may be a clear-text password.
func checkPasswordHash(hash string) error {
	_, _, err := hashCost(hash)
	return err
}

// hashCost returns the hash module's name and the work that one check takes.
func hashCost(hash string) (module, cost string, err error) {
	switch {
	case hasAnyPrefix(hash, "$2a$", "$2b$", "$2x$", "$2y$"):
		n, err := bcrypt.Cost([]byte(hash))
		if err != nil {
			return "", "", errors.New("the bcrypt hash is malformed: make one with `caddy hash-password`")
		}
		if n > maxBcryptCost {
			return "", "", fmt.Errorf("the bcrypt hash has cost %d, more than %d, so that one check would take too long: make one with `caddy hash-password`", n, maxBcryptCost)
		}
		return "bcrypt", fmt.Sprintf("bcrypt %d", n), nil
	case strings.HasPrefix(hash, "$argon2id$"):
		_, key, err := caddyauth.DecodeHash([]byte(hash))
		if err != nil || len(key) == 0 {
			return "", "", errors.New("the argon2id hash is malformed: make one with `caddy hash-password --algorithm argon2id`")
		}
		cost := strings.Split(hash, "$")[3]
		if err := checkArgon2(cost); err != nil {
			return "", "", err
		}
		return "argon2id", fmt.Sprintf("argon2id %s %d", cost, len(key)), nil
	default:
		return "", "", errors.New("the password must be a bcrypt or argon2id hash, neither clear text nor another kind of hash: make one with `caddy hash-password`")
	}
}

func checkArgon2(params string) error {
	var memory, rounds, threads uint32
	if _, err := fmt.Sscanf(params, "m=%d,t=%d,p=%d", &memory, &rounds, &threads); err != nil {
		return errors.New("the argon2id hash is malformed: make one with `caddy hash-password --algorithm argon2id`")
	}
	if rounds < 1 || rounds > maxArgon2Time || threads < 1 || memory < 8*threads || memory > maxArgon2Memory {
		return fmt.Errorf("the argon2id hash has parameters out of bounds: t from 1 to %d, p from 1, m from 8*p to %d KiB", maxArgon2Time, maxArgon2Memory)
	}
	return nil
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// comparers are Caddy's password hash modules by name.
type comparers map[string]caddyauth.Comparer

func loadComparers(ctx caddy.Context) (comparers, error) {
	all := make(comparers)
	for _, name := range []string{"bcrypt", "argon2id"} {
		mod, err := ctx.LoadModuleByID("http.authentication.hashes."+name, json.RawMessage("{}"))
		if err != nil {
			return nil, fmt.Errorf("loading Caddy's %s hash module: %w", name, err)
		}
		comparer, ok := mod.(caddyauth.Comparer)
		if !ok {
			return nil, fmt.Errorf("the %s hash module of Caddy can't compare", name)
		}
		all[name] = comparer
	}
	return all, nil
}

func (c comparers) parse(hash string) (passwordHash, error) {
	module, cost, err := hashCost(hash)
	if err != nil {
		return passwordHash{}, err
	}
	parsed := passwordHash{encoded: []byte(hash), cost: cost, comparer: c[module]}
	if module == "bcrypt" {
		parsed.limit = maxBcryptInput
	}
	return parsed, nil
}

func (h passwordHash) published() bool {
	return string(h.encoded) == DemoPasswordHash
}

// version changes with every password that is set, the same one as well: each
// hash has a salt of its own.
func (h passwordHash) version() string {
	sum := sha256.Sum256(h.encoded)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// isTooLong says that the algorithm doesn't read the whole password.
func (h passwordHash) isTooLong(password string) bool { return h.limit > 0 && len(password) > h.limit }

// matches compares within the process's turns for hashing. A password longer than
// the algorithm reads never matches, but costs the same.
func (h passwordHash) matches(ctx context.Context, password string) (bool, error) {
	if err := hashing.Acquire(ctx); err != nil {
		return false, err
	}
	defer hashing.Release()
	tooLong := h.isTooLong(password)
	if tooLong {
		password = password[:h.limit]
	}
	ok, err := h.comparer.Compare(h.encoded, []byte(password))
	if err != nil {
		return false, fmt.Errorf("comparing a password hash: %w", err)
	}
	return ok && !tooLong, nil
}

// newDecoy makes a hash that no password has, of the cost that most users'
// hashes have: an unknown user then takes as long as a known one. Its digest is
// random bytes, so nothing has to be hashed to make it.
func newDecoy(lists ...[]User) (passwordHash, error) {
	counts := make(map[string]int)
	var model passwordHash
	for _, list := range lists {
		for i := range list {
			hash := list[i].hash
			counts[hash.cost]++
			if model.encoded == nil || counts[hash.cost] > counts[model.cost] {
				model = hash
			}
		}
	}
	decoy := model
	parts := strings.Split(string(model.encoded), "$")
	switch len(parts) {
	case 4: // $2a$10$<22 characters of salt><31 of digest>
		coding := base64.NewEncoding(bcryptAlphabet).WithPadding(base64.NoPadding)
		parts[3] = coding.EncodeToString(randomBytes(16)) + coding.EncodeToString(randomBytes(23))
	case 6: // $argon2id$v=19$m=,t=,p=$salt$key
		for i := 4; i <= 5; i++ {
			parts[i] = base64.RawStdEncoding.EncodeToString(randomBytes(base64.RawStdEncoding.DecodedLen(len(parts[i]))))
		}
	default:
		return decoy, nil // no users: refused elsewhere
	}
	decoy.encoded = []byte(strings.Join(parts, "$"))
	if _, cost, err := hashCost(string(decoy.encoded)); err != nil || cost != model.cost {
		return passwordHash{}, fmt.Errorf("making a decoy hash of cost %q failed", model.cost)
	}
	return decoy, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand crashes the process instead
	return b
}

// hashing are the process's turns for password checks, which are slow and hungry
// on purpose: half the cores, and a short queue that turns the rest away.
var hashing = queue.New(max(1, runtime.GOMAXPROCS(0)/2), maxWaiting, 10*time.Second)

// maxWaiting is how many password checks may wait for their turn.
const maxWaiting = 64
