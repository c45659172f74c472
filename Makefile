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

check-vm:
	./check vm

# The same on Debian's own kernels. What one cannot do is a skip, with the reason.
check-vm-matrix:
	failed=; for series in 6.1 6.12; do \
		kernel=$$(scripts/vm-stock $$series) && BRAID_VM_KERNEL=$$kernel ./check vm || \
			failed=1; \
	done; [ -z "$$failed" ]

vm-shell: vm-kernel
	scripts/install-deps scripts/packages.vm
	scripts/vm shell

vm-kernel:
	scripts/vm-kernel get

bench: all
	ninja -C build bench

# freplace needs a kernel of its own; instructions are counted, not nanoseconds.
bench-vm: all vm-kernel
	BRAID_VM_COUNT=1 scripts/vm run build/bench/bench-dispatcher

install: all
	meson install -C build --no-rebuild
	[ -n "$(DESTDIR)" ] || ldconfig

format:
	find . -path './build*' -prune -o -name '*.[ch]' -exec clang-format-14 -i {} +

clean:
	rm -rf build build-*

.PHONY: all demo check check-vm check-vm-matrix vm-shell vm-kernel bench bench-vm install format clean
