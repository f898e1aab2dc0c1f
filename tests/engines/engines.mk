# The element and the page in Chromium, Firefox and WebKit; included by Makefile. Slow, and apart
# from `make test`: it installs Debian's firefox-esr, webkit2gtk-driver and Xvfb, and npm's
# puppeteer-core below build/.

DRIVER = $(B)/engines/node_modules/.package-lock.json

test-engines: $(PAGE) $(ELEMENT) $(DIST) $(DRIVER) ## the same bits in Chromium, Firefox and WebKit
test-engines: | browser $(B)/have/firefox $(B)/have/webkit $(B)/have/xvfb
	@node $(NODE_RELAXED) tests/engines/same-bits.mjs $(B)/engines "$(BROWSER)" $(ONLY)
.PHONY: test-engines
