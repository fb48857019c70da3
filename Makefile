# epgen: make help lists the targets.

GO      ?= go
NET     ?= tiny
OUT     ?= out
N       ?= 100
SEED    ?= 1
DATA    ?= $(EPGEN_DATA)/mnist
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.DEFAULT_GOAL := help
.PHONY: help build test test-full lint generate golden sim bench cover verilate-test icarus-test gate-test mutants \
        synth pnr stalls shapes fuzz-designs verify-vgg11 utilization digits tools simulator clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

build: ## build all commands into bin/
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

verilate-test: simulator ## unit benches of every block and whole networks under Verilator; ends with 'N passed, N failed'
	$(GO) run ./cmd/verilate-test

stalls: simulator ## 100 patterns of stalls with resets in mid-run, over networks of several kinds
	for n in odd-maps-live asynchronous-live settling-damped random-live; do \
	    $(GO) run ./cmd/verilate-test -stalls 100 -run $$n || exit 1; done

shapes: simulator ## one network on arrays of 4x4 and 32x32: the same bits, stochastic rounding included
	$(GO) run ./cmd/verilate-test -run random
	$(GO) run ./cmd/verilate-test -run random-32

icarus-test: tools ## the same networks in Icarus Verilog, with a bench in Verilog alone; ends with 'N passed, N failed'
	$(GO) run ./cmd/verilate-test -icarus

gate-test: tools ## small networks as netlists of gates and of iCE40 cells, in Icarus Verilog; ends with 'N passed, N failed'
	$(GO) run ./cmd/verilate-test -gates

synth: tools ## LUT, FF, DSP and BRAM of a package in Xilinx UltraScale+ and ECP5 beside the estimate: make synth NET=small OUT=out
	$(GO) run ./cmd/epgen --layers $(NET) -o $(OUT)
	$(GO) run ./cmd/epsynth $(OUT)

pnr: tools placer ## place and route a 2x2 core for iCE40 UP5K: Fmax, critical path, utilisation
	$(GO) run ./cmd/epgen -layers 3,M,fc2 -input-shape 2x4x4 -array 2 -memory-width 32 -free-steps 3 -nudge-steps 2 \
	    -input-format Q0.7 -state-format UQ0.7 -weight-format Q0.7 -bias-format Q1.6 -o $(OUT)
	$(GO) run ./cmd/epsynth -pnr $(OUT)

mutants: simulator ## N one-line changes of the Verilog, drawn by SEED: does the verdict see them?
	$(GO) run ./cmd/epmutate -n $(N) -seed $(SEED)

fuzz-designs: tools ## N random configurations from SEED on: generated, linted, simulated under stalls, compared
	$(GO) run ./cmd/epfuzz -n $(N) -seed $(SEED)

verify-vgg11: simulator ## full-size VGG-11, a complete training step at the default schedule (minutes)
	$(GO) run ./cmd/epgen --layers vgg11 -o $(OUT)
	$(GO) run ./cmd/epverify $(OUT)

utilization: simulator ## VGG-11 with four resident samples, a short schedule: predicted cycles against simulated
	$(GO) run ./cmd/epgen --layers vgg11 -batch 4 -free-steps 3 -nudge-steps 2 -o $(OUT)
	$(GO) run ./cmd/epverify -no-wave $(OUT)

digits: simulator ## train on the MNIST files of DATA, then 20 test digits, and ten steps from the beginning, in the simulated hardware
	$(GO) run ./cmd/eptrain -layers 8k5p0,M,16k5p0,M,fc10 -input-shape 1x28x28 -data $(DATA) -arith fixed -epochs 2 -o $(OUT)/run
	$(GO) run ./cmd/epgen -config $(OUT)/run/config.toml -weights $(OUT)/run/best.npz -data $(DATA) -data-part test \
	    -batch 1 -starts 20 -task infer -o $(OUT)/infer
	$(GO) run ./cmd/epverify $(OUT)/infer
	$(GO) run ./cmd/epgen -config $(OUT)/run/config.toml -data $(DATA) -batch 1 -starts 10 -o $(OUT)/train
	$(GO) run ./cmd/epverify $(OUT)/train

bench: simulator ## benchmarks of kernels, models and generator; simulated MMAC/s of full-size VGG-11
	$(GO) test -run '^$$' -bench . -benchtime 2s ./fixedpoint ./ep ./gen
	$(GO) run ./cmd/epgen --layers vgg11 -free-steps 2 -nudge-steps 2 -o $(OUT) >/dev/null
	$(GO) run ./cmd/epverify -no-wave $(OUT) | grep MMAC

cover: ## test coverage by package
	$(GO) test -short -cover ./...

tools: ## install the simulators and synthesiser that are missing
	@sh verilator/install.sh verilator iverilog yosys

placer:
	@sh verilator/install.sh nextpnr-ice40

simulator:
	@sh verilator/install.sh verilator

clean: ## remove what the targets made
	rm -rf bin out again
