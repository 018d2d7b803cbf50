// Package directive reads the blocks of a Caddyfile, and expands placeholders, in one
// way for realms, providers and stores: an option stands once, a name that isn't known
// is told with the near ones, and a mistake with its file and line.
//
// A module says which options it has, and where each belongs:
//
//	return directive.Read(d, directive.Options{
//		"name":     directive.One(&m.Name),
//		"scopes":   directive.Some(&m.Scopes),
//		"insecure": directive.Flag(&m.Insecure),
//	})
package directive

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-signin/caddy-signin/internal/nearest"
)

// Option reads one line, with its block, the dispenser being at the option's name.
type Option func(d *caddyfile.Dispenser) error

// Options are the options of a block by name.
type Options map[string]Option

// Names are the options' names, sorted.
func (o Options) Names() []string { return slices.Sorted(maps.Keys(o)) }

// Section says how the messages about a block are worded. The zero Section does for
// most.
type Section struct {
	// Name stands at the beginning of each message, such as "redis". Default: none.
	Name string
	// Unknown is the message about an unknown option that no name is near, a format
	// with %q for the option. Default: one that lists all names.
	Unknown string
}

// Read reads the block that follows, if there is one. Each option may stand once, those
// that are repeatable more often. Errors say the file and the line.
func Read(d *caddyfile.Dispenser, options Options, repeatable ...string) error {
	return Section{}.Read(d, options, repeatable...)
}

// Read is [Read] with the section's messages.
func (s Section) Read(d *caddyfile.Dispenser, options Options, repeatable ...string) error {
	block := NewBlock(options, repeatable...)
	block.section = s
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch err := block.ReadLine(d); {
		case err != nil && s.Name != "":
			return fmt.Errorf("%s: %w", s.Name, err)
		case err != nil:
			return err
		}
	}
	return nil
}

// Block is a block that is being read. It is for blocks in which more may stand than
// options; others are read by [Read].
type Block struct {
	section    Section
	options    Options
	repeatable []string
	seen       map[string]bool
}

// NewBlock begins a block with these options, each of which may stand once but for
// the repeatable.
func NewBlock(options Options, repeatable ...string) *Block {
	return &Block{options: options, repeatable: repeatable, seen: make(map[string]bool)}
}

// Has says whether a word is one of the block's options.
func (b *Block) Has(word string) bool { return b.options[word] != nil }

// ReadLine reads the option that the dispenser is at, or returns an error that says
// what is wrong with it.
func (b *Block) ReadLine(d *caddyfile.Dispenser) error {
	name := d.Val()
	read := b.options[name]
	switch {
	case read == nil:
		return d.Err(b.section.unknown(name, b.options.Names()))
	case b.seen[name] && !slices.Contains(b.repeatable, name):
		return d.Errf("%s is written twice", name)
	}
	b.seen[name] = true
	return read(d)
}

func (s Section) unknown(name string, known []string) string {
	if s.Unknown != "" && len(nearest.Names(name, known)) == 0 {
		return fmt.Sprintf(s.Unknown, name)
	}
	return fmt.Sprintf("unknown option %q%s", name, DidYouMean(name, known))
}

// Inner reads a block inside of a block, and nothing beside it on the option's line.
func Inner(options Options) Option { return Section{}.Inner(options) }

// Inner is [Inner] with the section's messages.
func (s Section) Inner(options Options) Option {
	return func(d *caddyfile.Dispenser) error {
		if d.CountRemainingArgs() > 0 {
			return d.Errf("%s takes a block, with one of %s on each line", d.Val(), strings.Join(options.Names(), ", "))
		}
		return s.Read(d, options)
	}
}

// DidYouMean ends an error about a name that isn't known: with the near names, or
// with all when none is near.
func DidYouMean(name string, known []string) string {
	if near := nearest.Names(name, known); len(near) > 0 {
		return ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return ": write one of " + strings.Join(known, ", ")
}

// At adds the file and line of a token to an error. Nil stays nil.
func At(token caddyfile.Token, err error) error {
	if err == nil {
		return nil
	}
	d := caddyfile.NewDispenser([]caddyfile.Token{token})
	d.Next()
	return d.WrapErr(err)
}
