package email_test

import (
	"fmt"

	"github.com/caddy-signin/caddy-signin/providers/email"
)

// The services that mail links besides a mail server of one's own.
func ExampleServices() {
	for _, service := range email.Services() {
		fmt.Println(service.Name, "is", service.Display)
	}
	// Output:
	// forwardemail is Forward Email
	// loops is Loops
	// mailgun is Mailgun
	// postmark is Postmark
	// resend is Resend
	// sendgrid is SendGrid
}
