#!/bin/sh
# The netem fault for real: Debian's own kernel, booted in an emulator, runs the same test program that this machine runs when its kernel
# has sch_netem. Takes no root and touches no network: the machine has no device, everything is in the initial file system.
set -eu
: "${DRILL_BUILD:?}"
kernel=${DRILL_KERNEL:-/var/cache/drill/kernel}
program=$DRILL_BUILD/tests/contract_test_netem
skip() {
    echo "skipped: $1; as root: ci/setup netem"
    exit 77
}
[ "$(uname -m)" = x86_64 ] || skip "the test boots an x86-64 kernel, this is $(uname -m)"
for tool in qemu-system-x86_64 busybox cpio; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
[ -r "$kernel/vmlinuz" ] || skip "Debian's kernel is not unpacked in $kernel"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/bin" "$root/sbin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/run" "$root/lib64"
cp "$(command -v busybox)" "$root/bin/busybox"
for name in sh mount modprobe poweroff cat ip; do
    ln -s busybox "$root/bin/$name"
done
ln -s ../bin/busybox "$root/sbin/modprobe"
cp -r "$kernel/lib" "$root/"
cp "$program" "$root/bin/program"
ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[ \t]*\(\/[^ ]*\) (.*/\1/p' | while read -r library; do
    mkdir -p "$root${library%/*}"
    cp -L "$library" "$root$library"
done
cat >"$root/init" <<'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
export ASAN_OPTIONS=detect_leaks=0 # it would need ptrace of itself
modprobe veth
/bin/program
echo "program ended: $?"
poweroff -f
END
chmod 755 "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"

# KVM is not asked for: where it is there but cannot run a whole kernel, that shows only after minutes.
timeout 360 qemu-system-x86_64 -accel tcg -machine pc -cpu max -smp 1 -m 1024 -nographic -nodefaults -no-reboot -serial stdio \
    -kernel "$kernel/vmlinuz" -initrd "$work/initrd" -append "console=ttyS0 panic=-1 quiet" </dev/null >"$work/console" 2>&1 || true
tr -d '\r' <"$work/console"
grep -q '^program ended: 0' "$work/console" || {
    echo "FAILED: the test program did not pass in the emulated machine, its console is above"
    exit 1
}
