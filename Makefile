# epgen: make help lists the targets.

GO      ?= go
NET     ?= tiny
OUT     ?= out
N       ?= 100
SEED    ?= 1
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.DEFAULT_GOAL := help
.PHONY: help build test test-full lint generate golden sim bench cover verilate-test mutants \
        verify-vgg11 utilization tools clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

build: ## build epgen and epverify into bin/
	$(GO) build -o bin/ ./cmd/...

test: ## unit tests of all packages (what needs a simulator or data says so and skips)
	$(GO) vet ./...
	$(GO) test -short ./...

test-full: tools ## unit tests with the long ones: every preset, float64 against fixed point on VGG-11
	EPGEN_ALL=1 $(GO) test -timeout 60m ./...

lint: tools ## gofmt, vet, staticcheck, regenerated files unchanged, RTL of every preset in three tools
	@echo "== gofmt"; bad=$$(gofmt -l .); test -z "$$bad" || { echo "gofmt would change: $$bad"; exit 1; }
	@echo "== vet"; $(GO) vet ./...
	@echo "== staticcheck"; $(GO) run $(STATICCHECK) ./...
	@echo "== regenerated files and RTL lint"
	$(GO) test -count=1 -run 'Golden|Fresh|Lint' ./hdl ./gen ./docs

generate: ## rewrite golden modules and generated tables of the documentation
	$(GO) test -run 'Golden|Fresh' ./hdl ./docs -update

golden: ## write a package: make golden NET=vgg5 OUT=out
	$(GO) run ./cmd/epgen --layers $(NET) -o $(OUT)

sim: golden ## write a package, simulate and compare it
	$(GO) run ./cmd/epverify $(OUT)

bench: ## benchmarks of kernels, models and generator
	$(GO) test -run '^$$' -bench . -benchtime 2s ./fixedpoint ./ep ./gen

cover: ## test coverage by package
	$(GO) test -short -cover ./...

tools: ## install the simulators and synthesiser that are missing
	@sh verilator/install.sh verilator iverilog yosys

clean: ## remove what the targets made
	rm -rf bin out again
