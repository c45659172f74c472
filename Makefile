# SPDX-License-Identifier: GPL-2.0-only
# Names for what scripts and Meson do. Without make: ./demo, ./check.

all: build
	ninja -C build

build:
	scripts/install-deps scripts/packages.build
	scripts/build build --buildtype=release -Dtests=false

demo:
	./demo

check:
	./check

bench: all
	ninja -C build bench

install: all
	meson install -C build --no-rebuild
	[ -n "$(DESTDIR)" ] || ldconfig

format:
	find . -path './build*' -prune -o -name '*.[ch]' -exec clang-format-14 -i {} +

clean:
	rm -rf build build-*

.PHONY: all demo check bench install format clean
