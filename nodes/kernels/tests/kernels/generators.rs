//! The tests of generators' operators again, with the portable ones on the CPU.

use std::process::Command;

/// Runs tests of this program in another process, with an environment variable more, and says how many there
/// were.
fn run(arguments: &[&str], variable: Option<&str>) -> usize {
    let program = std::env::current_exe().expect("tests are a program");
    let mut command = Command::new(program);
    command.args(arguments).env("DREAMWIRE_OPERATORS", "portable");
    if let Some(variable) = variable {
        command.env(variable, "1");
    }
    let done = command.output().expect("it starts");
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{text}");
    text.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ok")).count()
}

/// The operators of generators against their definitions, and their gradients against differences.
#[test]
fn operators_of_generators() {
    let modules = ["modulated::", "upfirdn::", "filtered_lrelu::", "adaptive::"];
    // A product of one row and one of several may round differently, so the bits of an image depend on the
    // batch.
    // Tiles of the kernels are no other case here, and slow.
    let skipped = ["--skip", "images_do_not_see_each_other", "--skip", "gradients_of_many_tiles"];
    let ran = run(&[&modules[..], &skipped].concat(), None);
    // A filter that matches nothing would pass too.
    assert!(ran >= 28, "only {ran} tests ran");
}

/// Candle keeps the graph of a gradient only if it is asked to.
#[test]
fn derivatives_of_derivatives() {
    let ran = run(&["--ignored", "second_derivatives"], Some("CANDLE_GRAD_DO_NOT_DETACH"));
    assert!(ran >= 4, "only {ran} tests ran");
}
