# make install and make uninstall: the program, the library in both forms, headers, manuals and
# completions, where such files belong. Included by Makefile.
#
# DESTDIR is put before every path, for who makes packages; PREFIX is where the files say they are.

PREFIX ?= /usr/local
DESTDIR ?=

VERSION := $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' package.json)
# Programs ask for the library by this name: it changes where they would have to be built again.
SONAME = libkiln.so.$(firstword $(subst ., ,$(VERSION)))

# The library once more, as code that runs at any address.
$(eval $(call variant,shared,$(CC),$(NATIVE_strict) $(SHARED_FLAGS)))

# Of its names, those that kiln.h marks.
$(B)/native/libkiln.map: $(EXPORTS)
	@mkdir -p $(@D)
	@{ echo '{ global:'; sed -n 's/^_\(kiln_.*\)/\1;/p' $<; echo 'local: *; };'; } > $@
$(B)/native/libkiln.so: $(B)/obj/shared/libkiln.a $(B)/native/libkiln.map
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(B)/native/libkiln.map \
		-Wl,--whole-archive $< -Wl,--no-whole-archive -pthread -lm -Wl,-z,defs -o $@

# Manuals and completions are printed by the program, from its tables of commands and options.
$(B)/install/man/kiln.1: $(B)/native/kiln
	@rm -rf $(@D) && mkdir -p $(@D)
	$(Q)$< --manual $(@D)
$(B)/install/bash: $(B)/native/kiln
	@mkdir -p $(@D)
	$(Q)$< --completion bash > $@
$(B)/install/zsh: $(B)/native/kiln
	@mkdir -p $(@D)
	$(Q)$< --completion zsh > $@

define PKG_CONFIG
prefix=$(PREFIX)
libdir=$${prefix}/lib
includedir=$${prefix}/include

Name: kiln
Description: trains convolutional networks; the same bits natively and in a browser
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -lkiln
Libs.private: -pthread -lm
endef
export PKG_CONFIG

INSTALLED = $(NATIVE) $(B)/native/libkiln.so $(B)/install/man/kiln.1 $(B)/install/bash \
	$(B)/install/zsh
TO = $(DESTDIR)$(PREFIX)
HEADERS = kiln.h kiln_layers.h kiln_formats.h

install: $(INSTALLED) ## program, library, headers, manuals, completions (DESTDIR= PREFIX=)
	install -d '$(TO)/bin' '$(TO)/include' '$(TO)/lib/pkgconfig' '$(TO)/share/man/man1' \
		'$(TO)/share/bash-completion/completions' '$(TO)/share/zsh/site-functions'
	install $(filter $(B)/native/kiln%,$(NATIVE)) '$(TO)/bin'
	install -m 644 $(HEADERS:%=src/%) '$(TO)/include'
	install -m 644 $(B)/native/libkiln.a '$(TO)/lib'
	install -m 644 $(B)/native/libkiln.so '$(TO)/lib/libkiln.so.$(VERSION)'
	ln -sf libkiln.so.$(VERSION) '$(TO)/lib/$(SONAME)'
	ln -sf $(SONAME) '$(TO)/lib/libkiln.so'
	echo "$$PKG_CONFIG" > '$(TO)/lib/pkgconfig/kiln.pc'
	chmod 644 '$(TO)/lib/pkgconfig/kiln.pc'
	install -m 644 $(B)/install/man/*.1 '$(TO)/share/man/man1'
	install -m 644 $(B)/install/bash '$(TO)/share/bash-completion/completions/kiln'
	install -m 644 $(B)/install/zsh '$(TO)/share/zsh/site-functions/_kiln'

uninstall: $(B)/install/man/kiln.1 ## removes these files again (the same DESTDIR= PREFIX=)
	cd '$(TO)/' && rm -f bin/kiln bin/kiln-fused $(HEADERS:%=include/%) lib/libkiln.a \
		lib/libkiln.so lib/$(SONAME) lib/libkiln.so.$(VERSION) lib/pkgconfig/kiln.pc \
		$$(cd $(abspath $(<D)) && printf 'share/man/man1/%s ' *.1) \
		share/bash-completion/completions/kiln share/zsh/site-functions/_kiln
.PHONY: install uninstall
