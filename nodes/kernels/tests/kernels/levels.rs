//! The other tests again, at lower SIMD levels.

use std::process::Command;

/// Runs the tests of this program in another process, which may use at most `level`.
fn check(level: &str) {
    let program = std::env::current_exe().expect("tests are a program");
    let tests = [
        "forward::",
        "gradient::",
        "graph::",
        "modulated::",
        "tiles::",
        "upfirdn::",
        "filtered_lrelu::",
        "adaptive::",
    ];
    let done = Command::new(program).args(tests).env("DREAMWIRE_SIMD", level).output().expect("it starts");
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{level}: {text}");
    // A filter that matches nothing would pass too.
    let ran = text.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ok")).count();
    assert!(ran > 40, "{level}: only {ran} tests ran\n{text}");
}

#[test]
fn portable_loops() {
    check("portable");
}

/// On a CPU without it these are the tests at its best level.
#[test]
fn avx2() {
    check("avx2");
}

#[test]
fn the_level_is_known() {
    assert!(["portable", "avx2", "avx512"].contains(&dreamwire_kernels::simd_level()));
}
