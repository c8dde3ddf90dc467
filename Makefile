# The recipes. `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo

help: ## Lists the recipes
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

run: ## A made-up region of 20,000 persons, served on 127.0.0.1:8080
	$(CARGO) run --release --locked --quiet -- demo

test: ## Everything that must pass before a change lands
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked

quick: ## Format, lints, unit tests, architecture
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked --lib --test architecture

prove: ## The long proofs: races, kills, interrupted imports, the index stopped for good
	ACCORD_ROUNDS=200 ACCORD_KILLS=100 ACCORD_IMPORT_KILLS=20 \
	  $(CARGO) test --release --locked --test service -- --nocapture --test-threads=2
	ACCORD_INDEX_FOLLOWER=off $(CARGO) test --release --locked --test service
	$(CARGO) build --release --locked && ./scripts/schemathesis.sh

bench: ## Criterion benches of the hot paths
	$(CARGO) bench --locked

measure: ## Imports the labelled corpora and scores what the ledger decided
	./docs/measure.sh

.PHONY: help run test quick prove bench measure
