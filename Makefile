.DEFAULT_GOAL := help
.PHONY: help build demo test race chaos accuracy pictures cover conformance fuzz bench lint cross compose-check fmt

# Tools have a module of their own, so that their dependencies are not the product's.
TOOL = go tool -modfile=tools/go.mod

# ST1005: errors begin with a header's name where they are about a header.
# SA1019: ws.ReadFrame takes what memory the peer wants; only tests use it, with peers of their own.
# U1000: transport/harness_test.go is there before the tests that use it; switch it on with them.
STATICCHECKS = inherit,-ST1005,-SA1019,-U1000

FUZZTIME = 60s

CHAOS_SECONDS = 60
CHAOS_PLAYERS = 2000
CHAOS_SEED = 0

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

build: ## build ./loadrig, static
	CGO_ENABLED=0 go build -trimpath -o loadrig ./cmd/loadrig

demo: ## the main job, on the embedded target (about 12 seconds)
	go run ./cmd/loadrig run

test: ## run all tests, as the README says (three to four minutes; six where the real servers and the browser are installed)
	go test ./...

race: ## run all tests with the race detector (needs a C compiler)
	go test -race ./...

chaos: ## 2,000 players behind faulty proxies for a minute; CHAOS_SEED=n replays a run
	go test $(if $(shell command -v gcc),-race) -count=1 -v ./internal/chaos \
		-args -chaos.seconds $(CHAOS_SECONDS) -chaos.players $(CHAOS_PLAYERS) -chaos.seed $(CHAOS_SEED)

accuracy: ## print what loadrig reports beside the truth, for six laws of delay (three and a half minutes)
	go test -count=1 -v -run '^TestLaws$$' ./internal/accuracy -args -accuracy.long

pictures: ## draw the pictures of the page in docs/img anew (needs chromium; two minutes)
	go test -count=1 -v -run '^TestPictures$$' ./internal/browser -pictures

cover: ## run all tests and print how much of the code they ran
	go test -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -1

conformance: ## print what the client makes of everything that a server can do wrong, case by case
	@cd internal/conformance && go test -count=1 -run '^TestConformance$$' -args -table

fuzz: ## run each fuzz target for FUZZTIME (60s)
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . \
	| sed -E 's,^(.*)/[^/]*:func (.*),\1 \2,' \
	| while read -r dir name; do \
		echo "$$dir $$name"; go test "$$dir" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 200x || exit 1; \
	done

bench: ## measure loadrig against its peers, as ratios in one run (three and a half minutes; Linux)
	go run ./bench

lint: ## gofmt, go vet (also for darwin and windows) and staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...
	cd tools/composecheck && go vet ./...
	$(TOOL) staticcheck -checks $(STATICCHECKS) ./...

cross: ## build for darwin and windows
	GOOS=darwin go build ./...
	GOOS=windows go build ./...

compose-check: ## check compose file, Dockerfile, Prometheus's rules and Grafana's dashboards, without an engine
	cd tools/composecheck && go test -count=1 ./... && go run . ../..

fmt: ## format all Go files
	$(TOOL) gofumpt -w .
