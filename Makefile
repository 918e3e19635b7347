# Builds, installs and tests libzeebe; `make help` lists the targets.
#
# What is built is staged in build/ as it is installed: build/include, build/lib.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: all install uninstall demo examples gateway interop-servers token-servers peers ffi-runtimes check test test-cpp test-clients test-peers test-go java maven python test-java test-python test-python-first bench docs header abi deb test-deb dist advisories msrv clean help

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
DESTDIR ?=
CFLAGS ?= -O2 -g
CXXFLAGS ?= -O2 -g

VERSION = $(shell sed -n '/^version = /{s/.*"\(.*\)"/\1/p;q}' Cargo.toml)

MSRV = $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# With its directories: a file that goes away changes them.
SOURCES := Cargo.toml Cargo.lock build.rs scripts/place packaging/zeebe.map $(wildcard packaging/*.in) $(shell find include src proto)
# Stands for all that is staged beside it.
LIBRARY := build/lib/libzeebe.so.0

# The programs as they are installed, and what they wrote of themselves into build/share.
GATEWAY := target/dist/tool/zeebe-dev-gateway
COMMAND := target/dist/tool/zeebe
MANUAL := man/man1/zeebe.1 man/man1/zeebe-dev-gateway.1 bash-completion/completions/zeebe zsh/site-functions/_zeebe fish/vendor_completions.d/zeebe.fish
# Stands for the others.
PAGE := build/share/man/man1/zeebe.1

all: $(LIBRARY) $(GATEWAY) $(COMMAND) $(PAGE) ## what install places: the shared and the static library, in build/, zeebe-dev-gateway and zeebe, as released

# This way and no other: with an rlib among the crate types cargo leaves out LTO, without a word.
$(LIBRARY): $(SOURCES) scripts/link
	cargo rustc --release --lib --locked --crate-type staticlib --target-dir target/dist
	@scripts/link target/dist/release/libzeebe.a target/dist/release/libzeebe.so
	@scripts/place $(VERSION) "$(CURDIR)/build" "$(CURDIR)/build/lib" "$(CURDIR)/build/include"

# Both at once: what they have in common is built once, and nothing waits for the other.
$(GATEWAY): $(SOURCES) $(addprefix tests/gateway/,Cargo.toml build.rs) command/Cargo.toml $(shell find tests/gateway/src command/src)
	cargo build --profile tool --locked --package zeebe-dev-gateway --package zeebe-command --target-dir target/dist
	@touch $@ $(COMMAND)

$(COMMAND): $(GATEWAY) ;

$(PAGE): $(COMMAND)
	@$(GATEWAY) --manual build/share
	@$< manual build/share

# Builds nothing: sudo knows another PATH, or none of the user's cargo.
install: ## headers, libraries, pkg-config and CMake files, zeebe-dev-gateway and zeebe with its man page and completions below PREFIX (LIBDIR, INCLUDEDIR, BINDIR, DATADIR, DESTDIR); after make
	@for built in $(LIBRARY) $(GATEWAY) $(COMMAND) $(addprefix build/share/,$(MANUAL)); do \
		[ -e "$$built" ] || { echo "install: $$built is not there: run make first, without sudo" >&2; exit 1; }; done
	@scripts/place $(VERSION) "$(PREFIX)" "$(LIBDIR)" "$(INCLUDEDIR)" "$(DESTDIR)"
	@install -d "$(DESTDIR)$(BINDIR)"
	@install -m 755 $(GATEWAY) $(COMMAND) "$(DESTDIR)$(BINDIR)"
	@for file in $(MANUAL); do install -D -m 644 "build/share/$$file" "$(DESTDIR)$(DATADIR)/$$file"; done
	@[ -n "$(DESTDIR)" ] || scripts/announce "$(LIBDIR)"

uninstall: ## removes what install put there, given the same variables
	rm -f "$(DESTDIR)$(INCLUDEDIR)"/zeebe{.h,_ffi.h,.hpp} "$(DESTDIR)$(LIBDIR)/pkgconfig/zeebe.pc"
	rm -f "$(DESTDIR)$(LIBDIR)"/libzeebe.{so.0,so,a} "$(DESTDIR)$(BINDIR)"/zeebe{-dev-gateway,}
	rm -f $(addprefix "$(DESTDIR)$(DATADIR)"/,$(MANUAL))
	rm -rf "$(DESTDIR)$(INCLUDEDIR)/zeebe" "$(DESTDIR)$(LIBDIR)/cmake/zeebe"

# All libraries and programs as the tests have them, without optimisation. Never a part of them: cargo would compile what they depend on anew, with
# the features that the part needs. So it would without one of the tests, whose dependencies count only then.
BUILD_FOR_TESTS := cargo build --locked --workspace --lib --bins --test floors --target-dir target

# What the demo needs, and no more: half of that.
demo: ## a job's life over each of the four channels, on a development gateway
	@scripts/prerequisites cargo cc
	cargo build --locked --package libzeebe --package zeebe-dev-gateway --target-dir target
	@$(MAKE) --no-print-directory build/check/demo
	@examples/run-demo

build/check/demo: examples/demo.c target/debug/libzeebe.so
	@mkdir -p $(@D)
	@cp target/debug/libzeebe.so $(@D)/libzeebe.so.0
	$(CC) -std=c11 $(CFLAGS) -pthread -Iinclude -o $@ $< $(@D)/libzeebe.so.0 -Wl,-rpath,'$$ORIGIN'

gateway: ## the development gateway, target/debug/zeebe-dev-gateway, and the other programs that the tests run
	$(BUILD_FOR_TESTS)

interop-servers: gateway build/interop-grpc-go # of gRPC's interoperability cases; tests/interop.rs runs them

build/interop-grpc-go: $(wildcard tests/interop/go-server/*)
	go build -C tests/interop/go-server -o "$(CURDIR)/$@" .

# What stands beside these stamps is whole.
TOKEN_SERVERS := $(patsubst %,build/token_servers/%.ready,oidc-provider keycloak spring authlib fosite)

token-servers: ## the authorization servers of tests/token_servers, downloaded once; what cannot be had is skipped, unless SKIP_NONE is set
	@for server in $(TOKEN_SERVERS); do $(MAKE) --no-print-directory "$$server" || { \
		echo "token-servers: skipped: $$server" >&2; [ -z "$${SKIP_NONE:-}" ]; }; done

.SECONDEXPANSION:
build/token_servers/%.ready: $$(shell find tests/token_servers/$$* -type f -not -path '*/node_modules/*')
	@mkdir -p $(@D)
	tests/token_servers/$*/install "$(CURDIR)/build/token_servers/$*"
	@touch $@

PEERS := $(patsubst %,build/peers/%.ready,grpc-java grpc-python nginx haproxy httpd nghttpx envoy caddy traefik)

peers: interop-servers ## the servers and reverse proxies of tests/peers, downloaded once; what cannot be had is skipped, unless SKIP_NONE is set
	@for peer in $(PEERS); do $(MAKE) --no-print-directory "$$peer" || { \
		echo "peers: skipped: $$peer" >&2; [ -z "$${SKIP_NONE:-}" ]; }; done

# Whatever SKIP_NONE says: what others publish is not there for every machine.
NAME_MISSING_PEERS = for peer in $(PEERS); do \
	[ -e "$$peer" ] || echo "SKIPPED, since it could not be had: $$(basename "$$peer" .ready), of tests/peers"; done

build/peers/%.ready: $$(shell find tests/peers/$$* -type f) tests/peers/wheel tests/peers/debian
	@mkdir -p $(@D)
	@rm -f $@
	tests/peers/$*/install "$(CURDIR)/build/peers/$*"
	@touch $@

KOFFI := examples/ffi/node_modules/.package-lock.json

ffi-runtimes: # what examples/ffi run on; what cannot be had is skipped, unless SKIP_NONE is set
	@for runtime in ruby luajit php node mcs; do scripts/prerequisites "$$runtime" || { \
		echo "ffi-runtimes: skipped: $$runtime" >&2; [ -z "$${SKIP_NONE:-}" ]; }; done
	@! command -v npm >/dev/null || $(MAKE) --silent --no-print-directory $(KOFFI) || { \
		echo "ffi-runtimes: skipped: koffi" >&2; [ -z "$${SKIP_NONE:-}" ]; }

$(KOFFI): examples/ffi/package-lock.json
	npm ci --silent --prefix $(<D)
	@touch $@

CLIENTS := tests/clients
FETCHED_CLIENTS := build/clients/python/pyvenv.cfg $(CLIENTS)/node/node_modules/.package-lock.json build/clients/java/fetched

build/clients/python/pyvenv.cfg: $(CLIENTS)/python/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(CLIENTS)/node/node_modules/.package-lock.json: $(CLIENTS)/node/package-lock.json
	npm ci --silent --prefix $(<D)

build/clients/java/fetched: $(CLIENTS)/java/pom.xml $(wildcard $(CLIENTS)/java/src/main/java/*.java)
	mvn --quiet --batch-mode --file $< compile dependency:copy-dependencies
	@touch $@

COMPILE = $(CC) -std=c11 -Wall -Wextra -Wpedantic $(CFLAGS) -pthread -Ibuild/include -o $@ $(filter %.c,$^) \
	$(LDFLAGS) -Lbuild/lib -lzeebe -Wl,-rpath,'$$ORIGIN/lib'

WORKERS := $(addprefix build/worker-,blocking epoll callbacks)
EXAMPLES := build/demo build/topology $(WORKERS)

examples: $(EXAMPLES) build/worker-cpp ## the programs of examples/, in build/

build/worker-blocking build/worker-epoll: examples/worker.h

$(EXAMPLES): build/%: examples/%.c $(LIBRARY)
	$(COMPILE)

build/worker-cpp: examples/cpp/worker.cpp $(LIBRARY)
	$(CXX) -std=c++17 -Wall -Wextra -Wpedantic $(CXXFLAGS) -pthread -Ibuild/include -o $@ $< $(LDFLAGS) -Lbuild/lib -lzeebe -Wl,-rpath,'$$ORIGIN/lib'

build/conformance-driver: $(wildcard tests/conformance/drivers/c/*.[ch]) $(LIBRARY)
	$(COMPILE)

# The C driver's reader of JSON, for the C++ driver.
build/conformance-json.o: tests/conformance/drivers/c/json.c tests/conformance/drivers/c/json.h
	$(CC) -std=c11 -Wall -Wextra -Wpedantic $(CFLAGS) -c -o $@ $<

build/conformance-driver-cpp: tests/conformance/drivers/cpp/driver.cpp build/conformance-json.o $(LIBRARY)
	$(CXX) -std=c++17 -Wall -Wextra -Wpedantic $(CXXFLAGS) -pthread -Ibuild/include -Itests/conformance/drivers/c -o $@ \
		$(filter %.cpp %.o,$^) $(LDFLAGS) -Lbuild/lib -lzeebe -Wl,-rpath,'$$ORIGIN/lib'

test-cpp: $(LIBRARY) gateway ## the C++ binding: its tests as C++17, and as C++20 under sanitizers
	tests/cpp/run

# The Java binding: its native part beside the library, as the jar carries both.
JAVA_HOME ?= $(patsubst %/bin/javac,%,$(realpath $(shell command -v javac)))
JAVA_NATIVE := build/java/native/$(shell uname -s | tr A-Z a-z)-$(shell uname -m)

$(JAVA_NATIVE)/libzeebe_jni.so: $(wildcard bindings/java/src/main/c/*.[ch]) $(LIBRARY)
	@mkdir -p $(@D)
	@cp -L $(LIBRARY) $(@D)/libzeebe.so.0
	$(CC) -std=c11 -shared -fPIC -fvisibility=hidden -Wall -Wextra -Wpedantic $(CFLAGS) -Ibuild/include \
		-I"$(JAVA_HOME)/include" -I"$(JAVA_HOME)/include/linux" -o $@ $(filter %.c,$^) \
		$(LDFLAGS) -Lbuild/lib -lzeebe -Wl,-rpath,'$$ORIGIN' -Wl,-z,nodelete -Wl,-z,defs

GO_BINDING := bindings/go/in-tree $(shell find bindings/go -name '*.go' -o -name 'go.*' -o -name 'glue.*')

build/conformance-driver-go: $(wildcard tests/conformance/drivers/go/*) $(GO_BINDING) $(LIBRARY)
	bindings/go/in-tree go build -C tests/conformance/drivers/go -o "$(CURDIR)/$@" .

build/environment-go: $(wildcard tests/environment/go/*) $(GO_BINDING) $(LIBRARY)
	bindings/go/in-tree go build -C tests/environment/go -o "$(CURDIR)/$@" .

test-go: $(LIBRARY) gateway interop-servers ## the Go binding: vet, its tests with -race, and with GOEXPERIMENT=cgocheck2
	bindings/go/in-tree go -C bindings/go vet ./...
	bindings/go/in-tree go -C bindings/go test -count=1 -timeout 300s -race ./...
	GOEXPERIMENT=cgocheck2 bindings/go/in-tree go -C bindings/go test -count=1 -timeout 300s ./...

MAVEN := mvn --quiet --batch-mode --file bindings/java/pom.xml

java: build/java/lib/zeebe-channel.jar ## the Java binding: build/java/lib/zeebe-channel.jar, and beside it stubs, and what programs with them need

build/java/lib/zeebe-channel.jar: bindings/java/pom.xml proto/gateway.proto $(shell find bindings/java/src -name '*.java') $(JAVA_NATIVE)/libzeebe_jni.so
	@rm -rf build/java/lib
	$(MAVEN) package -DskipTests dependency:copy-dependencies -DincludeScope=compile -DoutputDirectory="$(CURDIR)/build/java/lib"
	@cp build/java/target/zeebe-channel-$(VERSION)-stubs.jar build/java/lib/zeebe-stubs.jar
	@cp build/java/target/zeebe-channel-$(VERSION).jar $@

maven: build/java/lib/zeebe-channel.jar ## the Java binding as a Maven repository, build/maven, with sources, Javadoc, and the natives of all platforms in build/java/native
	@rm -rf build/maven
	$(MAVEN) --activate-profiles release deploy -DskipTests -DaltDeploymentRepository=build::file://"$(CURDIR)/build/maven"

build/java/driver/Driver.class: tests/conformance/drivers/java/Driver.java build/java/lib/zeebe-channel.jar
	javac --release 17 -Xlint:all,-processing -Werror -d $(@D) -cp 'build/java/lib/*' $<

build/java/environment/Environment.class: tests/environment/java/Environment.java build/java/lib/zeebe-channel.jar
	javac --release 17 -Xlint:all,-processing -Werror -d $(@D) -cp 'build/java/lib/*' $<

test-java: build/java/lib/zeebe-channel.jar gateway ## the Java binding: its tests
	timeout 900 $(MAVEN) verify

# The Python binding, and an environment for it and its tests. The wheel carries the library.
PYTHON := build/python/venv/bin/python

build/python/venv/ready: bindings/python/requirements.txt bindings/python/tests/requirements.txt
	@rm -rf $(@D)
	python3 -m venv $(@D)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# Another Python, such as 3.12, for the tests alone.
.PRECIOUS: build/python/venv-%/ready
build/python/venv-%/ready: bindings/python/tests/requirements.txt
	@rm -rf $(@D)
	PYENV_VERSION=$* python$* -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

python: build/python/installed ## the Python binding: a wheel and an sdist in build/python/dist, for CPython 3.10 and later

build/python/installed: build/python/venv/ready $(LIBRARY) $(wildcard bindings/python/*.* bindings/python/src/libzeebe/*)
	@rm -rf build/python/dist build/python/source
	@mkdir -p build/python/source
	@cp -r bindings/python/{glue.c,glue.h,src,MANIFEST.in,native.py,pyproject.toml,README.md,setup.py} build/python/source
	cd build/python/source && LIBZEEBE_PREFIX="$(CURDIR)/build" "$(CURDIR)/$(PYTHON)" -W ignore -m build --no-isolation --outdir built . >built.log 2>&1 || { cat built.log >&2; false; }
	@PATH="$(CURDIR)/$(dir $(PYTHON)):$$PATH" $(PYTHON) -W ignore -m auditwheel repair --wheel-dir build/python/dist build/python/source/built/*.whl 2>&1 | sed -n "s/Fixed-up wheel written to/python:/p"
	@cp build/python/source/built/*.tar.gz build/python/dist
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall build/python/dist/*.whl
	@touch $@

test-python: build/python/installed gateway interop-servers ## the Python binding: format, types, its tests, with each Python from 3.10 to 3.13 that is here
	cd bindings/python && ../../$(dir $(PYTHON))ruff format --check . ../../tests/conformance/drivers/python && ../../$(dir $(PYTHON))ruff check .
	cd bindings/python && ../../$(dir $(PYTHON))mypy
	others=$$(scripts/other-pythons $(PYTHON)); \
		$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-python-first $${others//3./test-python-3.}

# pyzeebe's own tests, of its source distribution, with our names in the place of pyzeebe's.
PYZEEBE := bindings/python/tests/suite

build/python/pyzeebe/ready: $(wildcard $(PYZEEBE)/*.*) build/python/venv/ready
	@rm -rf $(@D)
	@mkdir -p $(@D)
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --no-binary pyzeebe --require-hashes --dest $(@D) --requirement $(PYZEEBE)/requirements.txt
	@tar --extract --file $(@D)/pyzeebe-*.tar.gz --directory $(@D) --strip-components 1 --wildcards '*/tests'
	@cp $(PYZEEBE)/test.bpmn $(@D)/tests/integration
	@touch $@

# By the environment of a Python.
define TEST_PYTHON
	cd bindings/python && timeout 600 ../../$(1)/bin/python -X dev -W error -m pytest
	cd build/python/pyzeebe && PYTHONPATH="$(CURDIR)/$(PYZEEBE):$(CURDIR)/bindings/python/tests" \
		timeout 120 ../../../$(1)/bin/python -m pytest -p on_libzeebe -p no:cacheprovider -o markers=e2e --quiet tests
endef

test-python-first: build/python/installed build/python/pyzeebe/ready
	$(call TEST_PYTHON,build/python/venv)

test-python-3.%: build/python/venv-3.%/ready build/python/installed build/python/pyzeebe/ready
	build/python/venv-3.$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall build/python/dist/*.whl
	$(call TEST_PYTHON,build/python/venv-3.$*)

# A fast first failure: what needs neither the released library nor a gateway that runs.
check: ## format, lints, licences of crates, unit tests, floors, header, options, ABI, exports and a C smoke test, in a minute or two
	scripts/prerequisites cargo cc
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/check-c-style
	scripts/check-dependencies
	scripts/check-abi
	$(MAKE) build/check/arguments
	ZEEBE_LIBRARY=build/check/libzeebe.so.0 cargo test --locked --workspace --lib --test floors --test header --test drift
	build/check/arguments

# As cargo builds it for the tests, without LTO; the second panics when told to: `zeebe_test_panic`.
FEATURES :=
build/check/panics/libzeebe.so.0: FEATURES := --features libzeebe/panic-probe
build/check/libzeebe.so.0 build/check/panics/libzeebe.so.0: $(SOURCES)
	$(subst --bins ,,$(BUILD_FOR_TESTS)) $(FEATURES)
	@mkdir -p $(@D)
	@cp target/debug/libzeebe.so $@

build/check/arguments: tests/c/arguments.c tests/c/check.h build/check/libzeebe.so.0
	$(CC) -std=c11 $(CFLAGS) -pthread -Iinclude -o $@ $< build/check/libzeebe.so.0 -Wl,-rpath,'$$ORIGIN'

# What tests of cargo have made, and those of the bindings beside them: at the same time, two would make it in one place.
SHARED_BY_TESTS := build/java/driver/Driver.class build/java/environment/Environment.class build/python/installed build/python/pyzeebe/ready \
	build/conformance-driver-go build/environment-go

# Of `test`, the tests of cargo whose name has this in it.
ONLY ?=

test: check ## all checks, cheap before dear; ONLY=NAME: of the rest only the tests of that name
	scripts/prerequisites cargo cc c++ python3 python3-venv valgrind clang pkg-config libnghttp2.pc cmake tinyproxy go node npm java mvn unzip
	$(MAKE) --jobs --output-sync=target all # two chains; a number would be for cargo, too
	$(MAKE) interop-servers token-servers ffi-runtimes
	$(MAKE) examples build/conformance-driver CFLAGS='$(CFLAGS) -Werror' # nothing of cargo's, which would compile aws-lc anew with that
	$(if $(ONLY),,$(MAKE) docs msrv $(SHARED_BY_TESTS); trap '$(NAME_MISSING_PEERS)' EXIT;) scripts/run-tests $(ONLY)

test-clients: gateway $(FETCHED_CLIENTS) ## clients that others wrote, fetched from where they are published, on the development gateway
	scripts/prerequisites cargo python3 node npm java mvn
	cargo test --locked --workspace --test clients -- --ignored

test-peers: $(LIBRARY) peers ## of test alone the servers and reverse proxies that others wrote, fetched from where they are published, as docs/peers.md says
	scripts/prerequisites cargo cc go python3 java mvn
	cargo test --locked --workspace --test peers

bench: $(LIBRARY) ## compares clients side by side, writes benches/RESULTS.md and results.svg (ROWS, CLIENTS, BENCH_ROUNDS, BENCH_SECONDS)
	scripts/prerequisites cargo cc taskset timeout
	cargo build --release --locked --package zeebe-benches --target-dir target/bench
	benches/build-drivers target/bench/drivers
	target/bench/release/compare --write benches/RESULTS.md

docs: ## a site of zeebe.h and of what is written beside it, build/docs/html, by Doxygen; what is not documented is an error, and a link to nothing
	scripts/prerequisites doxygen python3
	docs/site/build

header: ## writes include/zeebe.h, include/zeebe_ffi.h and docs/options.md anew from the source
	ZEEBE_UPDATE_HEADER=1 cargo test --locked --workspace --test header --test drift up_to_date

abi: ## writes packaging/libzeebe.abi anew from the header
	scripts/prerequisites abidiff
	scripts/check-abi --write

deb: all ## packages for Debian and Ubuntu, in build/deb: libzeebe0, libzeebe-dev, zeebe-tools
	scripts/prerequisites dh dpkg-buildpackage lintian python3
	scripts/deb

test-deb: deb ## installs them in a clean root of this distribution, which mmdebstrap gets, and runs the README's program there
	scripts/prerequisites mmdebstrap
	scripts/test-deb

dist: all ## a release, in build/dist: the source with all crates, what install places, the crates' licences, a bill of materials, checksums
	scripts/prerequisites git python3 strip xz
	scripts/dist $(VERSION)

advisories: ## known faults of the crates that are built in, which cargo-deny fetches from RustSec
	scripts/check-dependencies advisories

msrv: ## builds the library with the oldest Rust that Cargo.toml promises, which rustup gets
	@if command -v rustup >/dev/null; then \
		rustup toolchain install $(MSRV) --profile minimal --no-self-update && cargo +$(MSRV) check --locked --lib --target-dir target/msrv; \
	else echo "msrv: skipped: no rustup, which gets Rust $(MSRV)" >&2; [ -z "$${SKIP_NONE:-}" ]; fi

clean: ## removes everything built
	cargo clean
	rm -rf build tests/token_servers/oidc-provider/node_modules $(CLIENTS)/node/node_modules examples/ffi/node_modules

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' $(MAKEFILE_LIST) | awk '{ line = sprintf("%-15s", $$1); \
		for (i = 2; i <= NF; i++) { \
			if (length(line) + 1 + length($$i) > 80) { print line; line = sprintf("%15s", "") } \
			line = line " " $$i } print line }'
