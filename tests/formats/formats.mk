# What kiln exports, opened by the programs it is for; included by Makefile. Slow, and apart from
# `make test`: it installs Debian's NumPy, ONNX, PyTorch and pdfTeX, and npm's
# onnxruntime-web, TensorFlow.js and marked below build/.

OPENERS = $(B)/formats/node_modules/.package-lock.json

test-formats: $(B)/native/kiln $(DIST) $(OPENERS) ## open every export in the program that it is for
test-formats: | $(B)/have/numpy $(B)/have/onnx $(B)/have/torch $(B)/have/pdftex
	@node tests/formats/open.mjs
	@node tests/formats/pytorch.mjs
.PHONY: test-formats
