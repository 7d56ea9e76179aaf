use crate::repository;
use std::ffi::OsStr;
use std::io::Write;
use std::process::Command;

/// The exit code of a script that cannot get something here.
const SKIPPED: i32 = 77;

/// Fetches what a test needs with one of the scripts `prepare.sh`, given by its folder below `tests`. False, and said, if
/// something cannot be had here: the test is to be skipped.
///
/// # Panics
/// If the script fails otherwise.
pub fn prepared<S: AsRef<OsStr>>(folder: &str, arguments: impl IntoIterator<Item = S>) -> bool {
    let script = repository().join("tests").join(folder).join("prepare.sh");
    let output = match Command::new("bash").arg(script).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            say(&format!("skipped: bash: {error}"));
            return false;
        }
    };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let skipped = output.status.code() == Some(SKIPPED);
    assert!(skipped || output.status.success(), "{said}");
    if skipped {
        say(&said);
    }
    !skipped
}

/// Says something past the harness, which keeps to itself what a test that passes prints.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
}
