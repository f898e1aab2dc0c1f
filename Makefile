# kiln: `make` builds the native library and program, `make help` lists the rest.
#
# Reads top-down: variables, what gets installed, sources by room, native, WebAssembly, bindings and
# page, tests, checks, data. Flags and their reasons are in emsdk-config/flags.mk.

# --- variables ------------------------------------------------------------------------------------

# The compilers of the two native families; bits and fuzz builds name them by these.
ifeq ($(origin CC),default)
CC = gcc
endif
GCC = gcc
CLANG = $(shell command -v clang-19 || command -v clang)
# The processor to build for: native, x86-64-v3, armv8-a, ...
ARCH ?= native
# Seed of the C tests, to repeat a failure: make test-c SEED=7
SEED ?=
# First port that make start tries.
PORT ?= 8080
# Jobs at a time where the command line names none.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

B = build
# Recipes that compile print their target; V=1 prints the whole command.
Q = $(if $(V),,@printf '  %s\n' '$@';)
EMCC = $(B)/toolchain/emcc
BIN = node_modules/.bin

include emsdk-config/flags.mk

SHELL = bash
.SHELLFLAGS = -o pipefail -ec
.DEFAULT_GOAL = native
.DELETE_ON_ERROR:
.SUFFIXES:
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS) --no-print-directory --no-builtin-rules
endif

EXPORTS = $(B)/wasm/exports.txt

# --- what gets installed --------------------------------------------------------------------------

# build/have/THING: looked for once, installed by apt-get with an announcement where it is missing.
$(B)/have/%:
	@emsdk-config/need.sh $*
	@mkdir -p $(@D) && touch $@

toolchain: $(EMCC) ## find or install the pinned Emscripten; its emcc is build/toolchain/emcc
$(EMCC): emsdk-config/VERSION emsdk-config/install.sh
	@emsdk-config/install.sh $@

node_modules/.package-lock.json: package.json package-lock.json | $(B)/have/node $(B)/have/npm
	@echo "kiln: installing npm packages into node_modules" >&2
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@
NPM = node_modules/.package-lock.json

# --- sources by room ------------------------------------------------------------------------------

ROOMS = base kernels layers ref data net train api
LIB_SRC = $(foreach room,$(ROOMS),$(wildcard src/$(room)/*.c))
CLI_SRC = $(wildcard src/cli/*.c)
# Helpers of the tests, and the tests: one program each.
TEST_LIB_SRC = $(filter-out tests/c/test_%,$(wildcard tests/c/*.c))
TEST_SRC = $(wildcard tests/c/test_*.c)
FUZZ_SRC = $(wildcard tests/fuzz/fuzz_*.c)
BINDINGS_SRC = $(filter-out %.d.ts,$(wildcard bindings/*.ts))
INLINE_SRC = $(wildcard bindings/inline/*)
WEB_SRC = $(shell find web -type f -not -path '*/node_modules/*' 2>/dev/null)
JS_TEST_SRC = $(wildcard tests/js/*.ts)
WEB_TEST_SRC = $(wildcard tests/web/*.ts)

# --- a variant: one compiler, one set of flags ----------------------------------------------------

# $(call objects,VARIANT,SOURCES)
objects = $(patsubst %.c,$(B)/obj/$(1)/%.o,$(2))

# $(call variant,VARIANT,COMPILER,FLAGS): objects and libkiln.a under build/obj/VARIANT/.
define variant
$(B)/obj/$(1)/%.o: %.c emsdk-config/flags.mk
	@mkdir -p $$(@D)
	$$(Q)$(2) $(C_FLAGS) $(3) -c $$< -o $$@
$(B)/obj/$(1)/libkiln.a: $(call objects,$(1),$(LIB_SRC))
	@rm -f $$@
	$$(Q)ar rcs $$@ $$^
-include $(patsubst %.o,%.d,$(wildcard $(B)/obj/$(1)/*/*.o $(B)/obj/$(1)/*/*/*.o))
endef

# $(call program,FILE,VARIANT,COMPILER,FLAGS): the command line program of a variant.
define program
$(1): $(call objects,$(2),$(CLI_SRC)) $(B)/obj/$(2)/libkiln.a
	@mkdir -p $$(@D)
	$$(Q)$(3) $(4) $$^ $(NATIVE_LIBS) -o $$@
$(call objects,$(2),$(CLI_SRC)): | $(B)/have/zlib
endef

# --- native ---------------------------------------------------------------------------------------

NATIVE_strict = $(NATIVE_FLAGS) $(MODE_strict)
NATIVE_fused = $(NATIVE_FLAGS) $(MODE_fused)
# Does the target fuse? Asked of the compiler, with the flags it gets.
HAS_FMA := $(shell $(CC) -march=$(ARCH) -dM -E -x c /dev/null 2>/dev/null | \
	grep -E '__FMA__|__ARM_FEATURE_FMA')

NATIVE = $(B)/native/kiln $(B)/native/libkiln.a $(if $(HAS_FMA),$(B)/native/kiln-fused)

native: $(NATIVE) ## library and program: build/native/{libkiln.a,kiln,kiln-fused} (the default)
	@$(if $(HAS_FMA),:,echo "kiln: $(ARCH) has no FMA: no build/native/kiln-fused")

$(eval $(call variant,strict,$(CC),$(NATIVE_strict)))
$(eval $(call variant,fused,$(CC),$(NATIVE_fused)))
$(eval $(call program,$(B)/native/kiln,strict,$(CC),$(NATIVE_strict)))
$(eval $(call program,$(B)/native/kiln-fused,fused,$(CC),$(NATIVE_fused)))
# The library as it ships is one object, in which the names that kiln.h does not mark are hidden.
$(B)/native/libkiln.a: $(B)/obj/strict/libkiln.a $(EXPORTS)
	@mkdir -p $(@D)
	$(Q)ld -r --whole-archive $< -o $(@D)/libkiln.o
	@objcopy $$(sed -n 's/^_\(kiln_\)/--keep-global-symbol=\1/p' $(EXPORTS)) $(@D)/libkiln.o
	@rm -f $@ && ar rcs $@ $(@D)/libkiln.o && rm $(@D)/libkiln.o

# --- WebAssembly ----------------------------------------------------------------------------------

VARIANTS = simd relaxed simd-threads relaxed-threads
WASM = $(VARIANTS:%=$(B)/wasm/%.wasm)

wasm: $(WASM) ## WebAssembly: build/wasm/{simd,relaxed}{,-threads}.wasm

# $(call wasm_level,SOURCE): how its room is optimised, after -O3 for all.
WASM_HOT_SRC = src/kernels/% src/layers/% src/train/optim.c src/data/batch.c tests/bench/%
WASM_HOT_SRC += src/base/rng.c src/base/scalar.c $(addprefix src/data/,builtin.c paint.c dataset.c)
wasm_level = $(if $(filter $(WASM_HOT_SRC),$(1)),$(WASM_HOT),$(WASM_COLD))

# What is public, so what a module exports and a library shows: every function that kiln.h marks.
$(EXPORTS): src/kiln.h
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -DKILN_API=public: $< | tr -s '\n ' ' ' | \
		grep -oE 'public: [^;(]*\(' | sed -E 's/.*\b(kiln_[a-z0-9_]+) ?\($$/_\1/' | sort -u > $@
	@printf '_malloc\n_free\n' >> $@

define wasm_variant
$(B)/obj/wasm-$(1)/%.o: %.c emsdk-config/flags.mk | $(EMCC)
	@mkdir -p $$(@D)
	$$(Q)$(EMCC) $(C_FLAGS) $(WASM_FLAGS) $(WASM_$(1)) $$(call wasm_level,$$<) -c $$< -o $$@
$(B)/wasm/$(1).wasm: $(call objects,wasm-$(1),$(LIB_SRC)) $(EXPORTS)
	$$(Q)$(EMCC) $(WASM_LINK) $(WASM_LINK_$(1)) -sEXPORTED_FUNCTIONS=@$(EXPORTS) \
		$(call objects,wasm-$(1),$(LIB_SRC)) -o $(B)/wasm/$(1).js
	@rm -f $(B)/wasm/$(1).js $(B)/wasm/$(1).ww.js
	@test $$$$(stat -c %s $$@) -le $(WASM_BYTES) || \
		{ echo "kiln: $(1).wasm has more than $(WASM_BYTES) bytes" >&2; rm $$@; exit 1; }
-include $(patsubst %.o,%.d,$(wildcard $(B)/obj/wasm-$(1)/*/*.o $(B)/obj/wasm-$(1)/*/*/*.o))
endef
$(foreach v,$(VARIANTS),$(eval $(call wasm_variant,$(v))))

# --- bindings and page ----------------------------------------------------------------------------

DIST = $(B)/dist/index.js
PAGE = $(B)/web/index.html

bindings: $(DIST) ## the npm package: build/dist
$(DIST): $(BINDINGS_SRC) $(INLINE_SRC) $(WASM) tsconfig.json $(NPM)
	@rm -rf $(@D) && mkdir -p $(@D)
	@cp $(WASM) $(@D)
	$(Q)$(BIN)/esbuild $(BINDINGS_SRC) --bundle --splitting --format=esm --target=es2022 \
		--chunk-names=shared-[hash] --outdir=$(@D) --log-level=warning
	@node bindings/inline/build.mjs $(B)/wasm $(@D)/inline.js
	@$(BIN)/tsc -p bindings
	@touch $@

# What the page offers as its source.
SOURCE = LICENSE README.md Makefile package.json package-lock.json tsconfig.json jest.config.js \
	src bindings web tests emsdk-config
web: $(PAGE) ## the page: build/web
$(PAGE): $(WEB_SRC) $(DIST) $(NPM)
	$(Q)$(BIN)/vite build web --outDir $(abspath $(@D)) --emptyOutDir --logLevel warn
	$(Q)tar -czf $(@D)/kiln-source.tar.gz --transform 's,^,kiln/,' $(SOURCE)
	@touch $@

start: $(PAGE) ## build everything, serve the page and print its address (PORT=8080)
	@node tests/serve.mjs $(<D) $(PORT)

# --- tests ----------------------------------------------------------------------------------------

LOGS = $(B)/logs

test: ## every test: test-c, test-js, test-bits, test-web
	@rm -rf $(LOGS)
	@for suite in c js bits web; do $(MAKE) test-$$suite || failed="$$failed $$suite"; done; \
		tests/summary.sh $(LOGS); \
		if [ -n "$$failed" ]; then echo "kiln: failed:$$failed" >&2; exit 1; fi

# The native tests as they ship, fused, and under the sanitizers.
$(eval $(call variant,sanitized,$(CC),$(NATIVE_strict) $(SANITIZE_FLAGS)))

# $(call test_programs,VARIANT,FLAGS)
define test_programs
$(B)/tests-c/$(1)/%: $(B)/obj/$(1)/tests/c/%.o $(call objects,$(1),$(TEST_LIB_SRC)) \
		$(B)/obj/$(1)/libkiln.a
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(2) $$^ -lcmocka $(NATIVE_LIBS) -o $$@
$(B)/tests-c/$(1)/replay-%: $(B)/obj/$(1)/tests/fuzz/fuzz_%.o $(B)/obj/$(1)/tests/fuzz/replay.o \
		$(B)/obj/$(1)/libkiln.a
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(2) $$^ $(NATIVE_LIBS) -o $$@
$(call objects,$(1),$(TEST_SRC) $(TEST_LIB_SRC)): | $(B)/have/cmocka $(B)/have/zlib
$(call objects,$(1),$(FUZZ_SRC)): | $(B)/have/zlib
endef
$(eval $(call test_programs,strict,$(NATIVE_strict)))
$(eval $(call test_programs,fused,$(NATIVE_fused)))
$(eval $(call test_programs,sanitized,$(NATIVE_strict) $(SANITIZE_FLAGS)))
.SECONDARY:

TEST_VARIANTS = strict sanitized $(if $(HAS_FMA),fused)
TEST_PROGRAMS = $(foreach v,$(TEST_VARIANTS),$(TEST_SRC:tests/c/%.c=$(B)/tests-c/$(v)/%))
REPLAYS = $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(B)/tests-c/sanitized/replay-%)

test-c: $(TEST_PROGRAMS) $(REPLAYS) ## C tests, also fused and under ASan and UBSan (SEED=7)
	@$(if $(SEED),KILN_SEED=$(SEED)) tests/run_c.sh $(LOGS)/c.log $(TEST_PROGRAMS) $(REPLAYS)

# Node 20 hides relaxed SIMD behind a switch that later versions have dropped.
NODE_RELAXED = $(shell node --experimental-wasm-relaxed-simd -e 0 2>/dev/null && \
	echo --experimental-wasm-relaxed-simd)
JEST = node --experimental-vm-modules --no-warnings=ExperimentalWarning $(NODE_RELAXED) \
	node_modules/jest/bin/jest.js

# $(call compile_tests,ROOM): tests as ES modules; what they import of bindings/ is build/dist.
compile_tests = rm -rf $(B)/tests-$(1) && mkdir -p $(B)/tests-js $(B)/tests-web && \
	node tests/compile.mjs $(B)/tests-$(1) $(wildcard tests/$(1)/*.test.ts)

test-js: $(DIST) $(JS_TEST_SRC) $(B)/native/kiln ## Jest on the built bindings in Node
	@$(call compile_tests,js)
	@mkdir -p $(LOGS)
	@$(JEST) --selectProjects js 2>&1 | tee $(LOGS)/js.log

browser:
	@CHROMIUM='$(CHROMIUM)' emsdk-config/need.sh chromium
# Its path, looked for when it is wanted: it may just have been installed.
BROWSER = $(firstword $(shell command -v \
	$(or $(CHROMIUM),chromium chromium-browser google-chrome)))

test-web: $(PAGE) $(WEB_TEST_SRC) | browser ## Jest on the page in Chromium (CHROMIUM=)
	@$(call compile_tests,web)
	@mkdir -p $(LOGS)
	@CHROMIUM="$(BROWSER)" $(JEST) --selectProjects web --runInBand 2>&1 | tee $(LOGS)/web.log

# Equal bits: build/bits/COMPILER-LANES-MODE/kiln for each compiler, number of lanes and mode.
BITS_CC_gcc = $(GCC)
BITS_CC_clang = $(CLANG)
BITS_FUSED = $(if $(HAS_FMA),fused)
BITS = $(foreach cc,gcc clang,$(foreach lanes,1 4 8 16,$(foreach mode,strict $(BITS_FUSED),\
	$(cc)-$(lanes)-$(mode))))
bits_flags = -D_POSIX_C_SOURCE=200809L -pthread -DKILN_LANES=$(2) $(LANES_$(2)) \
	$(MODE_$(3)) $(if $(filter fused,$(3)),$(FMA))
define bits
$(call variant,bits/$(1)-$(2)-$(3),$$(BITS_CC_$(1)),$(call bits_flags,$(1),$(2),$(3)))
$(call program,$(B)/bits/$(1)-$(2)-$(3)/kiln,bits/$(1)-$(2)-$(3),$$(BITS_CC_$(1)),-pthread)
$(call objects,bits/$(1)-$(2)-$(3),$(LIB_SRC) $(CLI_SRC)): | $(B)/have/$(1)
endef
# part: the N-th of COMPILER-LANES-MODE.
part = $(word $(1),$(subst -, ,$(2)))
$(foreach b,$(BITS),\
	$(eval $(call bits,$(call part,1,$(b)),$(call part,2,$(b)),$(call part,3,$(b)))))

bits: $(BITS:%=$(B)/bits/%/kiln) ## the native programs whose results must have equal bits
test-bits: bits $(DIST) ## equal bits: compilers, lanes, threads, WebAssembly
	@mkdir -p $(LOGS)
	@node $(NODE_RELAXED) tests/bits/run.mjs $(BITS) 2>&1 | tee $(LOGS)/bits.log

accuracy: $(NATIVE) ## train on real CIFAR-10 and print the table of accuracies (long)
	@node tests/accuracy.mjs

# Each fuzz target by itself, in a build of its own with clang: make fuzz FUZZ=notation SECONDS=60
FUZZ ?= $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
SECONDS ?= 60
$(eval $(call variant,fuzz,$$(CLANG),$(NATIVE_strict) $(FUZZ_FLAGS)))
$(call objects,fuzz,$(LIB_SRC) $(FUZZ_SRC)): | $(B)/have/fuzzer $(B)/have/zlib
$(B)/fuzz/%: $(B)/obj/fuzz/tests/fuzz/fuzz_%.o $(B)/obj/fuzz/libkiln.a
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $^ $(NATIVE_LIBS) -o $@

fuzz: $(FUZZ:%=$(B)/fuzz/%) ## fuzz the parsers with libFuzzer (FUZZ=name SECONDS=60)
	@for name in $(FUZZ); do \
		mkdir -p $(B)/fuzz/corpus/$$name tests/fuzz/corpus/$$name; \
		echo "== $$name"; \
		$(B)/fuzz/$$name -max_total_time=$(SECONDS) -timeout=10 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz/$$name- \
			$(B)/fuzz/corpus/$$name tests/fuzz/corpus/$$name 2>&1 | tail -n 12; done

# --- benchmarks -----------------------------------------------------------------------------------

# kernels-VARIANT measures the kernels: natively as they ship and for AVX2, and as WebAssembly.
BENCH_SRC = $(wildcard tests/bench/*.c)
BENCH_NATIVE = strict $(if $(HAS_FMA),fused $(BENCH_AVX2))
NATIVE_avx2 = $(filter-out -march=%,$(NATIVE_FLAGS)) $(AVX2_FLAGS) $(MODE_fused)
BENCH_KERNELS = $(BENCH_NATIVE:%=$(B)/bench/kernels-%) \
	$(B)/bench/kernels-simd.mjs $(B)/bench/kernels-relaxed.mjs

$(eval $(call variant,avx2,$(CC),$(NATIVE_avx2)))
define bench_native
$(B)/bench/kernels-$(1): $(call objects,$(1),$(BENCH_SRC) tests/bench/peers/openblas.c) \
		$(B)/obj/$(1)/libkiln.a
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(NATIVE_$(1)) $$^ $(NATIVE_LIBS) -o $$@
endef
$(foreach v,strict fused avx2,$(eval $(call bench_native,$(v))))

BENCH_LIB_SRC = $(filter src/base/% src/kernels/% src/ref/% src/layers/conv2d.c,$(LIB_SRC))
define bench_wasm
$(B)/bench/kernels-$(1).mjs: $(call objects,wasm-$(1),$(BENCH_SRC) $(BENCH_LIB_SRC))
	@mkdir -p $$(@D)
	$$(Q)$(EMCC) $(WASM_$(1)) $(WASM_LINK_BENCH) $$^ -o $$@
endef
$(foreach v,simd relaxed,$(eval $(call bench_wasm,$(v))))

# Shorter: make bench ONLY=kernels,steps,scaling,memory,start ROUNDS=1 SECONDS=0.3 (of steps in a
# round) NETS=W1,W3 MATCH='conv 64' (shapes whose line contains it).
given = $(findstring command,$(origin $(1)))
BENCH_OPTIONS = $(foreach o,ROUNDS SECONDS ONLY NETS MATCH,$(if $(call given,$(o)),\
	--$(shell echo $(o) | tr A-Z a-z)='$($(o))'))

bench: $(NATIVE) $(BENCH_KERNELS) $(DIST) $(PAGE) ## measure kiln and its peers (ROUNDS=5)
	@CHROMIUM="$(BROWSER)" NODE_RELAXED="$(NODE_RELAXED)" \
		node tests/bench/measure.mjs $(BENCH_OPTIONS)
bench: | browser
bench-compare: $(NATIVE) $(DIST) | browser ## this build by another checkout's: WITH=../before
	@CHROMIUM="$(BROWSER)" node tests/bench/compare.mjs --with='$(WITH)' $(BENCH_OPTIONS)
bench-kernels: $(BENCH_KERNELS)
bench-readme: ## put the latest measured table and picture into README.md
	@node tests/bench/readme.mjs

# The peers' npm packages lie apart from the project's own and are never shipped.
PEERS = node_modules/.bench-peers
PEERS_NPM = $(PEERS)/node_modules/.package-lock.json
bench-peers: $(PEERS_NPM) ## install PyTorch, OpenBLAS, ConvNetJS and TensorFlow.js
	@echo "kiln: the peers are installed; make bench measures beside them"
$(PEERS_NPM): | $(B)/have/torch $(B)/have/openblas
$(PEERS_NPM): $(wildcard tests/bench/peers/package*.json) $(NPM)
	@mkdir -p $(PEERS)
	@cp tests/bench/peers/package.json tests/bench/peers/package-lock.json $(PEERS)
	@echo "kiln: installing ConvNetJS and TensorFlow.js into $(PEERS)" >&2
	npm ci --prefix $(PEERS) --ignore-scripts --no-audit --no-fund
	@touch $@

# --- checks ---------------------------------------------------------------------------------------

check: | $(B)/have/g++
check: $(B)/native/libkiln.a $(EXPORTS) $(NPM) ## rooms, style, headers, names, types
	@tests/check_rooms.sh
	@tests/check_style.sh
	@CC='$(CC)' FLAGS='$(filter-out -MMD -MP,$(C_FLAGS)) $(NATIVE_strict)' \
		tests/check_headers.sh $(EXPORTS) $(B)/native/libkiln.a
	@tests/check_libm.sh $(filter-out $(B)/obj/strict/src/ref/%,$(call objects,strict,$(LIB_SRC)))
	@$(BIN)/tsc --noEmit
	@echo "types: no errors"

# --- data -----------------------------------------------------------------------------------------

DATA = data
CIFAR_URL = https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz
CIFAR_MD5 = c32a1d4ab5d03f1284b67883e8d87530

data: $(DATA)/cifar-10-binary.tar.gz ## fetch CIFAR-10's official archive into data/ and check it
$(DATA)/cifar-10-binary.tar.gz: | $(B)/have/curl
	@mkdir -p $(@D)
	curl -fL --retry 3 -C - -o $@.part $(CIFAR_URL)
	@echo "$(CIFAR_MD5)  $@.part" | md5sum -c --quiet || \
		{ rm $@.part; echo "kiln: what came is not the official archive; try again" >&2; exit 1; }
	@mv $@.part $@

# --- cleaning and help ----------------------------------------------------------------------------

clean: ## remove build/
	rm -rf $(B)
distclean: clean ## remove node_modules/ as well (data/ and the toolchain's cache folder stay)
	rm -rf node_modules
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: bench bench-compare bench-kernels bench-peers bench-readme browser toolchain native wasm \
	bindings web start test test-c test-js test-web bits test-bits accuracy fuzz check data clean \
	distclean help
