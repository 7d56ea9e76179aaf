# What there is: `just --list`

# Formatting, lints, tests, dependencies, documentation
check: fmt clippy test deny doc

fmt:
    cargo fmt --all --check

clippy:
    cargo clippy --workspace --all-targets -- -D warnings

test:
    cargo test --workspace

# The unsafe code of the ABI's plumbing under Miri (needs a nightly toolchain with miri). What is watched stays in memory
# for ever by design, so leaks are not reported; the tests count what is freed
miri:
    MIRIFLAGS=-Zmiri-ignore-leaks cargo +nightly miri test -p dreamwire-socket

# Licences, advisories and sources of all dependencies (needs cargo-deny)
deny:
    cargo deny check

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

# Rewrite the texts that tests compare with, graphs/schema.json, docs/nodes.md, docs/formats.md; look at the diff afterwards
bless:
    BLESS=1 cargo test -p dreamwire-image --lib formats
    BLESS=1 cargo test -p dreamwire-tests

# Follow the part in Rust of docs/tutorial.md; builds candle once, minutes
tutorial:
    cargo test -p dreamwire-tests --test tutorial -- --ignored

# The tests of tests/tests/endurance with hundreds of tries each, minutes
endurance:
    DREAMWIRE_ENDURANCE=1 cargo test -p dreamwire-tests --test endurance

# From a save to the first step, memory over many reloads, whole processes: figures of the release build, minutes
figures:
    cargo build --release
    DREAMWIRE_BINARY=target/release/dreamwire cargo test -p dreamwire-tests --test reload_figures -- --ignored --test-threads 1

# What a row of a run costs: 10,000 rows of an 8x8 graph.
rows-bench:
    cargo build --release --workspace
    benches/rows.sh target/release/dreamwire

# The server with 1,000 jobs, 50 sockets and kills, and how fast it starts and answers, with the release build; minutes
serve-load:
    cargo build --release
    DREAMWIRE_BINARY=target/release/dreamwire cargo test -p dreamwire-tests --test serve_load -- --ignored --nocapture --test-threads 1

# Journeys through the server's page and ComfyUI's editor in Chromium, which are fetched; a few minutes
browsers:
    cargo test --workspace --test serve_browser -- --ignored

# ComfyUI's clients, unmodified, against the server; fetches half a gigabyte
clients:
    cargo test --workspace --test serve_clients -- --ignored

# Rows through Open Job Description, Slurm on two nodes and GNU parallel, which are fetched; a few minutes
farm:
    cargo test --workspace --test farm -- --include-ignored --nocapture --test-threads 1

# Time and peak memory of 100 megapixels: load, resize, save, with the release build; minutes
large:
    cargo build --release
    DREAMWIRE_BINARY=target/release/dreamwire cargo test -p dreamwire-tests --test large_pictures -- --ignored --test-threads 1

# 20,000 damaged pictures of each format
fuzz-pictures:
    PROPTEST_CASES=20000 cargo test -p dreamwire-image --lib fuzz

# Parse, check and plan of 1,000 nodes; a run of 10,000 that do nothing; an empty plugin call; each operator; a generator
bench:
    cargo bench -p dreamwire-engine --bench plan
    cargo bench -p dreamwire-engine --bench run
    cargo bench -p dreamwire-loader --bench call
    cargo bench -p dreamwire-kernels --bench kernels
    cargo bench -p dreamwire-nets --bench stylegan

# Dreamwire against PyTorch (and candle with --candle) on this machine, minutes; needs numpy and torch in python3
bench-compare *args:
    cargo build --release
    python3 benches/compare_torch.py --json benches/last.json {{args}}

# A JPEG of 24 megapixels, loaded, resized and saved beside Pillow and ImageMagick, a minute; needs pillow in python3
bench-pictures *args:
    cargo build --release
    python3 benches/compare_pictures.py {{args}}

# The CUDA build, type-checked, linked and run where there is no GPU; the compiler comes from PyPI; minutes
check-cuda:
    .ci/check-cuda
