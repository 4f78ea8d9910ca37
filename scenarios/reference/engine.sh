#!/bin/sh
# The container engine of a topology: engine.sh docker|podman FOLDER. All that it writes is below FOLDER, in the world's own memory; nothing
# of the machine's is used.
set -eu
if [ "$1" = podman ]; then
    mkdir -p "$2/net" "$2/tmp"
    export CONTAINERS_CONF="$2/containers.conf" CONTAINERS_STORAGE_CONF="$2/storage.conf" TMPDIR="$2/tmp"
    exec podman --root "$2/root" --runroot "$2/runroot" --tmpdir "$2/tmp" --log-level=error system service --time=0 unix:///run/drill/engine.sock
fi
exec dockerd --data-root "$2/root" --exec-root "$2/exec" --pidfile "$2/pid" --host unix:///run/drill/engine.sock \
    --group root --bridge none --userland-proxy=false
