package servers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// LDAP is an OpenLDAP server (slapd) with a directory of its own and a
// certificate of an authority that nobody knows.
type LDAP struct {
	*Process
	// URL is an ldap:// address, SecureURL an ldaps:// one.
	URL       string
	SecureURL string
	// CAFile is the authority's certificate (PEM).
	CAFile string

	t    testing.TB
	dir  string
	args []string
}

// The people that search, as configured by slapdConfig.
const (
	LDAPBase           = "dc=example,dc=com"
	LDAPReader         = "cn=reader," + LDAPBase
	LDAPReaderPassword = "the reader's password"
)

// Only the reader sees entries: whoever is bound as anyone else finds nothing.
const slapdConfig = `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile DIR/slapd.pid
TLSCACertificateFile DIR/ca.pem
TLSCertificateFile DIR/server.pem
TLSCertificateKeyFile DIR/server.key
database mdb
suffix "` + LDAPBase + `"
directory DIR/db
maxsize 10485760
index objectClass,uid,mail,member eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="` + LDAPReader + `" read by * none
`

const slapdRoot = `dn: ` + LDAPBase + `
objectClass: domain
dc: example

dn: ` + LDAPReader + `
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ` + LDAPReaderPassword + `

`

// StartLDAP starts a directory with these entries (LDIF), below LDAPBase, and
// further lines of its database's configuration.
func StartLDAP(t testing.TB, entries string, lines ...string) *LDAP {
	t.Helper()
	plain, secure := FreePort(t), FreePort(t)
	l := &LDAP{
		t: t, dir: worldDir(t),
		URL: fmt.Sprintf("ldap://127.0.0.1:%d", plain), SecureURL: fmt.Sprintf("ldaps://127.0.0.1:%d", secure),
	}
	l.CAFile = filepath.Join(l.dir, "ca.pem")
	writeCertificates(t, l.dir)
	config := filepath.Join(l.dir, "slapd.conf")
	data := filepath.Join(l.dir, "data.ldif")
	writeFile(t, config, strings.ReplaceAll(slapdConfig, "DIR", l.dir)+strings.Join(lines, "\n")+"\n")
	writeFile(t, data, slapdRoot+entries)
	database := filepath.Join(l.dir, "db")
	if err := os.Mkdir(database, 0o700); err != nil {
		t.Fatal(err)
	}
	load := exec.CommandContext(t.Context(), "/usr/sbin/slapadd", "-f", config, "-l", data)
	runAs(t, load, "openldap", l.dir, database, config, data, l.CAFile, filepath.Join(l.dir, "server.pem"), filepath.Join(l.dir, "server.key"))
	if output, err := load.CombinedOutput(); err != nil {
		t.Fatalf("filling the directory (make setup installs slapd): %v\n%s", err, output)
	}
	l.args = []string{"-d", "0", "-f", config, "-h", l.URL + " " + l.SecureURL}
	l.Restart()
	return l
}

// Restart starts a server that was stopped or killed, at the same addresses.
func (l *LDAP) Restart() {
	l.t.Helper()
	cmd := exec.Command("/usr/sbin/slapd", l.args...)
	runAs(l.t, cmd, "openldap")
	l.Process = Start(l.t, cmd, func() error {
		for _, address := range []string{l.URL, l.SecureURL} {
			conn, err := net.Dial("tcp", address[strings.Index(address, "//")+2:])
			if err != nil {
				return err
			}
			conn.Close()
		}
		return nil
	})
}

// worldDir is a folder that goes with the test and that other users than the
// test's can reach: t.TempDir is not.
func worldDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "slapd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func writeFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
