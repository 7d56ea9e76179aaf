//! The sections of docs/formats.md that tests write.

use std::sync::{Mutex, PoisonError};

/// Two tests write the same document.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Compares the section between `<!-- NAME: written by a test -->` and `<!-- end of NAME -->` with `text`; `BLESS=1`
/// rewrites it.
#[track_caller]
pub(crate) fn is_section(name: &str, text: &str) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md");
    let document = std::fs::read_to_string(path).expect("docs/formats.md");
    let (begin, end) = (format!("<!-- {name}: written by a test -->\n"), format!("<!-- end of {name} -->\n"));
    let (before, rest) = document.split_once(&begin).expect("a mark");
    let (_, after) = rest.split_once(&end).expect("a mark");
    let found = format!("{before}{begin}{text}{end}{after}");
    if std::env::var_os("BLESS").is_some_and(|v| v == "1") {
        std::fs::write(path, found).expect("it is written");
        return;
    }
    assert!(document == found, "docs/formats.md differs (BLESS=1 rewrites it); found\n{text}");
}
