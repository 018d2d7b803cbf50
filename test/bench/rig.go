package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// demoHash is of the password "demo"; it works on loopback only.
const demoHash = "$2a$10$M3J41gg0P4GBx89E5gJr5ebsjrbIPOVL18phE0miqtSbjHaJCRSde"

const caddyfile = `{
	admin off
	persist_config off
}
http://localhost:PORT {
	bind 127.0.0.1
	handle /plain {
		reverse_proxy UPSTREAM
	}
	handle /respond {
		respond 401
	}
	handle {
		signin {
			credentials {
				demo HASH
			}
		}
		require_signin
		reverse_proxy UPSTREAM
	}
}
`

// rig is the Caddy under test, its upstream, and a client that is signed in.
type rig struct {
	dir      string
	origin   string
	upstream *httptest.Server
	caddy    *exec.Cmd
	client   *http.Client
	cookie   string
}

func newRig() (*rig, error) {
	dir, err := os.MkdirTemp("", "signin-bench")
	if err != nil {
		return nil, err
	}
	r := &rig{dir: dir, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}}
	r.upstream = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	if err := r.start(); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

func (r *rig) start() error {
	port, err := freePort()
	if err != nil {
		return err
	}
	r.origin = "http://localhost:" + port
	text := strings.NewReplacer("PORT", port, "UPSTREAM", strings.TrimPrefix(r.upstream.URL, "http://"), "HASH", demoHash).Replace(caddyfile)
	config := filepath.Join(r.dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r.caddy = exec.Command(self)
	r.caddy.Env = append(os.Environ(), childMark+"="+config, "HOME="+r.dir, "XDG_DATA_HOME="+r.dir, "XDG_CONFIG_HOME="+r.dir)
	if err := r.caddy.Start(); err != nil {
		return err
	}
	return r.signIn()
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// stop ends the child by its own id, and removes what was written.
func (r *rig) stop() {
	if r.caddy != nil && r.caddy.Process != nil {
		_ = r.caddy.Process.Kill()
		_ = r.caddy.Wait()
	}
	r.upstream.Close()
	_ = os.RemoveAll(r.dir)
}

// signIn waits until Caddy answers, and takes the session cookie.
func (r *rig) signIn() error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar}
	var response *http.Response
	for range 100 {
		if response, err = client.Get(r.origin + "/api/auth/csrf"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var csrf struct{ CSRFToken string }
	if err := json.NewDecoder(response.Body).Decode(&csrf); err != nil {
		return err
	}
	form := url.Values{"csrfToken": {csrf.CSRFToken}, "username": {"demo"}, "password": {"demo"}, "json": {"true"}}
	answer, err := client.PostForm(r.origin+"/api/auth/callback/credentials", form)
	if err != nil {
		return err
	}
	answer.Body.Close()
	for _, cookie := range answer.Cookies() {
		if strings.HasSuffix(cookie.Name, "session-token") {
			r.cookie = cookie.Name + "=" + cookie.Value
		}
	}
	if r.cookie == "" {
		return fmt.Errorf("signing in as demo: status %d", answer.StatusCode)
	}
	return nil
}

// measure sends one round of a kind, and returns Caddy's CPU time per request.
func (r *rig) measure(k kind) (time.Duration, error) {
	before, err := r.cpuTime()
	if err != nil {
		return 0, err
	}
	errs := make(chan error, workers)
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for range requests / workers {
				if err := r.send(k); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wait.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return 0, err
	}
	after, err := r.cpuTime()
	return (after - before) / requests, err
}

func (r *rig) send(k kind) error {
	request, err := http.NewRequest(http.MethodGet, r.origin+k.path, nil)
	if err != nil {
		return err
	}
	if k.signedIn {
		request.Header.Set("Cookie", r.cookie)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != k.status {
		return fmt.Errorf("status %d, want %d", response.StatusCode, k.status)
	}
	return nil
}

// cpuTime is the child's user and system time, in ticks of 10 ms (proc(5)).
func (r *rig) cpuTime() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.caddy.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(stat), ") ") // the name before it may hold anything
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, errors.New("the process's stat is malformed")
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, err
}
