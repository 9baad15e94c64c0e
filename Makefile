.DEFAULT_GOAL := help
.PHONY: help test race lint cross bench demo fmt

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

test: ## run all tests, as the README says (about two minutes)
	go test ./...

race: ## run all tests with the race detector (needs a C compiler)
	go test -race ./...

lint: ## gofmt and go vet, for this system and for darwin and windows
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...

cross: ## build for darwin and windows
	GOOS=darwin go build ./...
	GOOS=windows go build ./...

bench: ## measure loadrig against its peers, as ratios in one run (about three minutes; Linux)
	go run ./bench

demo: ## the main job, on the embedded target (about 12 seconds)
	go run ./cmd/loadrig run

fmt: ## format all Go files
	gofmt -w .
