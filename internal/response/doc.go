// Package response makes the gateway's own answers, JSON, text and redirects under
// protective headers, and cleans those of an upstream on their way to the browser.
package response
