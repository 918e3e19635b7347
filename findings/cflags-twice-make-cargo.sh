#!/usr/bin/env bash
# `make CFLAGS=…` and `make` in turn compile the TLS crates of a Rust program anew each time, though nothing in the Makefile gives cargo a CFLAGS.
#
# What is given to make on its command line, make puts into the environment of each command, also without `export`. ring, as aws-lc-sys and all that build their C
# with the crate cc, has cargo run its build script again when CFLAGS changes; cargo keeps one result of a build script, not one for each
# environment, and compiles again all that depends on it: the TLS library, its users, the program. A Makefile for C and Rust, which passes CFLAGS to its own
# C alone, so spends minutes on one `make test CFLAGS=-Werror` between two others, and each step looks as if a source had changed. With aws-lc-sys
# in place of ring it is a minute of C alone. A variable that no build script looks at changes nothing.
#
# Seen: GNU make 4.3, cargo 1.95.0, ring 0.17.14, cc 1.2.56, rustls 0.23.46.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src

cat > Cargo.toml <<'T'
[package]
name = "client"
version = "0.0.0"
edition = "2024"

[dependencies]
rustls = { version = "=0.23.46", default-features = false, features = ["ring", "std", "tls12"] }
ring = "=0.17.14"

[build-dependencies]
cc = "=1.2.56"
T
echo 'fn main() { println!("{:?}", rustls::crypto::ring::default_provider().cipher_suites.len()); }' > src/main.rs
printf 'client:\n\t@cargo build 2> log\n' > Makefile

compiled() {
    make --silent client "$@" || { cat log >&2; exit 1; }
    grep -o 'Compiling [a-z-]*' log | grep -v 'Compiling client' | sort | tr '\n' ' ' | sed 's/Compiling //g' || true
}
unset CFLAGS
{
    compiled > /dev/null
    echo "again: $(compiled)"
    echo "with another variable: $(compiled LDLIBS=-lm)"
    echo "with CFLAGS: $(compiled CFLAGS='-O2 -g')"
    echo "without: $(compiled)"
} | tee seen
diff seen - <<'T'
again: 
with another variable: 
with CFLAGS: ring rustls rustls-webpki 
without: ring rustls rustls-webpki 
T
