package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed catalogs/*.json
var catalogFiles embed.FS

// catalogs holds the words of every language by its tag; "en" is always there.
var catalogs = mustLoadCatalogs()

// catalog is the words of one language: one file of catalogs/. {site},
// {provider}, {user}, {email}, {time} and {n} stand for values.
type catalog struct {
	Lang              string `json:"lang"`
	Dir               string `json:"dir"` // ltr or rtl
	SignInHeading     string `json:"signin_heading"`
	SignedInHeading   string `json:"signed_in_heading"`
	SignIn            string `json:"signin"`
	SignInWith        string `json:"signin_with"`
	ContinueWith      string `json:"continue_with"`
	ContinueAs        string `json:"continue_as"`
	Continue          string `json:"continue"`
	Or                string `json:"or"`
	OrAnotherAccount  string `json:"or_another_account"`
	LastUsed          string `json:"last_used"`
	NoProviders       string `json:"no_providers"`
	EmailLabel        string `json:"email_label"`
	EmailSubmit       string `json:"email_submit"`
	Show              string `json:"show"`
	Hide              string `json:"hide"`
	ShowPassword      string `json:"show_password"`
	HidePassword      string `json:"hide_password"`
	CapsLock          string `json:"caps_lock"`
	SignOutHeading    string `json:"signout_heading"`
	SignOut           string `json:"signout"`
	SignOutEverywhere string `json:"signout_everywhere"`
	SignedOutHeading  string `json:"signed_out_heading"`
	SignedOutText     string `json:"signed_out_text"`
	Cancel            string `json:"cancel"`
	BackTo            string `json:"back_to"`
	SignedInAs        string `json:"signed_in_as"`
	TryAgain          string `json:"try_again"`
	TryNow            string `json:"try_now"`
	TryAgainIn        string `json:"try_again_in"`
	Reference         string `json:"reference"`
	VerifyHeading     string `json:"verify_heading"`
	VerifySentTo      string `json:"verify_sent_to"`
	VerifySent        string `json:"verify_sent"`
	VerifyOnce        string `json:"verify_once"`
	VerifyOnceWithin  string `json:"verify_once_within"`
	VerifyMissing     string `json:"verify_missing"`
	Resend            string `json:"resend"`
	ResendIn          string `json:"resend_in"`
	AnotherAddress    string `json:"another_address"`
	ConfirmText       string `json:"confirm_text"`
	ConfirmTextBare   string `json:"confirm_text_bare"`
	ConfirmIgnore     string `json:"confirm_ignore"`
	ForbiddenHeading  string `json:"forbidden_heading"`
	ForbiddenText     string `json:"forbidden_text"`
	AnotherAccount    string `json:"another_account"`
	UnauthorizedHead  string `json:"unauthorized_heading"`
	UnauthorizedText  string `json:"unauthorized_text"`
	UnauthorizedSent  string `json:"unauthorized_posted"`
	UnavailableHead   string `json:"unavailable_heading"`
	UnavailableText   string `json:"unavailable_text"`
	UnavailablePosted string `json:"unavailable_posted"`
	ThisSite          string `json:"this_site"`
	ChosenService     string `json:"chosen_service"`

	// Durations by CLDR plural category.
	Seconds map[string]string `json:"seconds"`
	Minutes map[string]string `json:"minutes"`
	Hours   map[string]string `json:"hours"`

	// Errors by code in lower case; "default" is always there.
	Errors map[string]message `json:"errors"`
}

// message is what one error code says: the heading of the error page, what
// happened, and what to do now.
type message struct {
	Title  string `json:"title"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
	// Action names the error page's button. Default: try_again.
	Action string `json:"action,omitempty"`
	// Form is the type of the providers whose form the message belongs to.
	Form string `json:"form,omitempty"`
	// Note marks a message that is no failure.
	Note bool `json:"note,omitempty"`
	// Logged says that the log knows more, so that the reference is shown.
	Logged bool `json:"logged,omitempty"`
}

func mustLoadCatalogs() map[string]*catalog {
	files, err := catalogFiles.ReadDir("catalogs")
	if err != nil {
		panic(err)
	}
	all := make(map[string]*catalog, len(files))
	for _, file := range files {
		raw, err := catalogFiles.ReadFile("catalogs/" + file.Name())
		if err != nil {
			panic(err)
		}
		words := new(catalog)
		if err := json.Unmarshal(raw, words); err != nil {
			panic(fmt.Errorf("catalog %s: %w", file.Name(), err))
		}
		all[words.Lang] = words
	}
	return all
}

// wordsFor returns the catalog of a language tag ("de-AT" falls back to "de"),
// and English where there is none.
func wordsFor(lang string) *catalog {
	for tag := strings.ToLower(lang); tag != ""; {
		if words, ok := catalogs[tag]; ok {
			return words
		}
		cut := strings.LastIndexByte(tag, '-')
		tag = tag[:max(cut, 0)]
	}
	return catalogs["en"]
}

// message finds the words for an error code in any case. An unknown code gets
// the default text and is never shown itself.
func (c *catalog) message(code string) message {
	if m, ok := c.Errors[strings.ToLower(code)]; ok {
		return m
	}
	return c.Errors["default"]
}

// part is a piece of a sentence: fixed words, a value (strong where the
// sentence is about it), or a time that the script counts down.
type part struct {
	Text    string
	Value   bool
	Strong  bool
	Seconds int    // of a countdown
	Words   string // JSON: the countdown's words by plural category
}

// text is a sentence whose values are kept apart, so that the page can isolate
// their writing direction.
type text []part

// String is the whole sentence.
func (t text) String() string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.Text)
	}
	return b.String()
}

// values are what the names in braces stand for.
type values map[string]part

func value(s string) part  { return part{Text: s, Value: true} }
func strong(s string) part { return part{Text: s, Value: true, Strong: true} }

// fill puts values in the place of their names in braces. A name without a
// value stays as it is: a fault of the catalog, which its test finds.
func fill(phrase string, vals values) text {
	var out text
	for phrase != "" {
		before, rest, open := strings.Cut(phrase, "{")
		name, after, closed := strings.Cut(rest, "}")
		val, known := vals[name]
		if !open || !closed || !known {
			return append(out, part{Text: phrase})
		}
		if before != "" {
			out = append(out, part{Text: before})
		}
		out = append(out, val)
		phrase = after
	}
	return out
}

// countdownLimit is the longest time told in seconds, and counted down.
const countdownLimit = 2 * time.Minute

// duration tells a time in its natural unit, rounded up: what it promises is
// then true. Up to two minutes it can be counted down.
func (c *catalog) duration(d time.Duration) part {
	switch {
	case d <= countdownLimit:
		n := ceil(d, time.Second)
		words, err := json.Marshal(c.Seconds)
		if err != nil {
			panic(err) // a map of strings has a JSON form
		}
		return part{Text: plural(c.Seconds, n), Seconds: n, Words: string(words)}
	case d <= 2*time.Hour:
		return part{Text: plural(c.Minutes, ceil(d, time.Minute))}
	default:
		return part{Text: plural(c.Hours, ceil(d, time.Hour))}
	}
}

// plural picks the form for n. A language with more categories than these two
// brings its rule with it.
func plural(forms map[string]string, n int) string {
	form := forms["other"]
	if n == 1 {
		form = forms["one"]
	}
	return strings.ReplaceAll(form, "{n}", strconv.Itoa(n))
}

// ceil counts the units in d, rounded up, at least one.
func ceil(d, unit time.Duration) int {
	n := int(d / unit)
	if d%unit > 0 {
		n++
	}
	return max(1, n)
}
