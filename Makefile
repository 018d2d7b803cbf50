# `make` lists the targets.

BUILD := .build
CADDY := $(BUILD)/caddy
TOOL := go tool -modfile=tools/go.mod
RUN := go run ./cmd/caddy run --config Caddyfile.example
# The Caddy version of go.mod, so that xcaddy builds what the tests ran.
CADDY_VERSION = $(shell go list -m -f '{{.Version}}' github.com/caddyserver/caddy/v2)
# This form of --with also works while the module is not published.
XCADDY_WITH := github.com/caddy-signin/caddy-signin@v0.0.0=.

.PHONY: help run build test setup test-go test-race lint test-browser test-xcaddy bench fmt clean
.NOTPARALLEL:

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

run: ## start the demo on http://localhost:8080
	@echo "Starting the demo: $(RUN)"
	@echo "Open http://localhost:8080 and sign in as demo with the password demo."
	@$(RUN)

build: ## build Caddy with this module into .build/caddy
	go build -o $(CADDY) ./cmd/caddy

test: setup lint test-race test-xcaddy test-browser ## everything that CI runs
	@echo
	@echo "Linter: nothing found. xcaddy: all modules listed. Go tests, then browser tests:"
	@cat $(BUILD)/go-test.txt $(BUILD)/browser-test.txt

setup: ## install what the browsers and servers of the tests need (as root or in CI)
	@test/scripts/setup

test-go: ## the tests that need only Go
	@test/scripts/go-test ./...

test-race: setup ## the same with the race detector, and those that start real servers
	@test/scripts/go-test -race -tags services ./...

lint: ## go vet and golangci-lint
	go vet -tags services ./...
	$(TOOL) golangci-lint run ./...
	go -C tools test ./testreport

test-browser: setup build ## the real clients in a real browser
	@CADDY="$(abspath $(CADDY))" test/scripts/browser-test

test-xcaddy: ## build with xcaddy and list the modules
	@mkdir -p $(BUILD)
	$(TOOL) xcaddy build $(CADDY_VERSION) --output $(BUILD)/xcaddy --with $(XCADDY_WITH)
	@test/scripts/modules $(BUILD)/xcaddy

bench: ## benchmarks, and CPU time beside plain Caddy's
	go test -run '^$$' -bench . -benchmem ./...
	go run ./test/bench

fmt: ## format the Go files
	$(TOOL) golangci-lint fmt ./...

clean: ## remove what was built
	rm -rf $(BUILD)
