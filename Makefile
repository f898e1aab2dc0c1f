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

# What is public.
EXPORTS = $(B)/native/exports.txt

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

ROOMS = base kernels layers ref data net train formats api
LIB_SRC = $(foreach room,$(ROOMS),$(wildcard src/$(room)/*.c))
CLI_SRC = $(wildcard src/cli/*.c)
PICTURE_SRC = src/cli/picture_read.c src/cli/picture_size.c
REPORT_SRC = $(wildcard src/cli/report_*.c) $(addprefix src/cli/,events.c fields.c files.c say.c)
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
	$$(Q)$(3) $(4) $$^ $(PICTURE_LIBS) $(NATIVE_LIBS) -o $$@
$(call objects,$(2),$(CLI_SRC)): | $(B)/have/zlib $(B)/have/png $(B)/have/jpeg
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

# --- installing -----------------------------------------------------------------------------------

include emsdk-config/install.mk

# --- WebAssembly ----------------------------------------------------------------------------------

VARIANTS = simd relaxed simd-threads relaxed-threads
WASM = $(VARIANTS:%=$(B)/wasm/%.wasm) $(B)/wasm/extras.wasm

wasm: $(WASM) ## WebAssembly: build/wasm/{simd,relaxed}{,-threads}.wasm and extras.wasm

# $(call wasm_level,SOURCE): how its room is optimised, after -O3 for all.
WASM_HOT_SRC = src/kernels/% src/layers/% src/train/optim.c src/data/batch.c tests/bench/%
WASM_HOT_SRC += src/base/rng.c src/base/scalar.c $(addprefix src/data/,builtin.c paint.c dataset.c)
wasm_level = $(if $(filter $(WASM_HOT_SRC),$(1)),$(WASM_HOT),$(WASM_COLD))

# What is public, so what the library shows: every function that is marked.
$(EXPORTS): src/kiln_formats.h src/kiln.h src/kiln_layers.h
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -DKILN_API=public: $< | tr -s '\n ' ' ' | \
		grep -oE 'public: [^;(]*\(' | sed -E 's/.*\b(kiln_[a-z0-9_]+) ?\($$/_\1/' | sort -u > $@

# And what modules export. `train` is of those that every visitor loads; extras.wasm, which comes if
# wanted, has the course's functions in double, gradient checks, the formats, receipts and the table
# of constants. `all` is of the module in kiln-nn/inline, which is both; `tag` is of the one in
# standalone.js, which has a Trainer and nothing else to call.
WASM_EXTRAS = ^_kiln_(.*_double|gradcheck.*|formats|export|import|exported|receipt|constants)$$
# What the course's functions, Dataset and Model call, and no Trainer.
WASM_COURSE = ^_kiln_(layer_.*|data_(batch|knn)|constants)$$
WASM_MODEL = ^_kiln_net_(create|destroy|classes|input_size|scores|loss.*|fill|.*_set|gradient_.*)$$
# What programs in C call, and no binding.
WASM_NATIVE = ^_kiln_(trainer_evaluate|receipt_read)$$
# How a module is asked what it is, how it takes arguments, and what it leaves.
WASM_BASE = ^_kiln_(error|error_column|version|mode|lanes|alloc|free|memory_used|text)$$
EXPORT_LISTS = $(patsubst %,$(B)/wasm/%.txt,train extras all tag)
$(EXPORT_LISTS): $(B)/wasm/%.txt: $(EXPORTS) Makefile
	@mkdir -p $(@D)
	@grep -vE '$(WASM_NATIVE)' $< | grep $(WASM_ONLY_$*) > $@
	@printf '_malloc\n_free\n' >> $@
WASM_ONLY_train = -vE '$(WASM_EXTRAS)'
WASM_ONLY_extras = -E '$(WASM_EXTRAS)|$(WASM_BASE)'
WASM_ONLY_all = -E '^_kiln_'
WASM_ONLY_tag = -vE -e '$(WASM_COURSE)' -e '$(WASM_MODEL)'

define wasm_variant
$(B)/obj/wasm-$(1)/%.o: %.c emsdk-config/flags.mk | $(EMCC)
	@mkdir -p $$(@D)
	$$(Q)$(EMCC) $(C_FLAGS) $(WASM_FLAGS) $(WASM_$(1)) $$(call wasm_level,$$<) -c $$< -o $$@
-include $(patsubst %.o,%.d,$(wildcard $(B)/obj/wasm-$(1)/*/*.o $(B)/obj/wasm-$(1)/*/*/*.o))
endef
$(foreach v,$(VARIANTS),$(eval $(call wasm_variant,$(v))))

# In this order, in which functions that are alike lie near each other, gzip makes a module 1.5 kB
# smaller than by the alphabet: it looks back 32 kB.
WASM_ROOMS = layers kernels base net train data api formats ref
WASM_SRC = $(foreach room,$(WASM_ROOMS),$(filter src/$(room)/%,$(LIB_SRC)))
# The twins in double, with what they take of libm, are 12 kB gzipped that nobody trains with.
WASM_SRC_train = $(filter-out src/ref/%,$(WASM_SRC))
WASM_SRC_extras = $(WASM_SRC)
WASM_SRC_all = $(WASM_SRC)
WASM_SRC_tag = $(WASM_SRC)

# $(call wasm_module,NAME,VARIANT,EXPORTS,BYTES): from the objects of a variant.
define wasm_module
$(B)/wasm/$(1).wasm: $(call objects,wasm-$(2),$(WASM_SRC_$(3))) $(B)/wasm/$(3).txt
	$$(Q)$(EMCC) $(WASM_LINK) $(WASM_LINK_$(2)) -sEXPORTED_FUNCTIONS=@$(B)/wasm/$(3).txt \
		$(call objects,wasm-$(2),$(WASM_SRC_$(3))) -o $(B)/wasm/$(1).js
	@rm -f $(B)/wasm/$(1).js $(B)/wasm/$(1).ww.js
	@test $$$$(stat -c %s $$@) -le $(4) || \
		{ echo "kiln: $(1).wasm has more than $(4) bytes" >&2; rm $$@; exit 1; }
endef
$(foreach v,$(VARIANTS),$(eval $(call wasm_module,$(v),$(v),train,$(WASM_BYTES_$(v)))))
$(eval $(call wasm_module,extras,simd,extras,$(WASM_BYTES_extras)))
$(eval $(call wasm_module,all,simd,all,$(WASM_BYTES_all)))
$(eval $(call wasm_module,tag,simd,tag,$(WASM_BYTES_tag)))

# --- bindings and page ----------------------------------------------------------------------------

DIST = $(B)/dist/index.js
PAGE = $(B)/web/index.html
ELEMENT = $(B)/element/kiln-trainer.js

bindings: $(DIST) ## the npm package: build/dist
$(DIST): $(BINDINGS_SRC) bindings/build-package.mjs $(INLINE_SRC) $(WEB_SRC) $(WASM) \
		$(B)/wasm/all.wasm $(B)/wasm/tag.wasm tsconfig.json $(NPM)
	@rm -rf $(@D) && mkdir -p $(@D)
	@cp $(WASM) $(@D)
	$(Q)node bindings/build-package.mjs $(@D)
	@node bindings/inline/build.mjs $(B)/wasm/all.wasm $(@D)/inline.js
	@node web/element/build-element.mjs package $(@D)
	@touch $@

# What the page offers as its source.
SOURCE = LICENSE README.md CONTRIBUTING.md Makefile package.json package-lock.json tsconfig.json \
	jest.config.js src bindings web tests emsdk-config
web: $(PAGE) ## the page: build/web
$(PAGE): $(WEB_SRC) $(DIST) $(ELEMENT) $(NPM) $(wildcard tests/accuracy/*.json)
	$(Q)$(BIN)/vite build web --outDir $(abspath $(@D)) --emptyOutDir --logLevel warn
	@cp -r $(dir $(ELEMENT)) $(@D)/element
	@cp web/examples/recipes.md $(@D)/recipes.txt # as text, which every browser shows
	$(Q)tar -czf $(@D)/kiln-source.tar.gz --transform 's,^,kiln/,' $(SOURCE)
	@touch $@

element: $(ELEMENT) ## <kiln-trainer>, one tag for any page: build/element
$(ELEMENT): $(WEB_SRC) $(BINDINGS_SRC) $(INLINE_SRC) $(WASM) $(B)/wasm/tag.wasm $(NPM)
	$(Q)node web/element/build-element.mjs files $(@D)
	@touch $@

# HOST from the command line alone: some shells keep the machine's name in a variable of that name.
start: $(PAGE) ## build everything, serve the page, print its address (PORT=8080 HOST=0.0.0.0)
	@node tests/serve.mjs $(<D) $(PORT) $(if $(call given,HOST),$(HOST))

# --- tests, equal bits, fuzzers, benchmarks -------------------------------------------------------

include tests/tests.mk tests/bits/bits.mk tests/fuzz/fuzz.mk tests/bench/bench.mk \
	tests/formats/formats.mk tests/engines/engines.mk

# --- checks ---------------------------------------------------------------------------------------

check: | $(B)/have/g++
check: $(B)/native/libkiln.a $(EXPORTS) $(NPM) ## what includes what, style, headers, docs
	@tests/check_rooms.sh
	@tests/check_style.sh
	@node tests/check_cycles.mjs
	@node tests/check_docs.mjs
	@node tests/accuracy/cite.mjs --check
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
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' \
		$(filter-out %.d,$(MAKEFILE_LIST))

.PHONY: bench bench-compare bench-keeping bench-kernels bench-peers bench-readme browser \
	machine-code toolchain native wasm bindings web element sizes numbers start test \
	test-c test-js test-web test-web-again test-bundlers test-interleaved test-large-memory bits \
	test-bits accuracy recipes recipe-in-tab pieces fuzz seeds check data clean distclean help
