//! Tests again in another process: with the portable operators on the CPU, and where candle keeps the graph of gradients.

use std::process::Command;

const PORTABLE: (&str, &str) = ("DREAMWIRE_OPERATORS", "portable");
/// Candle keeps the graph of a gradient only if it is asked to.
const GRAPHS: (&str, &str) = ("CANDLE_GRAD_DO_NOT_DETACH", "1");

/// Runs tests of this program in another process, with more variables in its environment, and says how many there were.
fn run(arguments: &[&str], environment: &[(&str, &str)]) -> usize {
    let program = std::env::current_exe().expect("tests are a program");
    let done =
        Command::new(program).args(arguments).envs(environment.iter().copied()).output().expect("it starts");
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
    let ran = run(&[&modules[..], &skipped].concat(), &[PORTABLE]);
    // A filter that matches nothing would pass too.
    assert!(ran >= 28, "only {ran} tests ran");
}

/// Stacks whose convolutions are candle's, as on other devices.
#[test]
fn stacks() {
    let ran = run(&["portable::"], &[PORTABLE]);
    assert!(ran >= 13, "only {ran} tests ran");
}

#[test]
fn derivatives_of_derivatives() {
    let ran = run(&["--ignored", "second_derivatives"], &[PORTABLE, GRAPHS]);
    assert!(ran >= 5, "only {ran} tests ran");
}

/// Of what has them with the kernels too.
#[test]
fn derivatives_of_derivatives_of_kernels() {
    let tests = ["upfirdn::second_derivatives", "modulated::trained::second_derivatives"];
    let ran = run(&[&["--ignored"][..], &tests].concat(), &[GRAPHS]);
    assert_eq!(ran, 2);
}
