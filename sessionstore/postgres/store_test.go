//go:build services

package postgres

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/caddy-signin/caddy-signin/sessionstore"
	"github.com/caddy-signin/caddy-signin/sessionstore/storetest"
	"github.com/caddy-signin/caddy-signin/test/servers"
)

func TestStore(t *testing.T) {
	server := servers.StartPostgres(t)
	nodes := make(map[sessionstore.Store]*node)
	open := func(t *testing.T, of func(*node) sessionstore.Store) sessionstore.Store {
		n := newNode(t, server, newSchema())
		s := of(n)
		nodes[s] = n
		return s
	}
	t.Run("behind the near cache", func(t *testing.T) {
		// The near cache has its own clock, which synctest tests where it is; what
		// expires here must not be remembered for it.
		storetest.Run(t, func(t *testing.T) sessionstore.Store {
			return open(t, func(n *node) sessionstore.Store { return n.store })
		}, storetest.WithClock(func(t *testing.T, s sessionstore.Store, d time.Duration) {
			nodes[s].offset.Add(int64(d))
			nodes[s].near.InvalidateAll()
		}))
	})
	t.Run("the table", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sessionstore.Store {
			return open(t, func(n *node) sessionstore.Store { return &backend{n.handle} })
		}, storetest.WithClock(func(_ *testing.T, s sessionstore.Store, d time.Duration) { nodes[s].offset.Add(int64(d)) }))
	})
}

func TestNodes(t *testing.T) {
	server := servers.StartPostgres(t)
	for name, test := range map[string]func(t *testing.T, server *servers.Postgres){
		"what was read is answered from memory":                       answersFromMemory,
		"a revocation on one node is refused on the other":            revokesEverywhere,
		"what other programs write is seen":                           seesOtherPrograms,
		"nodes that start at once make the tables once":               migratesTogether,
		"tables that are there are used without the right to create":  usesTablesOfOthers,
		"a node that hears of no change asks every time":              asksWithoutListening,
		"a connection pooler that passes nothing on is noticed":       knowsPoolers,
		"what has expired is deleted in batches, by one node":         deletesExpired,
		"tokens of e-mail links are spent once":                       spendsTokens,
		"a schema keeps apart what is in it":                          keepsSchemasApart,
		"a closed handle answers that it is closed, and ends its own": closes,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

func answersFromMemory(t *testing.T, server *servers.Postgres) {
	n := newNode(t, server, newSchema())
	n.coherent(t)
	mustPut(t, n, "k", "v")
	// The node hears of its own write too, and then asks once more.
	eventually(t, 5*time.Second, "reads go on asking the database", func() bool {
		before := n.asked.n.Load()
		for range 1000 {
			if got, err := n.Get(t.Context(), "k"); err != nil || string(got) != "v" {
				t.Fatalf("Get = %q, %v", got, err)
			}
			if _, err := n.Get(t.Context(), "coherent"); !errors.Is(err, sessionstore.ErrNotFound) {
				t.Fatalf("Get of an absent key: %v", err)
			}
		}
		return n.asked.n.Load() == before
	})
}

func seesOtherPrograms(t *testing.T, server *servers.Postgres) {
	n := newNode(t, server, newSchema())
	n.coherent(t)
	for what, statement := range map[string]string{
		"deletes":   `delete from @.signin_kv where key = 'k'`,
		"truncates": `truncate @.signin_kv`,
		"replaces":  `update @.signin_kv set expires = now() - interval '1 hour' where key = 'k'`,
	} {
		mustPut(t, n, "k", "v")
		eventually(t, 5*time.Second, "k is not remembered", func() bool { return n.remembers(t, "k") })
		n.exec(t, statement)
		eventually(t, 5*time.Second, "the node doesn't see what psql "+what, func() bool {
			_, err := n.Get(t.Context(), "k")
			return errors.Is(err, sessionstore.ErrNotFound)
		})
	}
	n.exec(t, `insert into @.signin_kv values ('k', 'inserted', now() + interval '1 hour')
		on conflict (key) do update set value = excluded.value, expires = excluded.expires`)
	eventually(t, 5*time.Second, "the node doesn't see what psql inserts", func() bool {
		got, err := n.Get(t.Context(), "k")
		return err == nil && string(got) == "inserted"
	})
}

func migratesTogether(t *testing.T, server *servers.Postgres) {
	schema := newSchema()
	nodes := make([]*node, 8)
	for i := range nodes {
		nodes[i] = newNode(t, server, schema)
	}
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() {
			// The first use may end before eight nodes have taken turns.
			eventually(t, 10*time.Second, "a node can't use the tables", func() bool {
				return n.Put(t.Context(), fmt.Sprint(i), []byte("v"), in(time.Hour)) == nil
			})
		})
	}
	all.Wait()
	if got := nodes[0].query(t, `select count(*) from @.signin_kv`); got != "8" {
		t.Errorf("%s of 8 nodes stored a value", got)
	}
	if got := nodes[0].query(t, `select count(*) from @.signin_version`); got != "1" {
		t.Errorf("the version is there %s times", got)
	}
}

func usesTablesOfOthers(t *testing.T, server *servers.Postgres) {
	owner := newNode(t, server, newSchema())
	mustPut(t, owner, "k", "v")
	role := "role_" + owner.options.schema
	owner.exec(t, `create role `+role+` login`)
	owner.exec(t, `grant usage on schema `+owner.options.schema+` to `+role)
	owner.exec(t, `grant select, insert, update, delete on all tables in schema `+owner.options.schema+` to `+role)
	owner.exec(t, `grant usage on all sequences in schema `+owner.options.schema+` to `+role)
	o, err := parseOptions(fmt.Sprintf("postgres://%s@127.0.0.1:%d/postgres", role, server.Port), owner.options.schema)
	if err != nil {
		t.Fatal(err)
	}
	h := newHandle(o)
	defer h.Destruct()
	guest := newStore(h)
	mustPut(t, guest, "other", "v")
	if got, err := guest.Get(t.Context(), "k"); err != nil || string(got) != "v" {
		t.Errorf("Get = %q, %v", got, err)
	}
	if _, err := guest.SignIn(t.Context(), sessionstore.Account{AccountKey: sessionstore.AccountKey{Provider: "p", ID: "1"}, Type: "oauth"}); err != nil {
		t.Errorf("SignIn: %v", err)
	}
}

func asksWithoutListening(t *testing.T, server *servers.Postgres) {
	n := newNode(t, server, newSchema())
	n.coherent(t)
	n.exec(t, `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen caddy_signin'`)
	eventually(t, 5*time.Second, "the node answers from memory although nobody tells it of changes", func() bool {
		return !n.remembers(t, "coherent")
	})
	n.coherent(t)
}

// In transaction mode each statement gets another connection, so that what one
// listens to never arrives; in session mode all is as without a pooler.
func knowsPoolers(t *testing.T, server *servers.Postgres) {
	n := newNodeAt(t, server, servers.StartPgBouncer(t, server, "session"), newSchema())
	n.coherent(t)
	deaf := newNodeAt(t, server, servers.StartPgBouncer(t, server, "transaction")+"?default_query_exec_mode=exec", n.options.schema)
	for i := range 50 {
		mustPut(t, deaf, "k", fmt.Sprint(i))
		if got, err := deaf.Get(t.Context(), "k"); err != nil || string(got) != fmt.Sprint(i) {
			t.Fatalf("Get = %q, %v", got, err)
		}
		mustSignIn(t, deaf, account("github:1", "a@x.example", attested))
	}
	if err := deaf.hear(); !errors.Is(err, errDeaf) {
		t.Errorf("listening through a pooler in transaction mode: %v, want errDeaf", err)
	}
	if deaf.remembers(t, "k") {
		t.Error("the node answers from memory although it hears of no change")
	}
}

func deletesExpired(t *testing.T, server *servers.Postgres) {
	n := newNode(t, server, newSchema())
	mustPut(t, n, "live", "v")
	n.exec(t, `insert into @.signin_kv select convert_to(i::text, 'UTF8'), '', now() - interval '1 hour' from generate_series(1, 1200) i`)
	n.exec(t, `insert into @.verification_token select 'a@b.example', now() - interval '1 hour', i::text from generate_series(1, 10) i`)
	if deleted := n.sweepOnce(expired[0]); deleted != sweepBatch {
		t.Errorf("a batch deleted %d rows, want %d", deleted, sweepBatch)
	}
	n.sweepAll(expired)
	if got := n.query(t, `select count(*) from @.signin_kv`); got != "1" {
		t.Errorf("%s values are left, want the live one", got)
	}
	if got := n.query(t, `select count(*) from @.verification_token`); got != "0" {
		t.Errorf("%s tokens are left", got)
	}
}

func spendsTokens(t *testing.T, server *servers.Postgres) {
	n := newNode(t, server, newSchema())
	ctx := t.Context()
	if err := n.PutToken(ctx, "a@b.example", "hash", in(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range [][2]string{{"a@b.example", "other"}, {"b@b.example", "hash"}, {"A@b.example", "hash"}, {"", ""}} {
		if err := n.TakeToken(ctx, wrong[0], wrong[1]); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("TakeToken(%q) = %v, want ErrNotFound", wrong, err)
		}
	}
	won := make(chan bool, 10)
	for range cap(won) {
		go func() { won <- n.TakeToken(ctx, "a@b.example", "hash") == nil }()
	}
	count := 0
	for range cap(won) {
		if <-won {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d of 10 concurrent calls spent the token", count)
	}
	if err := n.PutToken(ctx, "a@b.example", "late", in(time.Minute)); err != nil {
		t.Fatal(err)
	}
	n.offset.Add(int64(time.Hour))
	if err := n.TakeToken(ctx, "a@b.example", "late"); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("TakeToken of an expired one = %v, want ErrNotFound", err)
	}
}

func keepsSchemasApart(t *testing.T, server *servers.Postgres) {
	one, two := newNode(t, server, newSchema()), newNode(t, server, `odd "name'; --`)
	mustPut(t, one, "k", "one")
	mustPut(t, two, "k", "two")
	for n, want := range map[*node]string{one: "one", two: "two"} {
		if got, err := n.Get(t.Context(), "k"); err != nil || string(got) != want {
			t.Errorf("Get = %q, %v, want %s", got, err, want)
		}
	}
	two.coherent(t)
}

func closes(t *testing.T, server *servers.Postgres) {
	watcher := newNode(t, server, newSchema())
	connections := func() string {
		return watcher.query(t, "select count(*) from pg_stat_activity where application_name = 'to be closed'")
	}
	before := runtime.NumGoroutine()
	n := newNode(t, server, newSchema(), "application_name=to%20be%20closed")
	n.coherent(t)
	if got := connections(); got < "2" {
		t.Errorf("%s connections while it is open, want one that listens and one that asks", got)
	}
	if err := n.Destruct(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "connections stay open", func() bool { return connections() == "0" })
	eventually(t, 5*time.Second, "goroutines stay", func() bool { return runtime.NumGoroutine() <= before })
	if _, err := n.Get(t.Context(), "k"); !errors.Is(err, errClosed) {
		t.Errorf("Get of a closed store: %v", err)
	}
}
