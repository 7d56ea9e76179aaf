//! Finds the tests that name faults.

use dreamwire_tests::repository;
use std::path::Path;

/// A test that names a fault.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) row: String,
    /// The file, from the root of the repository, with forward slashes.
    pub(crate) file: String,
    pub(crate) test: String,
}

/// Every fault that a test names, in the order of files and lines.
pub(crate) fn tests() -> Vec<Found> {
    let mut files = Vec::new();
    for folder in ["host", "nodes", "plugins", "tests"] {
        collect(&repository().join(folder), folder, &mut files);
    }
    files.sort();
    let read = |file: &String| std::fs::read_to_string(repository().join(file)).expect("a source is text");
    files.iter().flat_map(|file| in_source(file, &read(file))).collect()
}

fn collect(folder: &Path, name: &str, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("it is there").flatten() {
        let own = entry.file_name().to_string_lossy().into_owned();
        let (path, name) = (entry.path(), format!("{name}/{own}"));
        if path.is_dir() && own != "target" {
            collect(&path, &name, files);
        } else if path.is_file() && own.ends_with(".rs") {
            files.push(name);
        }
    }
}

/// The faults that the tests of a source name: a line of docs, attributes, and the function.
fn in_source(file: &str, text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(rows) = line.strip_prefix("/// Faults: ") else { continue };
        let rows = rows.strip_suffix('.').unwrap_or_else(|| panic!("{file}: `{line}` has no full stop"));
        let mut attributes = Vec::new();
        let function = lines.by_ref().find(|line| {
            attributes.push(*line);
            !line.starts_with("#[") && !line.starts_with("///")
        });
        let name = function
            .and_then(|line| line.trim_start_matches("async ").strip_prefix("fn ")?.split('(').next());
        let name = name.unwrap_or_else(|| panic!("{file}: no function follows `{line}`"));
        let is_test = |it: &&str| *it == "#[test]" || it.starts_with("#[tokio::test");
        assert!(attributes.iter().any(is_test), "{file}: `{name}` is no test");
        assert!(!attributes.iter().any(|it| it.starts_with("#[ignore")), "{file}: `{name}` is not run");
        let one = |row: &str| Found { row: row.to_owned(), file: file.to_owned(), test: name.to_owned() };
        found.extend(rows.split(", ").map(one));
    }
    found
}

#[test]
fn a_test_may_name_several_faults() {
    let text =
        ["    /// It works.", "    /// Faults: A1, B2.", "    #[cfg(unix)]", "    #[test]", "    fn it() {"];
    let found = in_source("a.rs", &text.join("\n"));
    let told: Vec<_> = found.iter().map(|it| (&it.row[..], &it.file[..], &it.test[..])).collect();
    assert_eq!(told, [("A1", "a.rs", "it"), ("B2", "a.rs", "it")]);
}
