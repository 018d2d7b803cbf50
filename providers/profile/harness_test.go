package profile

import (
	"cmp"
)

// ofOIDC are the standard claims.
var ofOIDC = Map{
	ID: "sub", Name: "name|nickname|preferred_username",
	Email: "email", Image: "picture", Groups: "groups",
}

// or returns m with the values of defaults where it has none.
func or(m, defaults Map) Map {
	return Map{
		ID: cmp.Or(m.ID, defaults.ID), Name: cmp.Or(m.Name, defaults.Name), Email: cmp.Or(m.Email, defaults.Email),
		EmailVerified: cmp.Or(m.EmailVerified, defaults.EmailVerified), Image: cmp.Or(m.Image, defaults.Image), Groups: cmp.Or(m.Groups, defaults.Groups),
	}
}
