package flow

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

func postOf(kind string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Content-Type", kind)
	return r
}

func TestFieldsOfABody(t *testing.T) {
	for _, test := range []struct {
		name, kind, body string
		want             fields
		status           int // of the refusal
	}{
		{"a form", formType, "a=1&b=%20x+y", fields{"a": "1", "b": " x y"}, 0},
		{"a form with a charset", formType + "; charset=utf-8", "a=1", fields{"a": "1"}, 0},
		{"a form's repeated field counts as absent", formType, "a=1&a=2&b=3", fields{"b": "3"}, 0},
		{"a form's semicolons are text", formType, "a=1;b=2&c=;", fields{"a": "1;b=2", "c": ";"}, 0},
		{"an empty form", formType, "", fields{}, 0},
		{"a malformed form", formType, "a=%zz", nil, 400},
		{"a form of too many fields", formType, strings.Repeat("a=1&", maxFields), nil, 400},
		{"a JSON object", jsonType, `{"a":"1","b":" x y"}`, fields{"a": "1", "b": " x y"}, 0},
		{"what is no string in JSON counts as absent", jsonType, `{"a":1,"b":true,"c":null,"d":["x"],"e":{"f":"g"},"h":"i"}`, fields{"h": "i"}, 0},
		{"a JSON member given twice counts as absent", jsonType, `{"a":"1","a":"2","a":"3","b":"4"}`, fields{"b": "4"}, 0},
		{"an empty JSON body", jsonType, " ", nil, 0},
		{"a JSON array", jsonType, `["a"]`, nil, 400},
		{"a JSON string", jsonType, `"a"`, nil, 400},
		{"broken JSON", jsonType, `{"a":"1"`, nil, 400},
		{"JSON with something behind it", jsonType, `{"a":"1"}{}`, nil, 400},
		{"JSON nested too deeply", jsonType, `{"a":` + strings.Repeat("[", maxJSONDepth) + strings.Repeat("]", maxJSONDepth) + `}`, nil, 400},
		{"JSON of too many members", jsonType, manyMembers(maxFields + 1), nil, 400},
		{"JSON of as many members as may be", jsonType, manyMembers(maxFields), nil, 0},
		{"plain text", "text/plain", "a=1", nil, 0},
		{"multipart", "multipart/form-data; boundary=x", "--x\r\n", nil, 0},
		{"no type", "", "a=1", nil, 0},
		{"a type that only begins alike", jsonType + "-patch", `{"a":"1"}`, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := parseFields(postOf(test.kind), []byte(test.body))
			bad, refused := errors.AsType[*bodyError](err)
			if test.status != 0 {
				if !refused || bad.status != test.status {
					t.Fatalf("error %v, want a refusal with %d", err, test.status)
				}
				return
			}
			if err != nil || (test.want != nil && !maps.Equal(got, test.want)) {
				t.Errorf("fields %v, error %v, want %v", got, err, test.want)
			}
		})
	}
	compressed := postOf(formType)
	compressed.Header.Set("Content-Encoding", "gzip")
	if got, _, err := parseFields(compressed, []byte("a=1")); err != nil || len(got) != 0 {
		t.Errorf("a compressed body gives the fields %v, %v", got, err)
	}
}

func manyMembers(n int) string {
	members := make(map[string]string, n)
	for i := range n {
		members[strings.Repeat("x", i+1)] = ""
	}
	text, _ := json.Marshal(members)
	return string(text)
}

// A field is what the standard library's parsers say it is, or absent.
func FuzzParseFields(f *testing.F) {
	for _, body := range []string{"a=1&b=2&b=3", `{"a":"1","b":{"c":["d"]}}`, "%", "a;b", `{"a":"\ud800"}`, "{}", "\xff=\xff", "a=1&;"} {
		f.Add(body, true)
		f.Add(body, false)
	}
	f.Fuzz(func(t *testing.T, body string, asJSON bool) {
		kind := formType
		if asJSON {
			kind = jsonType
		}
		got, values, err := parseFields(postOf(kind), []byte(body))
		if err != nil {
			if bad, ok := errors.AsType[*bodyError](err); !ok || bad.status/100 != 4 || len(got) > 0 {
				t.Fatalf("error %v with the fields %v", err, got)
			}
			return
		}
		if len(got) > maxFields {
			t.Fatalf("%d fields", len(got))
		}
		if !asJSON {
			reference, _ := url.ParseQuery(strings.ReplaceAll(body, ";", "%3b"))
			for name, value := range got {
				if len(reference[name]) != 1 || reference[name][0] != value || len(values[name]) != 1 {
					t.Fatalf("field %q is %q, of %q", name, value, reference[name])
				}
			}
			return
		}
		var reference map[string]any
		if strings.TrimSpace(body) == "" {
			return
		}
		if err := json.Unmarshal([]byte(body), &reference); err != nil {
			t.Fatalf("took JSON that is none: %v", err)
		}
		for name, value := range got {
			if reference[name] != value {
				t.Fatalf("field %q is %q, of %v", name, value, reference[name])
			}
		}
	})
}
