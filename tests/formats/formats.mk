# What kiln exports, opened by the programs it is for; included by Makefile. Slow, and apart from
# `make test`: it installs Debian's NumPy, ONNX, PyTorch and pdfTeX, and npm's
# onnxruntime-web, TensorFlow.js and marked below build/.

OPENERS = $(B)/formats/node_modules/.package-lock.json
$(OPENERS): $(wildcard tests/formats/package*.json) | $(B)/have/npm
	@mkdir -p $(B)/formats
	@cp tests/formats/package.json tests/formats/package-lock.json $(B)/formats
	@echo "kiln: installing onnxruntime-web, TensorFlow.js and marked into $(B)/formats" >&2
	npm ci --prefix $(B)/formats --ignore-scripts --no-audit --no-fund
	@touch $@

test-formats: $(B)/native/kiln $(DIST) $(OPENERS) ## open every export in the program that it is for
test-formats: | $(B)/have/numpy $(B)/have/onnx $(B)/have/torch $(B)/have/pdftex
	@node tests/formats/open.mjs
	@node tests/formats/pytorch.mjs
.PHONY: test-formats
