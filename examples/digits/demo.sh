#!/bin/sh
# The demonstration: one trained network, two devices. `make demo` runs it with the edgeroute of its virtual environment.
set -eu
edgeroute=${1:-edgeroute}
here=$(dirname "$0")
out=${2:-demo-out}
mkdir -p "$out"

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
run() { say "edgeroute $*"; "$edgeroute" "$@"; }

run plan "$here/digits.onnx" --to artpec9 -k 3
for target in artpec9 artpec8; do
  run convert "$here/digits.onnx" --to "$target" --calibrate "$here/calibration" --preprocess "$here/preprocess.toml" \
    --out "$out/digits.$target.tflite" --report "$out/digits.$target.html"
done
run check "$out/digits.artpec8.tflite" --to artpec8 --preprocess "$here/preprocess.toml"
printf '\nThe files and their reports are in %s/\n' "$out"
