# The tests of C, bindings and page, and the accuracies; included by Makefile.

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
	$$(Q)$(CC) $(2) $$^ -lcmocka $$(PICTURES) $(NATIVE_LIBS) -o $$@
$(B)/tests-c/$(1)/replay-%: $(B)/obj/$(1)/tests/fuzz/fuzz_%.o $(B)/obj/$(1)/tests/fuzz/replay.o \
		$(B)/obj/$(1)/libkiln.a
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(2) $$(filter %.o,$$^) $$(filter %.a,$$^) $$(PICTURES) $(NATIVE_LIBS) -o $$@
$(call objects,$(1),$(TEST_SRC) $(TEST_LIB_SRC)): | $(B)/have/cmocka $(B)/have/zlib
$(call objects,$(1),$(FUZZ_SRC)): | $(B)/have/zlib
# Pictures are the program's, not the library's.
$(B)/tests-c/$(1)/test_pictures $(B)/tests-c/$(1)/replay-picture: PICTURES = $(PICTURE_LIBS)
$(B)/tests-c/$(1)/test_pictures $(B)/tests-c/$(1)/replay-picture: \
	$(call objects,$(1),$(PICTURE_SRC))
$(call objects,$(1),$(PICTURE_SRC)): | $(B)/have/png $(B)/have/jpeg
$(B)/tests-c/$(1)/replay-report: $(call objects,$(1),$(REPORT_SRC))
endef
$(eval $(call test_programs,strict,$(NATIVE_strict)))
$(eval $(call test_programs,fused,$(NATIVE_fused)))
$(eval $(call test_programs,sanitized,$(NATIVE_strict) $(SANITIZE_FLAGS)))
.SECONDARY:

TEST_VARIANTS = strict sanitized $(if $(HAS_FMA),fused)
TEST_PROGRAMS = $(foreach v,$(TEST_VARIANTS),$(TEST_SRC:tests/c/%.c=$(B)/tests-c/$(v)/%))
$(TEST_VARIANTS:%=$(B)/tests-c/%/test_seeds): | $(B)/fuzz/seeds/made
REPLAYS = $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(B)/tests-c/sanitized/replay-%)

test-c: $(B)/fuzz/seeds/made
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

JS_TESTED = $(B)/native/kiln $(B)/native/libkiln.a
# What the README runs, and kiln sweep is for.
test-js test-web: | $(B)/have/parallel
test-js: $(INSTALLED) | $(B)/have/pkg-config $(B)/have/man $(B)/have/zsh $(B)/have/g++
test-js: $(DIST) $(JS_TEST_SRC) $(JS_TESTED) ## Jest on the built bindings in Node
	@$(call compile_tests,js)
	@mkdir -p $(LOGS)
	@$(JEST) --selectProjects js 2>&1 | tee $(LOGS)/js.log

TIMES ?= 300
test-interleaved: $(DIST) $(JS_TEST_SRC) ## overlapping calls of a Trainer, TIMES=300 seeds (slow)
	@$(call compile_tests,js)
	@KILN_SEEDS=$(TIMES) $(JEST) --selectProjects js interleaved -t 'any calls at any time'

browser:
	@CHROMIUM='$(CHROMIUM)' emsdk-config/need.sh chromium
# Its path, looked for when it is wanted: it may just have been installed.
BROWSER = $(firstword $(shell command -v \
	$(or $(CHROMIUM),chromium chromium-browser google-chrome)))

test-web: $(PAGE) $(ELEMENT) $(WEB_TEST_SRC) | browser ## Jest on the page in Chromium (CHROMIUM=)
	@$(call compile_tests,web)
	@mkdir -p $(LOGS)
	@rm -f $(LOGS)/web-again.log
	@CHROMIUM="$(BROWSER)" $(JEST) --selectProjects web --maxWorkers=2 2>&1 | tee $(LOGS)/web.log \
		|| { grep -q '^Tests:.* failed' $(LOGS)/web.log && $(MAKE) test-web-again; }

# A browser beside another on a busy machine can fail by itself. What failed is on record in the
# log, and has to pass alone; a test that often needs this hides a race: look for it.
test-web-again:
	@echo "kiln: the files that failed once more, one at a time"
	@CHROMIUM="$(BROWSER)" $(JEST) --selectProjects web --maxWorkers=1 --onlyFailures 2>&1 \
		| tee $(LOGS)/web-again.log
	@grep -q '^Tests:' $(LOGS)/web-again.log

numbers: $(DIST) $(ELEMENT) | browser ## how fast <kiln-trainer> loads, starts and answers
	@node tests/bench/numbers.mjs "$(BROWSER)"

sizes: $(DIST) $(ELEMENT) ## what package and element weigh, gzipped; fails above the limits
	@node tests/weigh.mjs

test-bundlers: $(DIST) | browser ## the package in pages by eight bundlers, React, Vue, Svelte
	@node tests/bundlers/bundlers.mjs $(B)/bundlers "$(BROWSER)" $(NODE_RELAXED)

test-large-memory: $(DIST) $(B)/native/kiln | browser ## a batch of 3.2 GB in Chromium (slow)
	@node tests/large-memory.mjs "$(BROWSER)"

accuracy: $(NATIVE) ## train on real CIFAR-10 and print the table of accuracies (long)
	@node tests/accuracy/course.mjs
recipes: $(NATIVE) ## a preset's mean test accuracy on real CIFAR-10 (PRESET= SEEDS=, long)
	@node tests/accuracy/recipes.mjs --preset=$(or $(PRESET),80-percent) \
		--seeds=$(or $(SEEDS),10) --keep
	@node tests/accuracy/cite.mjs
recipe-in-tab: $(PAGE) | browser ## a preset's whole run in Chromium (PRESET= SEED=, long)
	@CHROMIUM="$(BROWSER)" node tests/accuracy/tab.mjs --preset=$(or $(PRESET),80-percent) \
		--seed=$(or $(SEED),1) --keep
	@node tests/accuracy/cite.mjs
pieces: $(NATIVE) ## what each piece of the recipe is worth on real CIFAR-10 (SEEDS=, long)
	@node tests/accuracy/pieces.mjs --seeds=$(or $(SEEDS),3) --keep
	@node tests/accuracy/cite.mjs

# Tests that are apart from `make test` have npm packages of their own, installed below build/ by
# the lockfile beside them.
APART = formats engines
$(APART:%=$(B)/%/node_modules/.package-lock.json): $(B)/%/node_modules/.package-lock.json: \
		tests/%/package.json tests/%/package-lock.json | $(B)/have/npm
	@mkdir -p $(B)/$*
	@cp $^ $(B)/$*
	@echo "kiln: installing the packages of tests/$*/package.json into $(B)/$*" >&2
	npm ci --prefix $(B)/$* --ignore-scripts --no-audit --no-fund
	@touch $@
