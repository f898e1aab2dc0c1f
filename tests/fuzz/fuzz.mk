# The fuzzers; included by Makefile.

# Each fuzz target by itself, in a build of its own with clang: make fuzz FUZZ=notation SECONDS=60
FUZZ ?= $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
SECONDS ?= 60
$(eval $(call variant,fuzz,$$(CLANG),$(NATIVE_strict) $(FUZZ_FLAGS)))
$(call objects,fuzz,$(LIB_SRC) $(FUZZ_SRC)): | $(B)/have/fuzzer $(B)/have/zlib
$(B)/fuzz/%: $(B)/obj/fuzz/tests/fuzz/fuzz_%.o $(B)/obj/fuzz/libkiln.a
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(filter %.o,$^) $(filter %.a,$^) $(PICTURES) $(NATIVE_LIBS) -o $@
$(B)/fuzz/picture: PICTURES = $(PICTURE_LIBS)
$(B)/fuzz/picture: $(call objects,fuzz,$(PICTURE_SRC))
$(B)/fuzz/report: $(call objects,fuzz,$(REPORT_SRC))

# Seeds of the targets that read what kiln writes, made by the library as it is now.
SEEDS = $(B)/fuzz/seeds
$(B)/tests-c/make_seeds: $(B)/obj/strict/tests/fuzz/make_seeds.o $(B)/obj/strict/libkiln.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_strict) $^ $(NATIVE_LIBS) -o $@
$(SEEDS)/made: $(B)/tests-c/make_seeds
	@rm -rf $(@D) && mkdir -p $(@D)
	$(Q)$< $(@D)
	@touch $@
seeds: $(SEEDS)/made ## the seeds of the fuzzers that read checkpoints: build/fuzz/seeds

fuzz: $(FUZZ:%=$(B)/fuzz/%) $(SEEDS)/made ## fuzz the parsers with libFuzzer (FUZZ=name SECONDS=60)
	@for name in $(FUZZ); do \
		mkdir -p $(B)/fuzz/corpus/$$name; \
		echo "== $$name"; \
		$(B)/fuzz/$$name -max_total_time=$(SECONDS) -timeout=10 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz/$$name- \
			$(B)/fuzz/corpus/$$name $$(ls -d tests/fuzz/corpus/$$name $(SEEDS)/$$name \
			2>/dev/null) 2>&1 | tail -n 12; done
