# Builds libnbd.so.0, libnbd.a, the headers, the pkg-config files and the manual.
# GNU make; `make help` lists the targets.

# The version of the C API, which is what programs ask pkg-config for.
VERSION := 1.24.0
SONAME := libnbd.so.0
REALNAME := libnbd.so.0.0.0
# The version of what this library adds to the API.
EXTENSION_VERSION := 1.0
# The version of the sources: that of the API followed by that of the crate.
CRATE_VERSION := $(shell sed -n '/^\[workspace.package\]/,/^$$/s/^version = "\(.*\)"$$/\1/p' Cargo.toml)
RELEASE := $(VERSION)+rs$(CRATE_VERSION)

comma := ,

# Tools and directories; each can be set on the command line.
CARGO ?= cargo
CARGO_FLAGS ?=
# The name under which `make bench` stores a run: the machine and its load.
BENCH_LABEL ?= Latest run
# Other flags, such as --rows=TCP, store nothing.
BENCH_FLAGS ?= --label '$(BENCH_LABEL)'
CFLAGS ?=
LDFLAGS ?=
INSTALL ?= install
PYTHON ?= python3
override CARGO_TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BUILD := build
# How much a function may weigh that the optimiser copies to where it is called,
# unless it is marked with #[inline], as those are through which every request
# goes.  With what is usual, 225, the library would be an eighth larger, and hardly
# faster.
INLINING := -C llvm-args=--inline-threshold=40
# Cargo, for what is installed: the binaries contain no name of a directory.
RELEASE_CARGO = CARGO_ENCODED_RUSTFLAGS="$$(scripts/rust-flags.sh)" $(CARGO)
ARCHIVE := $(BUILD)/dist/libnbd-$(RELEASE).tar.gz

empty :=
space := $(empty) $(empty)
comma := ,

# What cargo is told to build for, if that is not this machine, and the GNU name
# of it, with which the names of the tools begin.
TARGET := $(or $(patsubst --target=%,%,$(lastword \
    $(filter --target=%,$(subst --target$(space),--target=,$(CARGO_FLAGS))))),$(CARGO_BUILD_TARGET))
GNU_TARGET := $(patsubst riscv64gc-%,riscv64-%,$(patsubst armv7-%,arm-%,$(subst -unknown,,$(TARGET))))
ifeq ($(origin CC),default)
CC := $(or $(if $(TARGET),$(shell command -v $(GNU_TARGET)-gcc)),cc)
endif
# The other tools are those beside the compiler.
TOOLS := $(patsubst %gcc,%,$(filter %-gcc,$(firstword $(CC))))
TOOLS := $(if $(shell command -v $(TOOLS)objcopy),$(TOOLS))
OBJCOPY ?= $(TOOLS)objcopy
ifeq ($(origin AR),default)
AR := $(TOOLS)ar
endif
# Cargo links programs with the same compiler.
ifneq ($(TARGET),)
TARGET_WORD := $(shell printf %s '$(TARGET)' | tr a-z- A-Z_)
export CARGO_TARGET_$(TARGET_WORD)_LINKER ?= $(CC)
endif
RELEASE_DIR := $(CARGO_TARGET_DIR)/$(if $(TARGET),$(TARGET)/)release

MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null || dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null)
# (The linker for another processor would warn.)
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
SHADOW_STACK := $(if $(and $(filter x86_64-%,$(MACHINE)),$(findstring linux,$(MACHINE))),-Wl$(comma)-z$(comma)shstk)
# Relocations in their short form, if the C library knows it, as glibc does since
# 2.36; the library then needs such a version.
SHORT_RELOCATIONS := $(if $(filter-out 0,$(shell grep -c GLIBC_ABI_DT_RELR \
    "$$($(CC) -print-file-name=libc.so.6 2>/dev/null)" 2>/dev/null)),-Wl$(comma)-z$(comma)pack-relative-relocs)
PREFIX ?= /usr/local
# Debian's directory for the processor, or lib64 where that is one of its own, as on
# Fedora, if they exist.
LIBDIR ?= $(PREFIX)/lib$(shell cd '$(PREFIX)' 2>/dev/null || exit; \
    if [ '$(MULTIARCH)' ] && [ -d 'lib/$(MULTIARCH)' ]; then echo '/$(MULTIARCH)'; \
    elif [ -d lib64 ] && [ ! -L lib64 ] && $(CC) -dM -E -x c /dev/null 2>&1 | grep -q __LP64__; then echo 64; fi)
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/libnbd
DESTDIR ?=

# What the library needs besides libc and libgcc_s, which the compiler adds
# automatically.  The last three have been part of libc since glibc 2.34.
PRIVATE_LIBS := -lssl -lcrypto -lpthread -lm -ldl

# Where the headers are, and where `make header` writes them.
HEADERS := include
# Named after the crate, which is named libnbd itself.
RUST_ARCHIVE := $(RELEASE_DIR)/liblibnbd.a
MAN_PAGES := $(CARGO_TARGET_DIR)/man
HTML_PAGES := $(CARGO_TARGET_DIR)/html
SERVER := $(RELEASE_DIR)/embedded-server
# Prints the functions of the API.
EXPORTS := sed -n 's/^ *\(nbdx\{0,1\}_[a-z0-9_]*\);$$/\1/p' libnbd.syms
LIBRARIES := $(addprefix $(BUILD)/,$(REALNAME) $(SONAME) libnbd.so libnbd.a)

# The names of the pkg-config files, the headers and the overview pages.
INTERFACES := libnbd libnbdx
# The pages of the manual that are not about one function.
ARTICLES := $(basename $(notdir $(wildcard man/*.md)))

# For the scripts behind quickstart, check and bench.
export CARGO CARGO_FLAGS CARGO_TARGET_DIR CC PYTHON
export LIBNBD_BUILD := $(CURDIR)/$(BUILD)
# (The names of files may contain spaces, which make's own functions do not know.)
absolute = $(if $(filter /%,$(firstword $(1))),$(1),$(CURDIR)/$(1))
export EMBEDDED_SERVER := $(call absolute,$(SERVER))

.DELETE_ON_ERROR:
.PHONY: all help header html server install install-html uninstall quickstart dist deb check \
    check-targets check-toolchains check-releases reproducible torture bench fmt lint clean tools FORCE

## all: build everything below build/ (default)
all: $(LIBRARIES) $(BUILD)/man $(BUILD)/html $(INTERFACES:%=$(BUILD)/%.pc) $(INTERFACES:%=$(BUILD)/%-uninstalled.pc)

## help: list the targets and what they do
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20
	@echo 'Variables: PREFIX LIBDIR INCLUDEDIR MANDIR DOCDIR DESTDIR CC CFLAGS LDFLAGS CARGO CARGO_FLAGS'

# Cargo decides whether something has to be compiled.  If it leaves the archive
# unchanged, its date stays the same and nothing is linked again.  The same build
# writes the manual next to cargo's own files, so that they come and go together.
$(RUST_ARCHIVE): tools FORCE
	LIBNBD_MAN_OUT='$(call absolute,$(MAN_PAGES))' LIBNBD_HTML_OUT='$(call absolute,$(HTML_PAGES))' $(RELEASE_CARGO) rustc $(CARGO_FLAGS) --target-dir $(CARGO_TARGET_DIR) --release --package libnbd --features capi --lib --crate-type staticlib -- $(INLINING)

# Without these the error would be one of cargo, and long.
tools:
	@scripts/check-tools.sh $(if $(TARGET),--cross)

## server: build the scripted server of the quickstart and the tests
server: tools
	$(RELEASE_CARGO) build $(CARGO_FLAGS) --target-dir $(CARGO_TARGET_DIR) --release --package embedded-server

$(BUILD):
	mkdir -p $@

# The C compiler links the shared library because rustc would add its own
# version script.  --whole-archive is needed because nothing refers to a symbol of
# the archive; --no-undefined-version because the linker would silently ignore a
# missing function; nodelete because a thread that still holds one of our errors
# would crash when it ends after the code has been unloaded.  libcrypto comes
# before libssl because the loader searches in this order and finds nearly
# everything there, which saves 4% of its work when a program starts.  (Static
# linking needs the other order, so libcrypto is named twice.)  GNU ld is the
# linker unless LDFLAGS name another, because lld and mold do not record from which
# version node another inherits.  SHADOW_STACK tells the loader of x86 that returns
# only go where calls came from.  Programs that run meanwhile keep the old library.
$(BUILD)/$(REALNAME): $(RUST_ARCHIVE) libnbd.syms Makefile | $(BUILD)
	$(CC) -fuse-ld=bfd $(CFLAGS) $(LDFLAGS) -shared -o $@.new -Wl,-soname,$(SONAME) \
	    -Wl,--version-script=libnbd.syms -Wl,--no-undefined-version \
	    -Wl,-z,defs -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now $(SHADOW_STACK) $(SHORT_RELOCATIONS) \
	    -Wl,--as-needed -Wl,--gc-sections \
	    -Wl,--whole-archive $(RUST_ARCHIVE) -Wl,--no-whole-archive -lcrypto $(PRIVATE_LIBS) -lgcc_s -lc
	mv -f $@.new $@

$(BUILD)/$(SONAME): $(BUILD)/$(REALNAME)
	ln -sf $(REALNAME) $@

$(BUILD)/libnbd.so: $(BUILD)/$(SONAME)
	ln -sf $(SONAME) $@

# The static library is one object in which only the C API is global: Rust's
# own symbols would clash with those of another Rust library in the program.
# Its section groups are dissolved first, because the linker could still discard
# a group without a global name in favour of that of another library.  GNU ld does
# this, whichever linker the compiler uses otherwise.  What rustc may have left for
# its own optimiser goes too: `ar` would hand it to an older LLVM.  Programs would
# inherit the debug data of Rust, which is many times as large as the code.
$(BUILD)/libnbd.a: $(RUST_ARCHIVE) libnbd.syms Makefile | $(BUILD)
	$(EXPORTS) > $(BUILD)/exports
	$(CC) -fuse-ld=bfd -r -nostdlib -o $(BUILD)/libnbd.o -Wl,--force-group-allocation -Wl,--gc-sections \
	    $$(sed 's/^/-Wl,-u,/' $(BUILD)/exports) $(RUST_ARCHIVE)
	$(OBJCOPY) --strip-debug --keep-global-symbols=$(BUILD)/exports \
	    --remove-section=.llvmbc --remove-section=.llvmcmd $(BUILD)/libnbd.o
	rm -f $@.new
	$(AR) rcs $@.new $(BUILD)/libnbd.o
	mv -f $@.new $@
	rm -f $(BUILD)/libnbd.o $(BUILD)/exports

$(BUILD)/man: $(RUST_ARCHIVE) | $(BUILD)
	rm -rf $@
	cp -R $(MAN_PAGES) $@
	touch $@

$(BUILD)/html: $(RUST_ARCHIVE) | $(BUILD)
	rm -rf $@
	cp -R $(HTML_PAGES) $@
	touch $@

## html: write the manual for browsers, build/html/index.html
html: $(BUILD)/html
	@echo '$(BUILD)/html/index.html'

# $(call pkg_config,interface,prefix,library directory,header directory,linker flags)
pkg_config = sed -e 's|@prefix@|$(2)|' -e 's|@libdir@|$(3)|' -e 's|@includedir@|$(4)|' \
    -e 's|^libdir=$(2)/|libdir=$${prefix}/|' -e 's|^includedir=$(2)/|includedir=$${prefix}/|' \
    -e '/^[a-z]*=/s/ /\\ /g' \
    -e 's|@version@|$(VERSION)|' -e 's|@extension_version@|$(EXTENSION_VERSION)|' \
    -e 's|@private_libs@|$(PRIVATE_LIBS)|' -e 's|@flags@|$(5)|' $(1).pc.in

$(INTERFACES:%=$(BUILD)/%.pc): $(BUILD)/%.pc: %.pc.in FORCE | $(BUILD)
	@$(call pkg_config,$*,$(PREFIX),$(LIBDIR),$(INCLUDEDIR)) > $@

# pkg-config prefers these files if PKG_CONFIG_PATH contains the build directory.
# Programs then run on the library in that directory, whatever is installed.
$(INTERFACES:%=$(BUILD)/%-uninstalled.pc): $(BUILD)/%-uninstalled.pc: %.pc.in Makefile | $(BUILD)
	$(call pkg_config,$*,$(CURDIR),$(CURDIR)/$(BUILD),$(CURDIR)/include,-Wl$(comma)-rpath$(comma)$${libdir} ) > $@

# The build script writes the headers to LIBNBD_INCLUDE_OUT, and runs again
# because that name is different each time.
## header: regenerate the headers in include/ from the Rust sources
header: | $(BUILD)
	mkdir -p $(HEADERS)
	new=$$(mktemp -d -p '$(CURDIR)/$(BUILD)' include.XXXXXX) && trap 'rm -rf "$$new"' EXIT && \
	LIBNBD_INCLUDE_OUT=$$new $(CARGO) check $(CARGO_FLAGS) --target-dir $(CARGO_TARGET_DIR) --package libnbd --features capi && \
	mv "$$new"/*.h $(HEADERS)

## install: install what `make` built (below DESTDIR if set)
install: $(if $(and $(wildcard $(BUILD)/$(REALNAME)),$(wildcard $(BUILD)/man)),,all)
	@{ $(INSTALL) -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(INCLUDEDIR)' '$(DESTDIR)$(MANDIR)/man3' && \
	    test -w '$(DESTDIR)$(LIBDIR)' -a -w '$(DESTDIR)$(INCLUDEDIR)' -a -w '$(DESTDIR)$(MANDIR)/man3'; } || \
	    { echo 'make install may not write there: run it with sudo, or set PREFIX or DESTDIR to a directory of yours' >&2; \
	    exit 1; }
	$(INSTALL) -m 755 $(BUILD)/$(REALNAME) '$(DESTDIR)$(LIBDIR)'
	$(INSTALL) -m 644 $(BUILD)/libnbd.a '$(DESTDIR)$(LIBDIR)'
	ln -sf $(REALNAME) '$(DESTDIR)$(LIBDIR)/$(SONAME)'
	ln -sf $(SONAME) '$(DESTDIR)$(LIBDIR)/libnbd.so'
	$(INSTALL) -m 644 $(INTERFACES:%=$(HEADERS)/%.h) '$(DESTDIR)$(INCLUDEDIR)'
	$(foreach it,$(INTERFACES),$(call pkg_config,$(it),$(PREFIX),$(LIBDIR),$(INCLUDEDIR)) \
	    > '$(DESTDIR)$(LIBDIR)/pkgconfig/$(it).pc' && ) true
	chmod 644 $(INTERFACES:%='$(DESTDIR)$(LIBDIR)/pkgconfig'/%.pc)
	$(INSTALL) -m 644 $(BUILD)/man/*.3 '$(DESTDIR)$(MANDIR)/man3'
	@echo 'Installed in $(DESTDIR)$(LIBDIR).  Run ldconfig if the loader does not find it.'

## install-html: install the manual for browsers
install-html: $(if $(wildcard $(BUILD)/html),,$(BUILD)/html)
	$(INSTALL) -d '$(DESTDIR)$(DOCDIR)/html'
	$(INSTALL) -m 644 $(BUILD)/html/* '$(DESTDIR)$(DOCDIR)/html'

## uninstall: remove what install and install-html installed
uninstall:
	cd '$(DESTDIR)$(LIBDIR)' && rm -f $(REALNAME) $(SONAME) libnbd.so libnbd.a $(INTERFACES:%=pkgconfig/%.pc)
	cd '$(DESTDIR)$(INCLUDEDIR)' && rm -f $(INTERFACES:%=%.h)
	for page in $(ARTICLES) $$($(EXPORTS)); do rm -f '$(DESTDIR)$(MANDIR)'/man3/$$page.3; done
	for page in $(ARTICLES) $$($(EXPORTS)); do rm -f '$(DESTDIR)$(DOCDIR)'/html/$$page.3.html; done
	rm -f '$(DESTDIR)$(DOCDIR)'/html/index.html '$(DESTDIR)$(DOCDIR)'/html/style.css

# On Debian it first installs what the build needs; elsewhere the build names it.
## quickstart: read a disk with a small C program
quickstart:
	@! command -v dpkg-query > /dev/null || scripts/install-deps.sh --build-only
	@$(MAKE) --no-print-directory all server
	@scripts/quickstart.sh

## dist: pack the sources and the required crates into build/dist
dist:
	@scripts/make-dist.sh $(ARCHIVE)
	@echo '$(ARCHIVE)'

## deb: build Debian packages in build/deb
deb: dist
	@scripts/make-deb.sh $(ARCHIVE) $(BUILD)/deb $(if $(TARGET),$(GNU_TARGET))
	@ls $(BUILD)/deb/*.deb

## check: run every test
check:
	@scripts/check.sh

## check-targets: compile for and test on other processors and systems
check-targets:
	@scripts/check-targets.sh --long

## check-toolchains: build and test with other compilers and linkers
check-toolchains:
	@scripts/check-toolchains.sh --long

## check-releases: build and install packages on several releases of Debian
check-releases:
	@scripts/check-releases.sh

## reproducible: build a second time, elsewhere, and compare the results
reproducible: all
	@scripts/check-reproducible.sh --build

## torture: attack the library for an hour or two
torture: all server
	@INCLUDE='$(CURDIR)/include' LIB='$(CURDIR)/$(BUILD)' torture/run.sh

## bench: compare the speed with the installed C library, and draw the results
bench: all
	$(PYTHON) bench/run.py $(BENCH_FLAGS)

## fmt: format the Rust sources
fmt:
	$(CARGO) fmt --all

## lint: check format and style of the Rust sources
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(CARGO_FLAGS) --target-dir $(CARGO_TARGET_DIR) --workspace --all-targets -- -D warnings

## clean: remove everything that was built
clean:
	$(CARGO) clean --target-dir $(CARGO_TARGET_DIR)
	rm -rf $(BUILD)
