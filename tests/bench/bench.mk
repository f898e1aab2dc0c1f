# The benchmarks and their peers; included by Makefile.

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

bench-keeping: $(ELEMENT) $(DIST) | browser ## steps a second of a run that is kept, and not
	@node tests/bench/keeping.mjs "$(BROWSER)" 3 10 $(NETS)

$(B)/bench/relaxed-names.wasm: $(call objects,wasm-relaxed,$(LIB_SRC)) $(B)/wasm/train.txt
	@mkdir -p $(@D)
	$(Q)$(EMCC) $(WASM_LINK) $(WASM_LINK_relaxed) --profiling-funcs \
		-sEXPORTED_FUNCTIONS=@$(B)/wasm/train.txt $(filter %.o,$^) -o $(@:.wasm=.js)
machine-code: $(B)/bench/relaxed-names.wasm ## what V8 makes of a kernel: FUNCTION=apart_6_2
	@NODE_RELAXED="$(NODE_RELAXED)" node tests/bench/machine_code.mjs $< $(FUNCTION)

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
