GOLANGCI = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK = go run golang.org/x/vuln/cmd/govulncheck@v1.9.0
INTEROP = envelope/interop ingest/interop# modules of their own: CloudEvents by the official SDK, Alertmanager,
MANIFESTS = deploy/kubernetes/validate# and Kubernetes

.PHONY: help build check-size check-kubernetes check-package demo test test-hermetic test-sim test-real test-memory sim mutants bench chaos check-monitoring lint fix cover vuln dist up down
.NOTPARALLEL:

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

build: ## build the static binary bin/xmpp-notifier; VERSION=1.2.3 names it
	CGO_ENABLED=0 go build -trimpath -o bin/ \
		-ldflags "-s -w -X main.version=$${VERSION:-$$(git describe --tags --always --dirty 2>/dev/null || echo devel)}" \
		./cmd/xmpp-notifier

check-size: build ## hold the binary to 30 MB; docs/decisions/0031-binary-size.md says why
	@size=$$(wc -c < bin/xmpp-notifier); echo "bin/xmpp-notifier: $$size bytes"; \
	if [ "$$size" -gt 30000000 ]; then echo "more than 30,000,000 bytes, see docs/decisions/0031-binary-size.md" >&2; exit 1; fi

demo: ## see it work, with nothing but Go: broker, room and worker in one process
	@echo "Compiling the demo (the first time it takes minutes, and needs the network for the modules) ..."
	@go run ./cmd/demo

test: check-size check-kubernetes check-package test-hermetic test-sim test-real ## run all tests

test-hermetic: ## run the tests that need nothing but Go and a C compiler (for -race)
	go test -race ./...
	for module in $(INTEROP); do (cd $$module && go test -race ./...) || exit; done

test-real: ## run the end-to-end suite on real servers, beyond what test-hermetic runs; testbed/install-debian.sh installs them
	go test -count=1 -tags real -timeout 20m -skip 'TestHermetic|MemoryIsBounded' ./e2e
	go test -count=1 -tags real -short -timeout 8m -run TestReal ./sink
	go test -count=1 -tags real -short -timeout 6m ./chaos
	go test -count=1 -tags real -short -timeout 10m -run 'Conformance|TestReal|TestReplayReal' ./sources/... ./cmd/...

test-sim: ## run 2,000 new seeds of the simulator, in a minute; docs/simulation.md
	SIM_SEEDS=2000 go test -count=1 ./sim

sim: ## run new seeds of the simulator until stopped; SIM_FOR=1h ends it
	SIM_SEEDS=0 go test -count=1 -timeout 0 -v -run TestSeeds ./sim

mutants: ## plant mistakes one by one, and see that the simulator finds them; writes docs/simulation.md
	SIM_TABLE=../docs/simulation.md go test -count=1 -tags mutants -timeout 0 -v -run TestMutants ./sim

test-memory: ## run the tests of memory in a cgroup of 96 MiB, as in Kubernetes; as root, on Linux
	CGROUP_MEMORY=true go test -count=1 -v -run MemoryIsBounded ./e2e

bench: ## measure on real servers, in about ten minutes; writes docs/benchmarks.md
	BENCH_OUT=../docs/benchmarks.md go test -count=1 -tags real -timeout 40m -run TestBench -v ./bench

chaos: ## drive every fault on real servers, in two hours or three; writes docs/faults.md
	CHAOS_RUNS=5 CHAOS_OUT=../docs/faults.md go test -count=1 -tags real -timeout 45m -v ./chaos
	CHAOS_RUNS=20 CHAOS_OUT=../docs/faults.md go test -count=1 -tags 'real chaos' -timeout 90m -parallel 4 -run TestBrokerChaos -v ./e2e
	CHAIN_SEEDS=20 go test -count=1 -tags real -timeout 30m -run TestChain -v ./e2e

check-monitoring: ## check metrics, alert rules and dashboard with Prometheus; the first time it builds that, for minutes
	go test -count=1 -tags monitoring -timeout 30m -run TestMonitoring ./e2e

check-kubernetes: ## check the manifests for Kubernetes with kustomize, kubeconform and the schemas
	cd $(MANIFESTS) && go test -count=1 ./...

check-package: ## build the packages, install the one for Debian into a folder, and run it as its systemd unit says
	go test -count=1 -tags packages -timeout 15m -run TestPackage ./e2e

lint: ## check the code, go.mod and the format
	go vet -tags real ./...
	go mod tidy -diff
	$(GOLANGCI) run --allow-serial-runners ./...
	$(GOLANGCI) fmt --diff ./...
	for module in $(INTEROP) $(MANIFESTS); do (cd $$module && go mod tidy -diff && $(GOLANGCI) run --allow-serial-runners ./...) || exit; done

fix: ## repair what lint finds, as far as tools can
	go fix ./...
	go mod tidy
	$(GOLANGCI) run --allow-serial-runners --fix ./...
	$(GOLANGCI) fmt ./...

cover: ## measure what the hermetic tests cover; bin/cover.html shows it
	@mkdir -p bin
	go test -coverpkg=./... -coverprofile=bin/cover.out ./...
	go tool cover -html=bin/cover.out -o bin/cover.html
	@go tool cover -func=bin/cover.out | tail -n 1

vuln: ## look for known vulnerabilities; needs the network
	$(GOVULNCHECK) ./...

dist: ## build what a release has (archives, packages, SBOMs, checksums) into dist/; VERSION=1.2.3 names it
	deploy/release/build

up: ## start brokers, room and worker in containers, and publish some samples
	REVISION=$$(git rev-parse HEAD 2>/dev/null) docker compose up --build --detach
	@echo; echo "room, in a browser:  http://localhost:5280"
	@echo "status of the worker: http://localhost:9464/status"
	@echo "publish more:         docker compose run --rm nats-samples"

down: ## stop and remove them, with their data
	docker compose down --volumes --remove-orphans
