# The recipes. `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo

help: ## Lists the recipes
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

run: ## A made-up region of 20,000 persons, served on 127.0.0.1:8080
	$(CARGO) run --release --locked --quiet -- demo

test: prepare ## Everything that must pass before a change lands
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked

quick: ## Format, lints, unit tests, architecture
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked --lib --test architecture

assets: ## Fetches the NHS design system for the pages by the lock file, and builds them anew
	npm ci --ignore-scripts --omit=dev --no-audit --no-fund
	touch build.rs

browser: ## The pages in a real browser: keyboard, accessibility, pictures (needs Chromium and npm)
	$(CARGO) build --locked
	./scripts/browser.sh

prepare: ## Installs what the tests use beside Rust: PostgreSQL, xfs_io, strace, faketime, npm
	./scripts/prepare.sh

prove: prepare ## The long proofs: races, kills, replays, cuts of lines and of power, full disks
	ACCORD_ROUNDS=200 ACCORD_IMPORT_KILLS=20 \
	ACCORD_MERGE_HISTORIES=300 ACCORD_RACES=1000 ACCORD_KILLS=200 ACCORD_REPLAYS=500000 ACCORD_DROPS=5000 \
	ACCORD_FREEZE_SECONDS=30 ACCORD_DATABASE_KILLS=40 ACCORD_CUTS=1000 \
	ACCORD_FULL_DISKS=20 ACCORD_FAILING_FLUSHES=100 ACCORD_SLOW_SECONDS=60 \
	ACCORD_STOPS=100 ACCORD_DAMAGES=200 ACCORD_MOVES=1000 \
	ACCORD_HL7_MESSAGES=50000 ACCORD_HL7_DAMAGED=50000 ACCORD_HL7_KILLS=50 \
	ACCORD_POWER_CUTS_SQLITE=100 ACCORD_POWER_CUTS_POSTGRES=50 ACCORD_POWER_CUT_CONTROLS=20 \
	  $(CARGO) test --release --locked --test service -- --test-threads=2
	PROPTEST_CASES=20000 $(CARGO) test --release --locked --lib merging
	ACCORD_INDEX_FOLLOWER=off $(CARGO) test --release --locked --test service
	ACCORD_ENGINE=postgres ACCORD_MERGE_HISTORIES=300 $(CARGO) test --release --locked --test service
	$(CARGO) build --release --locked && ./scripts/schemathesis.sh

bench: prepare ## Hot paths by Criterion; then the service over HTTP on both engines
	$(CARGO) bench --locked --bench identity --bench retrieve --bench register --bench link
	$(CARGO) bench --locked --bench pathology
	$(CARGO) bench --locked --bench merge
	ACCORD_PERSONS=$${ACCORD_PERSONS:-100000} $(CARGO) bench --locked --bench service
	$(MAKE) bench-link

bench-pages: ## What each page costs: processor time and bytes, in a made-up region (ACCORD_PERSONS)
	$(CARGO) build --locked --release
	./scripts/page_cpu.py --persons $${ACCORD_PERSONS:-20000}

bench-link: ## Whole files: accord link beside Splink, processor time and memory
	$(CARGO) build --release --locked
	./scripts/bench_link.py --sizes $${ACCORD_SIZES:-20000,100000}

engines: ## Whole files beyond memory: tables that spill, and a cluster, beside a run in memory
	$(CARGO) test --locked --features ballista --test service engines

clients: ## HL7 v2 and FHIR packages of other people against the service (needs PyPI)
	$(CARGO) build --locked
	python3 -m venv target/clients && target/clients/bin/pip install --quiet hl7 hl7apy fhirpy
	target/clients/bin/python scripts/hl7_clients.py target/debug/accord
	target/clients/bin/python scripts/fhir_clients.py target/debug/accord

conformance: ## The public suites of HL7 v2 and FHIR, one line each
	./scripts/conformance.sh

fuzz: ## Each parser by libFuzzer, a minute each (ACCORD_FUZZ_SECONDS)
	./scripts/fuzz.sh

measure: ## Links and imports the labelled corpora; writes docs/measurements.md
	$(CARGO) build --release --locked
	./scripts/measure.py

fairness: ## The largest gaps between groups of people, on made-up regions of a million records
	$(CARGO) build --release --locked
	./scripts/measure.py --only fairness

ratchet: ## Links the corpora in the tree and records a better accuracy
	ACCORD_ACCURACY=ratchet $(CARGO) test --release --locked --test service accuracy -- --nocapture

.PHONY: help run test quick prepare assets browser prove bench bench-pages bench-link engines clients conformance fuzz measure fairness ratchet
