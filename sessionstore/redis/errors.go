package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/caddy-signin/caddy-signin/sessionstore"
)

// answers say what an operator does about an error of the server's, by the word
// that it begins with.
var answers = map[string]struct {
	advice string
	is     error // a sentinel that it is
}{
	"READONLY":    {advice: "it is a replica: name the primary, or the sentinels"},
	"OOM":         {advice: "its memory is full: raise maxmemory", is: sessionstore.ErrFull},
	"NOAUTH":      {advice: "it wants a password: set password"},
	"WRONGPASS":   {advice: "user name or password is wrong"},
	"NOPERM":      {advice: "the user lacks a permission: docs/operations.md lists what it needs"},
	"MOVED":       {advice: "it is a node of a cluster: add the option cluster"},
	"CROSSSLOT":   {advice: "it is a node of a cluster: add the option cluster"},
	"CLUSTERDOWN": {advice: "the cluster is incomplete"},
	"LOADING":     {advice: "it is still loading its data"},
	"MASTERDOWN":  {advice: "it is a replica that has lost its primary"},
	"NOREPLICAS":  {advice: "it has too few replicas to write (min-replicas-to-write)"},
	"MISCONF":     {advice: "it can't save to disk: its log says why"},
}

// explain makes an error of the client's one of the store's. Under a context
// that is done it is the context's; a context error is in no other's chain. No
// error holds a secret.
func (c *connection) explain(ctx context.Context, doing string, l *link, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if l != nil && errors.Is(err, rueidis.ErrNoCache) {
		c.renounce(l)
	}
	if isContextError(err) {
		err = errNoAnswer
	}
	failure := fmt.Errorf("redis store: %s: %s: %w", doing, &c.settings, redact(err, c.settings.secrets()))
	if answer, known := answers[firstWord(err)]; known {
		failure = fmt.Errorf("%w (%s)", failure, answer.advice)
		if answer.is != nil {
			failure = fmt.Errorf("%w: %w", failure, answer.is)
		}
	}
	return failure
}

func firstWord(err error) string {
	if answer, ok := rueidis.IsRedisErr(err); ok {
		word, _, _ := strings.Cut(answer.Error(), " ")
		return word
	}
	return ""
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// redact removes secrets from an error: a server that doesn't know a command
// repeats its arguments.
func redact(err error, secrets []string) error {
	text := err.Error()
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "REDACTED")
	}
	if text != err.Error() {
		return errors.New(text)
	}
	return err
}
