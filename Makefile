# SPDX-License-Identifier: MIT
#
# A thin front for Meson.
#
#   make            build into build/
#   make test       install what the tests need (Debian), build, run them all
#   make demo       the demo of the README
#   make bench      run the benchmarks
#   make install    install (PREFIX=/usr/local, DESTDIR=)
#   make asan tsan  the tests under sanitizers, in build-asan/, build-tsan/
#   make fuzz       run the fuzzers, TIME seconds in all (TARGETS: only these)
#   make lint       is the code formatted as .clang-format says?
#   make clean      remove build/ and its kind
#
# CC, BUILD and SETUP (options for `meson setup`) may be given.

BUILD ?= build
PREFIX ?= /usr/local
SETUP ?=
TIME ?= 600
TARGETS ?=

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup --prefix $(PREFIX) $(SETUP) $(BUILD)

test:
	scripts/install-packages build test
	scripts/run-tests $(BUILD) $(SETUP)

# clang's sanitizers leave symbols open until run time, hence b_lundef
asan: SETUP += -Db_sanitize=address,undefined -Db_lundef=false
tsan: SETUP += -Db_sanitize=thread -Db_lundef=false
# gcc warns that its thread sanitizer knows no fences
tsan: export CC = clang
asan tsan: export ZT_TEST_SCALE ?= 5
asan tsan:
	scripts/install-packages build test clang
	scripts/run-tests build-$@ $(SETUP)

bench:
	scripts/install-packages build bench
	$(MAKE) all
	bench/run $(BUILD)

install: all
ifeq ($(origin PREFIX), command line)
	meson configure $(BUILD) -Dprefix=$(PREFIX)
	ninja -C $(BUILD)
endif
	DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild
	[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || /sbin/ldconfig

fuzz:
	scripts/install-packages build test clang
	scripts/run-fuzz build-fuzz $(TIME) $(TARGETS)

lint:
	scripts/install-packages lint
	scripts/lint

clean:
	rm -rf build build-asan build-tsan build-fuzz

demo:
	./run_demo.sh

.PHONY: all test asan tsan demo bench fuzz install lint clean
