package authjs

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested in a member's value.
const maxDepth = 32

// scanner reads JSON (RFC 8259) from a string that is valid UTF-8, without
// copying: strings it returns share the input's memory unless they hold escapes.
// Its methods return false where the text isn't what they are asked for; the
// position is of no use then.
type scanner struct {
	s string
	i int
}

// document reads a text that is one object, blanks around it allowed.
func (p *scanner) document(member func(key string) bool) bool {
	p.blanks()
	if !p.object(member) {
		return false
	}
	p.blanks()
	return p.i == len(p.s)
}

// object reads an object. It calls member at each value, which has to read it.
func (p *scanner) object(member func(key string) bool) bool {
	if !p.byte('{') {
		return false
	}
	if p.blanks(); p.byte('}') {
		return true
	}
	for {
		p.blanks()
		key, ok := p.text()
		if !ok {
			return false
		}
		p.blanks()
		if !p.byte(':') {
			return false
		}
		p.blanks()
		if !member(key) {
			return false
		}
		p.blanks()
		if p.byte('}') {
			return true
		}
		if !p.byte(',') {
			return false
		}
	}
}

// array reads an array. It calls element at each value, which has to read it.
func (p *scanner) array(element func() bool) bool {
	if !p.byte('[') {
		return false
	}
	if p.blanks(); p.byte(']') {
		return true
	}
	for {
		if p.blanks(); !element() {
			return false
		}
		p.blanks()
		if p.byte(']') {
			return true
		}
		if !p.byte(',') {
			return false
		}
	}
}

// skip reads any value, nested no deeper than depth.
func (p *scanner) skip(depth int) bool {
	if p.i >= len(p.s) {
		return false
	}
	switch p.s[p.i] {
	case '"':
		_, ok := p.text()
		return ok
	case '{':
		return depth > 0 && p.object(func(string) bool { return p.skip(depth - 1) })
	case '[':
		return depth > 0 && p.array(func() bool { return p.skip(depth - 1) })
	case 't':
		return p.word("true")
	case 'f':
		return p.word("false")
	case 'n':
		return p.word("null")
	}
	return p.number()
}

// blanks reads white space.
func (p *scanner) blanks() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// byte reads c if it comes next.
func (p *scanner) byte(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

// word reads w if it comes next.
func (p *scanner) word(w string) bool {
	if strings.HasPrefix(p.s[p.i:], w) {
		p.i += len(w)
		return true
	}
	return false
}

// digits reads decimal digits and returns how many there were.
func (p *scanner) digits() int {
	start := p.i
	for p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i - start
}

// number reads a number of any form.
func (p *scanner) number() bool {
	p.byte('-')
	if !p.byte('0') && p.digits() == 0 {
		return false
	}
	if p.byte('.') && p.digits() == 0 {
		return false
	}
	if p.byte('e') || p.byte('E') {
		if !p.byte('+') {
			p.byte('-')
		}
		return p.digits() > 0
	}
	return true
}

// integer reads a number without sign, fraction or exponent, of up to 12 digits.
func (p *scanner) integer() (n int64, ok bool) {
	const maxDigits = 12
	start := p.i
	if p.byte('0') {
		return 0, true
	}
	if count := p.digits(); count == 0 || count > maxDigits {
		return 0, false
	}
	for _, c := range []byte(p.s[start:p.i]) {
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// special marks the bytes that end a run of plain characters in a string.
var special = func() (t [256]bool) {
	for c := range byte(' ') {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// text reads a string.
func (p *scanner) text() (string, bool) {
	if !p.byte('"') {
		return "", false
	}
	start := p.i
	p.plain()
	if s := p.s[start:p.i]; p.byte('"') {
		return s, true
	}
	out := []byte(p.s[start:p.i])
	for p.byte('\\') {
		var ok bool
		if out, ok = p.escape(out); !ok {
			return "", false
		}
		start = p.i
		p.plain()
		out = append(out, p.s[start:p.i]...)
	}
	return string(out), p.byte('"')
}

// plain reads up to the next byte that means something in a string.
func (p *scanner) plain() {
	s, i := p.s, p.i
	for i < len(s) && !special[s[i]] {
		i++
	}
	p.i = i
}

// escapes are the characters that a backslash and one letter stand for.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what follows a backslash and appends what it means to dst. Half
// a surrogate pair means U+FFFD, as in encoding/json.
func (p *scanner) escape(dst []byte) ([]byte, bool) {
	if p.byte('u') {
		r, ok := p.hex4()
		if !ok {
			return nil, false
		}
		if utf16.IsSurrogate(r) {
			r = p.lowSurrogate(r)
		}
		return utf8.AppendRune(dst, r), true
	}
	if p.i >= len(p.s) || escapes[p.s[p.i]] == 0 {
		return nil, false
	}
	p.i++
	return append(dst, escapes[p.s[p.i-1]]), true
}

// lowSurrogate reads the second half of a surrogate pair, if it follows, and
// returns the character.
func (p *scanner) lowSurrogate(high rune) rune {
	start := p.i
	if p.word(`\u`) {
		if low, ok := p.hex4(); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r
			}
		}
	}
	p.i = start
	return utf8.RuneError
}

// hex4 reads four hex digits.
func (p *scanner) hex4() (r rune, ok bool) {
	if len(p.s)-p.i < 4 {
		return 0, false
	}
	for range 4 {
		d := fromHex(p.s[p.i])
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
		p.i++
	}
	return r, true
}
