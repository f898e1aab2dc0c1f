# Equal bits on every compiler, width and mode; included by Makefile.

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
