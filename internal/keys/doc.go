// Package keys has a realm's secrets, configured by the operator or generated and
// kept in storage, and derives from them every key that seals or signs something:
// a purpose and the name of a cookie each give a key of their own, so that what
// was made for one can't be used as another.
package keys
