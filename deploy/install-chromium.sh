#!/bin/sh
# Chromium for the browser tests: Debian's package where apt is there, else how to get it.
set -eu

for browser in chromium chromium-browser google-chrome; do
    if command -v "$browser" >/dev/null 2>&1; then exit 0; fi
done

if [ "$(uname)" = Darwin ]; then
    if [ -d "/Applications/Google Chrome.app" ] || [ -d "/Applications/Chromium.app" ]; then exit 0; fi
    echo "chromium │ The browser tests need it: brew install --cask chromium" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "chromium │ The browser tests need it: install Chromium with your package manager." >&2
    exit 1
fi

as_root=""
if [ "$(id -u)" != 0 ]; then as_root="sudo"; fi
echo "chromium │ installing Debian's package (about 100 MB) …"
export DEBIAN_FRONTEND=noninteractive
log="$(mktemp)"
if ! { $as_root apt-get update -q && $as_root apt-get install -qy --no-install-recommends chromium; } \
        >"$log" 2>&1 </dev/null; then
    tail -n 5 "$log" >&2
    echo "chromium │ apt could not install it: check the network, or install chromium by hand." >&2
    exit 1
fi
rm -f "$log"
