// Package deadline bounds how long something may take, by contexts that cost next
// to nothing where nobody has to wait.
package deadline
