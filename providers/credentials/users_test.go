package credentials

import "testing"

func TestALoginNameThatFoldsIntoAnAddressIsNotIt(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"\u212aate@example.com", "kate@\u0130xample.com"} {
		user := User{Username: name, Email: "kate@example.com"}
		if err := user.check(); err == nil {
			t.Errorf("%q is taken for kate@example.com", name)
		}
	}
	user := User{Username: "Kate@Example.com", Email: "kate@example.com"}
	if err := user.check(); err != nil {
		t.Error(err)
	}
}
