package authjs

// Text is a JSON value that may be missing, null or a string: NextAuth.js tells
// the three apart in a person's name, e-mail address and image. The zero Text is
// missing.
type Text struct {
	value string
	state textState
}

type textState uint8

const (
	textMissing textState = iota
	textNull
	textString
)

// Null is the Text null.
var Null = Text{state: textNull}

// TextOf returns the Text that holds s.
func TextOf(s string) Text { return Text{value: s, state: textString} }

// TextOrMissing returns the Text that holds s, or, when s is empty, is missing.
func TextOrMissing(s string) Text {
	if s == "" {
		return Text{}
	}
	return TextOf(s)
}

// Missing says that there is no such member.
func (t Text) Missing() bool { return t.state == textMissing }

// IsNull says that the member is null.
func (t Text) IsNull() bool { return t.state == textNull }

// String returns the string, which is empty for a missing or null member too.
func (t Text) String() string { return t.value }
