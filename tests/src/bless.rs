use std::path::Path;

/// Compares a text with an expected one in a file; with `BLESS=1` in the environment it rewrites the file.
///
/// # Panics
/// If they differ: both are shown.
#[track_caller]
pub fn same_text(file: &Path, found: &str) {
    if std::env::var_os("BLESS").is_some_and(|v| v == "1") {
        std::fs::write(file, found).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        return;
    }
    let wanted = std::fs::read_to_string(file).unwrap_or_default();
    let differing = wanted.lines().zip(found.lines()).position(|(a, b)| a != b);
    let line = differing.unwrap_or_else(|| wanted.lines().count().min(found.lines().count())) + 1;
    assert!(
        wanted == found,
        "{} differs at line {line} (BLESS=1 rewrites it)\n--- expected\n{wanted}\n--- found\n{found}",
        file.display()
    );
}
