package profile

import (
	"encoding/json"
	"testing"
)

func TestAnAnswerThatIsBothIsARefusal(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{
		`{}`:                               false,
		`{"error":null}`:                   false,
		`{"error":""}`:                     false,
		`{"error":false}`:                  false,
		`{"error":[]}`:                     false,
		`{"error":{"code":"ok"}}`:          false,
		`{"error":{"code":0}}`:             false,
		`{"success":true,"ok":true}`:       false,
		`{"error":"AccountLocked"}`:        true,
		`{"error":true}`:                   true,
		`{"error":1}`:                      true,
		`{"error":["x"]}`:                  true,
		`{"error":{"message":"x"}}`:        true,
		`{"error":{"code":"expired"}}`:     true,
		`{"success":false}`:                true,
		`{"success":"false"}`:              true,
		`{"ok":false}`:                     true,
		`{"authenticated":false,"id":"1"}`: true,
		`{"success":null,"ok":1}`:          false,
		`{"errors":[]}`:                    false,
		`{"errors":{}}`:                    false,
		`{"errors":null}`:                  false,
		`{"error_code":0}`:                 false,
		`{"error_code":""}`:                false,
		`{"active":true}`:                  false,
		`{"error":{"code":"ok","message":"","log_id":"1"}}`: false,
		`{"error":{"code":0,"message":""}}`:                 false,
		`{"error":{"code":0,"message":"account locked"}}`:   true,
		`{"error":{"code":"ok","message":"locked"}}`:        true,
		`{"success":0}`:                  true,
		`{"success":0.0}`:                true,
		`{"success":"0"}`:                true,
		`{"ok":0}`:                       true,
		`{"ok":"NO"}`:                    true,
		`{"authenticated":"False"}`:      true,
		`{"active":false}`:               true,
		`{"errors":["locked"]}`:          true,
		`{"errors":{"user":"locked"}}`:   true,
		`{"errors":{"code":0}}`:          true,
		`{"error_code":"AccountLocked"}`: true,
		`{"error_code":17}`:              true,
		`{"error_description":"locked"}`: true,
	} {
		c, err := ParseClaims([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Contradiction() != nil; got != refused {
			t.Errorf("%s: refused %t", text, got)
		}
	}
}

func TestAMemberThatIsThereTwiceIsRefused(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{
		`{"id":"1","id":"2"}`:                  true,
		`{"a":{"id":"1","id":"1"}}`:            true,
		`{"a":[{"id":"1"},{"id":"1","id":1}]}`: true,
		`{"id":"1","\u0069d":"2"}`:             true,
		`{"id":"1","ID":"2","a":{"id":"3"}}`:   false,
		`{"a":[{"id":"1"},{"id":"1"}],"b":[]}`: false,
		`{"a":"b","b":"a","c":["a","a"]}`:      false,
	} {
		if !json.Valid([]byte(text)) {
			t.Fatal(text)
		}
		if _, err := ParseClaims([]byte(text)); (err != nil) != refused {
			t.Errorf("%s: %v", text, err)
		}
	}
}
