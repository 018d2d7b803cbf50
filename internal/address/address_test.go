package address

import (
	"net/mail"
	"regexp"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	label := strings.Repeat("b", 61) + "."
	for in, want := range map[string]string{
		"alice@example.com":                        "alice@example.com",
		"Alice.O'Hara+tag@Example.COM":             "alice.o'hara+tag@example.com",
		"  alice@example.com ":                     "alice@example.com",
		"\u00a0alice@example.com":                  "alice@example.com",
		"ａｌｉｃｅ＠ｅｘａｍｐｌｅ．ｃｏｍ":                        "alice@example.com",
		"zoe@münchen.example":                      "zoe@xn--mnchen-3ya.example",
		"zoe@MüNCHEN.example":                      "zoe@xn--mnchen-3ya.example",
		"zoe@mu\u0308nchen.example":                "zoe@xn--mnchen-3ya.example",
		"mallory@g\u0131thub.com":                  "mallory@xn--gthub-n4a.com", // another domain, and it stays one
		"zoe@straße.example":                       "zoe@xn--strae-oqa.example",
		"zoe@βόλος.example":                        "zoe@xn--nxasmm1c.example",
		"zoe@xn--mnchen-3ya.example":               "zoe@xn--mnchen-3ya.example",
		"a@b.co":                                   "a@b.co",
		long + "@example.com":                      long + "@example.com",
		"a@" + label + label + label + label + "c": "a@" + label + label + label + label + "c",
	} {
		got, err := Parse(in)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	label := strings.Repeat("b", 61) + "."
	for name, in := range map[string]string{
		"nothing":                        "",
		"no at sign":                     "alice.example.com",
		"no local part":                  "@example.com",
		"no domain":                      "alice@",
		"two at signs":                   "alice@example.com@evil.example",
		"two at signs after folding":     "alice＠example.com@evil.example",
		"a display name":                 "Alice <alice@example.com>",
		"angle brackets":                 "<alice@example.com>",
		"a comment":                      "alice(comment)@example.com",
		"a quoted local part":            `"alice"@example.com`,
		"a group":                        "friends:alice@example.com;",
		"a comma":                        "alice@example.com,bob@example.com",
		"a semicolon":                    "alice@example.com;bob@example.com",
		"a space inside":                 "alice smith@example.com",
		"a space before the at sign":     "alice @example.com",
		"a line feed":                    "alice@example.com\nbcc:bob@example.com",
		"a line feed at the end":         "alice@example.com\n",
		"a tab":                          "\talice@example.com",
		"a NUL":                          "alice\x00@example.com",
		"a C1 control":                   "alice\u0085@example.com",
		"an encoded word":                "=?utf-8?q?alice?=@example.com",
		"routing with %":                 "alice%evil.example@example.com",
		"routing with !":                 "evil!alice@example.com",
		"a placeholder":                  "{env.SECRET}@example.com",
		"a pipe":                         "|sh@example.com",
		"a backtick":                     "`id`@example.com",
		"a non-ASCII local part":         "zoë@example.com",
		"an invisible character":         "al\u200bice@example.com",
		"a soft hyphen in the domain":    "alice@exam\u00adple.com",
		"a dot at the start":             ".alice@example.com",
		"a dot at the end":               "alice.@example.com",
		"two dots":                       "a..b@example.com",
		"a local part of 65 bytes":       strings.Repeat("a", 65) + "@example.com",
		"255 bytes":                      "aaa@" + label + label + label + label + "cde",
		"a domain without a dot":         "alice@localhost",
		"a domain with a dot at the end": "alice@example.com.",
		"an empty label":                 "alice@example..com",
		"a label of 64 bytes":            "alice@" + strings.Repeat("b", 64) + ".com",
		"a hyphen at a label's start":    "alice@-example.com",
		"a hyphen at a label's end":      "alice@example-.com",
		"an underscore in the domain":    "alice@exam_ple.com",
		"an address literal":             "alice@[192.0.2.1]",
		"an IPv4 address":                "alice@192.0.2.1",
		"invalid UTF-8":                  "alice\xff@example.com",

		// Letters that some fold makes another mailbox of (strings.ToLower,
		// strings.EqualFold, NFC, NFKC, UTS #46).
		"U+0130 in the domain":              "mallory@g\u0130thub.com",
		"U+0130 in the local part":          "\u0130da@example.com",
		"U+212A KELVIN SIGN":                "\u212aate@example.com",
		"U+212A in the domain":              "a@\u212aernel.example",
		"U+017F LONG S":                     "a@\u017felf.example",
		"U+017F in the local part":          "\u017fam@example.com",
		"U+212B ANGSTROM SIGN":              "a@\u212bngstrom.example",
		"a ligature":                        "\ufb01@example.com",
		"a ligature in the domain":          "a@\ufb01.example",
		"a capital outside ASCII":           "zoe@M\u00dcNCHEN.example",
		"a superscript digit":               "a\u00b2@example.com",
		"an ideographic full stop":          "a@example\u3002com",
		"a zero width joiner in the domain": "a@exam\u200dple.com",
		"a one dot leader":                  "a@example\u2024com",
		"a small commercial at":             "a\ufe6bexample.com",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Parse(in); err == nil {
				t.Errorf("%q was read as %q", in, got)
			}
		})
	}
}

// A provider vouches for the mailbox it names, not for one it folds into.
func TestAnAttestedAddressIsNotFolded(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"ａdmin@example.com", "admin＠example.com", "\u212aate@example.com", "ﬁ@example.com",
		"mallory@g\u0130thub.com", "admin@ｅxample.com", "a@mu\u0308nchen.example", "a@github.com\u200b",
	} {
		if got, ok := Normal(in); ok {
			t.Errorf("%q counts as %q", in, got)
		}
	}
	if got, ok := Normal("Alice@Example.com"); !ok || got != "alice@example.com" {
		t.Errorf("got %q, %t", got, ok)
	}
}

var plainAddress = regexp.MustCompile(`^[a-z0-9#$&'*+\-/=^_~]+(\.[a-z0-9#$&'*+\-/=^_~]+)*@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"alice@example.com", " Alice+x@Example.COM ", "ａ＠ｂ．ｃｏ", "a@b@c.de", "Alice <a@b.co>", `"a"@b.co`,
		"a@münchen.example", "a@\u00ad.co", "a\r\n@b.co", "=?x?q?y?=@b.co", "a@xn--a.co",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		address, err := Parse(s)
		if err != nil {
			return
		}
		if !plainAddress.MatchString(address) || len(address) > maxAddress {
			t.Errorf("%q became %q", s, address)
		}
		if again, err := Parse(address); err != nil || again != address {
			t.Errorf("%q became %q, and that %q, %v", s, address, again, err)
		}
		// An independent parser reads the same one address.
		if other, err := mail.ParseAddress(address); err != nil || other.Address != address || other.Name != "" {
			t.Errorf("%q: net/mail reads %v, %v", address, other, err)
		}
	})
}
