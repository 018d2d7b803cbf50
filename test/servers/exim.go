package servers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/providers/providertest"
)

// Exim is Debian's mail server. It takes mail over STARTTLS from those who log
// in, for everyone but nobody@, and puts it all into one mailbox.
type Exim struct {
	*Process
	// Address is host:port.
	Address string
	// CAFile holds the authority of its certificate, in PEM.
	CAFile string
	// Username and Password are the login.
	Username, Password string

	mailbox string
}

const eximConfig = `
exim_path = DIR/exim
primary_hostname = mail.test
spool_directory = DIR/spool
log_file_path = DIR/log/%slog
pid_file_path = DIR/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = PORT
deliver_drop_privilege = true
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = DIR/cert.pem
tls_privatekey = DIR/key.pem
acl_smtp_rcpt = recipient
begin acl
recipient:
  require message = encrypt first
    encrypted = *
  require message = log in first
    authenticated = *
  deny message = no such mailbox
    local_parts = nobody
  accept
begin routers
all:
  driver = accept
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  file = DIR/mailbox
  envelope_to_add
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${if def:tls_in_cipher}
  server_condition = ${if and {{eq{$auth2}{USERNAME}}{eq{$auth3}{PASSWORD}}}}
  server_set_id = $auth2
`

// StartExim runs one until the test ends.
func StartExim(t testing.TB) *Exim {
	t.Helper()
	// A test's own folder lets no other user in, and Exim is one.
	dir, err := os.MkdirTemp("", "exim")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	port := FreePort(t)
	e := &Exim{
		Address: fmt.Sprintf("127.0.0.1:%d", port), CAFile: filepath.Join(dir, "cert.pem"),
		Username: "mailer", Password: "right horse", mailbox: filepath.Join(dir, "mailbox"),
	}
	config := strings.NewReplacer("DIR", dir, "PORT", fmt.Sprint(port), "USERNAME", e.Username, "PASSWORD", e.Password).Replace(eximConfig)
	certFile, keyFile := providertest.NewCertificate(t)
	// Debian's program runs as root whoever starts it: a copy of it doesn't.
	for target, source := range map[string]string{"exim": "/usr/sbin/exim4", "cert.pem": certFile, "key.pem": keyFile} {
		content, err := os.ReadFile(source)
		if err != nil {
			t.Fatalf("%v (make setup installs exim4)", err)
		}
		if err := os.WriteFile(filepath.Join(dir, target), content, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(dir, "exim.conf")
	if err := os.WriteFile(conf, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "exim"), "-C", conf, "-bdf", "-q30m")
	runAs(t, cmd, "Debian-exim", dir, conf, filepath.Join(dir, "exim"), e.CAFile, filepath.Join(dir, "key.pem"))
	e.Process = Start(t, cmd, func() error {
		conn, err := net.DialTimeout("tcp", e.Address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	})
	return e
}

// WaitForMail returns the text of the mailbox once it holds mail to an address.
func (e *Exim) WaitForMail(address string) string {
	e.t.Helper()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		// While it is delivered, the end is missing.
		if text, err := os.ReadFile(e.mailbox); err == nil && strings.Contains(string(text), "\nEnvelope-to: "+address+"\n") && strings.HasSuffix(string(text), "--\n\n") {
			return string(text)
		}
	}
	e.t.Fatalf("no mail to %s arrived:\n%s", address, e.Output())
	return ""
}
