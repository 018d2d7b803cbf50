package servers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// StartFrameworks starts the web frameworks Express, Fastify and Koa, and Node's
// own server with new URL(), and returns their addresses by name. They answer
// "guarded" to what they take for /admin or something below it, and else "open".
func StartFrameworks(t testing.TB) map[string]string {
	t.Helper()
	addresses := make(map[string]string)
	arguments := []string{"rig/upstreams.mjs"}
	for _, name := range []string{"express", "fastify", "koa", "url"} {
		port := strconv.Itoa(FreePort(t))
		addresses[name] = net.JoinHostPort("127.0.0.1", port)
		arguments = append(arguments, port)
	}
	_, here, _, _ := runtime.Caller(0) //nolint:dogsled // only the file is wanted
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "node", arguments...)
	cmd.Dir = filepath.Join(filepath.Dir(here), "../browser")
	Start(t, cmd, func() error {
		for _, address := range addresses {
			if err := answers(address); err != nil {
				return err
			}
		}
		return nil
	})
	return addresses
}

// StartNginx starts an nginx that answers "guarded" to what it takes for /admin
// or something below it, and else "open", and returns its address.
func StartNginx(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t)))
	config := fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s;
		location ~* ^/admin(/|$) { return 200 guarded; }
		location / { return 200 open; }
	}
}
`, dir, address)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "nginx", "-c", file, "-e", "stderr")
	Start(t, cmd, func() error { return answers(address) })
	return address
}

// StartPHP starts php-fpm and returns its FastCGI address.
func StartPHP(t testing.TB) string {
	t.Helper()
	programs, err := filepath.Glob("/usr/sbin/php-fpm*")
	if err != nil || len(programs) == 0 {
		t.Fatal("there is no php-fpm: make setup installs it")
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t)))
	config := fmt.Sprintf(`
[global]
error_log = /dev/stderr
daemonize = no
[www]
listen = %s
pm = static
pm.max_children = 1
`, address)
	if os.Getuid() == 0 {
		config += "user = root\ngroup = root\n"
	}
	file := filepath.Join(t.TempDir(), "fpm.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), programs[0], "--nodaemonize", "--allow-to-run-as-root", "--fpm-config", file)
	p := Start(t, cmd, func() error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	t.Cleanup(p.Stop) // before Kill, which would leave its child behind
	return address
}

// answers asks an HTTP server for its first page.
func answers(address string) error {
	response, err := http.Get("http://" + address + "/")
	if err != nil {
		return err
	}
	return response.Body.Close()
}
