package panics

import (
	"errors"
	"strings"
	"testing"
)

func TestAPanicIsAnErrorWithItsStack(t *testing.T) {
	t.Parallel()
	err := Catch(func() error { panic("boom") })
	caught, ok := errors.AsType[*Error](err)
	if !ok || err.Error() != "panic: boom" || !strings.Contains(string(caught.Stack), "TestAPanicIsAnErrorWithItsStack") {
		t.Errorf("got %v", err)
	}
	cause := errors.New("cause")
	if err := Catch(func() error { return cause }); !errors.Is(err, cause) {
		t.Errorf("an error became %v", err)
	}
}
