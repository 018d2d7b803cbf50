// Package excerpt makes text of another party fit for a log or an error.
// It shortens and escapes; what may be shown at all is for its callers to know.
package excerpt

import "strconv"

// Of returns the beginning of s: escaped, on one line, 200 bytes at most.
func Of(s string) string {
	const most = 200
	quoted := strconv.QuoteToASCII(s[:min(len(s), most)])
	return quoted[1 : 1+min(len(quoted)-2, most)]
}
