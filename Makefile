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

check-vm: vm-kernel
	scripts/install-deps scripts/packages.build scripts/packages.test scripts/packages.vm
	scripts/build build-vm -Dvm=true
	meson test -C build-vm --suite vm

vm-shell: vm-kernel
	scripts/install-deps scripts/packages.vm
	scripts/vm shell

vm-kernel:
	scripts/vm-kernel build

bench: all
	ninja -C build bench

install: all
	meson install -C build --no-rebuild
	[ -n "$(DESTDIR)" ] || ldconfig

format:
	find . -path './build*' -prune -o -name '*.[ch]' -exec clang-format-14 -i {} +

clean:
	rm -rf build build-*

.PHONY: all demo check check-vm vm-shell vm-kernel bench install format clean
