package pages

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// phrases are all words of a catalog by where they stand.
func phrases(words *catalog) map[string]string {
	all := make(map[string]string)
	v := reflect.ValueOf(*words)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch field := v.Field(i).Interface().(type) {
		case string:
			all[name] = field
		case map[string]string:
			for category, form := range field {
				all[name+" "+category] = form
			}
		case map[string]message:
			for code, m := range field {
				all[name+" "+code+" title"], all[name+" "+code+" text"] = m.Title, m.Text
			}
		}
	}
	return all
}

func TestEveryCatalogSaysEverything(t *testing.T) {
	english := phrases(catalogs["en"])
	for lang, words := range catalogs {
		here := phrases(words)
		if !maps.EqualFunc(here, english, func(a, b string) bool {
			return slices.Equal(sorted(placeholder.FindAllString(a, -1)), sorted(placeholder.FindAllString(b, -1)))
		}) {
			t.Errorf("%s has not the same phrases or placeholders as English", lang)
		}
		for name, phrase := range here {
			if phrase == "" {
				t.Errorf("%s: %s is empty", lang, name)
			}
		}
		if words.Dir != "ltr" && words.Dir != "rtl" {
			t.Errorf("%s: dir %q", lang, words.Dir)
		}
		for code, m := range words.Errors {
			if code != strings.ToLower(code) {
				t.Errorf("%s: code %s is not in lower case", lang, code)
			}
			if m.Form != "" && m.Form != TypeEmail && m.Form != TypeCredentials {
				t.Errorf("%s: %s belongs to a form of type %s", lang, code, m.Form)
			}
		}
	}
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

func TestCatalogsHoldNothingUnknown(t *testing.T) {
	files, err := catalogFiles.ReadDir("catalogs")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := catalogFiles.ReadFile("catalogs/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		words := new(catalog)
		if err := decoder.Decode(words); err != nil {
			t.Errorf("%s: %v", file.Name(), err)
		}
		if words.Lang+".json" != file.Name() {
			t.Errorf("%s is of language %q", file.Name(), words.Lang)
		}
	}
}

func TestMessagesUseOnlyValuesThatEveryPageHas(t *testing.T) {
	for lang, words := range catalogs {
		for code, m := range words.Errors {
			for _, name := range placeholder.FindAllString(m.Text+m.Remedy, -1) {
				if name != "{site}" && name != "{provider}" {
					t.Errorf("%s: %s uses %s", lang, code, name)
				}
			}
		}
	}
}

func TestALanguageFallsBackToItsParentAndThenToEnglish(t *testing.T) {
	arabic := *catalogs["en"]
	arabic.Lang, arabic.Dir = "ar", "rtl"
	catalogs["ar"] = &arabic
	defer delete(catalogs, "ar")
	for lang, want := range map[string]string{
		"": "en", "en": "en", "en-GB": "en", "ar": "ar", "AR": "ar", "ar-Arab-EG": "ar", "tlh": "en", "-": "en", "a-": "en",
	} {
		if got := wordsFor(lang).Lang; got != want {
			t.Errorf("%q: %s, want %s", lang, got, want)
		}
	}
	body, err := render(viewOf(Error{Site: Site{Lang: "ar-EG"}}))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, []byte(`<html lang="ar" dir="rtl">`)) {
		t.Error("the page does not run from right to left")
	}
}

func TestFill(t *testing.T) {
	vals := values{"a": value("{b}"), "b": strong("B")}
	tests := map[string]struct {
		phrase string
		want   text
	}{
		"nothing":                       {"", nil},
		"words only":                    {"words", text{{Text: "words"}}},
		"a value is not filled again":   {"x {a} y", text{{Text: "x "}, value("{b}"), {Text: " y"}}},
		"values side by side":           {"{a}{b}", text{value("{b}"), strong("B")}},
		"an unknown name stays":         {"{c} z", text{{Text: "{c} z"}}},
		"a brace that is never closed":  {"x {a", text{{Text: "x {a"}}},
		"a brace that was never opened": {"x a}", text{{Text: "x a}"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := fill(test.phrase, vals); !slices.Equal(got, test.want) {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestTimesAreToldInTheirUnitAndRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                         "1 second",
		time.Millisecond:          "1 second",
		time.Second:               "1 second",
		39_001 * time.Millisecond: "40 seconds",
		2 * time.Minute:           "120 seconds",
		121 * time.Second:         "3 minutes",
		30 * time.Minute:          "30 minutes",
		2 * time.Hour:             "120 minutes",
		24 * time.Hour:            "24 hours",
		math.MaxInt64:             "2562048 hours",
	} {
		got := catalogs["en"].duration(d)
		if got.Text != want || (got.Seconds > 0) != (d <= countdownLimit) {
			t.Errorf("%v: %q, %d seconds to count, want %q", d, got.Text, got.Seconds, want)
		}
	}
}

func TestMarks(t *testing.T) {
	for preset, name := range marks.Presets {
		if marks.Paths[name] == "" {
			t.Errorf("preset %s has the mark %s, which is not drawn", preset, name)
		}
	}
	drawing := regexp.MustCompile(`^M[MmLlHhVvAaCcSsQqZz0-9 .,-]+$`)
	for name, path := range marks.Paths {
		if !drawing.MatchString(path) {
			t.Errorf("mark %s is no path", name)
		}
	}
	for name, want := range map[string]string{
		"Example": "E", "élan": "É", "42 School": "4", " (beta)": "B", "日本": "日", "": "•", "!?": "•", "\xff": "•",
	} {
		if got := markOf("no such preset", name); got.Letter != want || got.Path != "" {
			t.Errorf("%q: %+v, want %s", name, got, want)
		}
	}
	if got := markOf("github", "GitHub"); got.Path == "" || got.Letter != "" {
		t.Errorf("github: %+v", got)
	}
}

func TestSafeURL(t *testing.T) {
	for raw, want := range map[string]bool{
		"https://a.example/x?y#z": true, "http://localhost:3000": true, "/": true, "/x//y": true, "HTTPS://a.example": true,
		"": false, "x": false, "//a.example": false, "///a.example": false, `/\a.example`: false, `https:\\a.example`: false, "https:a": false,
		"https://": false, "javascript:alert(1)": false, "data:,x": false, " /x": false, "/x\n": false, "mailto:a@b.example": false,
		"ftp://a.example": false, "https://a b/": false,
	} {
		if got := safeURL(raw); got != "" != want || (want && got != raw) {
			t.Errorf("%q: %q", raw, got)
		}
	}
}
