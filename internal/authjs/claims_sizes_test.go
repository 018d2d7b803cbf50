package authjs_test

import (
	"reflect"
	"testing"

	"github.com/caddy-signin/caddy-signin/internal/authjs"
)

func TestSizesTellWhatIsLargest(t *testing.T) {
	t.Parallel()
	c := authjs.Claims{
		Name: authjs.TextOf("Al"), Subject: "1", Provider: "corp", Groups: []string{"admins", "staff"},
	}
	want := []authjs.Size{{"groups", 28}, {"provider", 18}, {"name", 12}, {"sub", 10}}
	if got := c.Sizes(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	whole := len(c.Append(nil))
	for _, one := range want {
		whole -= one.Bytes
	}
	if whole != 1 { // two braces, and one comma less
		t.Errorf("the sizes miss the whole by %d bytes", whole)
	}
}
