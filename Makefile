# A thin front for meson. Each target installs what it needs first (tools/install-deps; quiet when all is there).

PREFIX ?= /usr/local
RELEASE = .build/release
DEBUG = .build/debug
FUZZ = .build/fuzz
SECONDS_PER_TARGET ?= 20

.PHONY: all demo test test-oracle test-oracle-nightly lint fuzz bench release install clean deps

all: release

deps:
	@tools/install-deps

# What the API client needs; without it the rest works.
.build/curl/lib/libcurl.a: | deps
	@tools/build-curl .build/curl || true

$(RELEASE)/build.ninja: | deps .build/curl/lib/libcurl.a
	@meson setup $(RELEASE) --buildtype=release -Db_pie=true -Dstatic=true >/dev/null

$(DEBUG)/build.ninja: | deps .build/curl/lib/libcurl.a
	@meson setup $(DEBUG) --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false >/dev/null

release: $(RELEASE)/build.ninja
	@ninja -C $(RELEASE) --quiet src/cmd/redoubt
	@mkdir -p build
	@strip -o build/redoubt $(RELEASE)/src/cmd/redoubt

demo: release
	@build/redoubt scan examples/shop --fail-on never

test: $(DEBUG)/build.ninja release
	@ninja -C $(DEBUG) --quiet
	@tests/run $(DEBUG)

# Against the code of Kubernetes itself; needs Go, and says so where there is none. At night with ten times as many cases.
test-oracle: release
	@oracle/test $(ORACLE_OPTIONS)

test-oracle-nightly: release
	@oracle/test --nightly $(ORACLE_OPTIONS)

lint: $(DEBUG)/build.ninja
	@tools/lint $(DEBUG)

fuzz: | deps
	@tools/fuzz $(FUZZ) $(SECONDS_PER_TARGET)

bench: release
	@bench/run

install: release
	install -D -m 755 build/redoubt $(DESTDIR)$(PREFIX)/bin/redoubt
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	build/redoubt completion man > $(DESTDIR)$(PREFIX)/share/man/man1/redoubt.1
	build/redoubt completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/redoubt
	build/redoubt completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_redoubt
	build/redoubt completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/redoubt.fish

clean:
	rm -rf .build build
