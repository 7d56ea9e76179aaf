//! The files of a folder, or those that fit a pattern.
//!
//! A pattern is in the name of the file, not in that of its folder: `*` is any text, `?` one character, and a row of `#` a
//! number of at least as many digits (more only without a leading zero), as in `frames/####.png`. Names that begin with a
//! full stop are hidden.

use super::super::annotation;
use super::{Inputs, cannot_read, is_absent, paths};
use crate::world::{InputPath, Listing, WorldError};
use std::ffi::OsString;

/// The most files of a listing.
const MOST: usize = 100_000;

impl Inputs {
    /// The files that a path means, in natural order.
    pub(in crate::world) fn list(&self, path: &InputPath) -> Result<Listing, WorldError> {
        let text = &path.text;
        self.check_plain(text)?;
        let exact = self.candidates(path);
        let exists = |place: &super::Place| match place.path.symlink_metadata() {
            Ok(_) => true,
            Err(error) => !is_absent(error.kind()),
        };
        let found = |error| WorldError { looked: paths(&exact), ..error };
        if exact.iter().any(exists) {
            let (_, real) = self.locate(path, &exact).map_err(found)?;
            if !real.is_dir() {
                let hint = "name its folder, or a pattern such as `frames/*.png` or `frames/####.png`";
                return Err(found(WorldError::new(format!("`{text}` is a file, not a folder")).hint(hint)));
            }
        }
        // A note stays at the end of each name.
        let (name, note) = match annotation::split(text) {
            Some((name, _)) => (name, &text[name.len()..]),
            None => (&text[..], ""),
        };
        let (folder, pattern) = match name.rfind(['/', '\\']) {
            _ if exact.iter().any(exists) => (name.trim_end_matches(['/', '\\']), None),
            Some(end) if is_pattern(&name[end + 1..]) => (&name[..end], Some(&name[end + 1..])),
            None if is_pattern(name) => ("", Some(name)),
            _ => return Err(self.locate(path, &exact).map_err(found).err().unwrap_or_else(|| none(text))),
        };
        let before = if name.starts_with('/') && folder.is_empty() { "/" } else { folder };
        let there = if before.is_empty() { "." } else { before };
        let places = self.candidates(&path.one(format!("{there}{note}")));
        let failed = |error| WorldError { looked: paths(&places), ..error };
        let there = path.one(there);
        let (index, real) = self.locate(&there, &places).map_err(failed)?;
        let names = names(&real, &there.text, pattern).map_err(failed)?;
        if names.is_empty() {
            return Err(failed(none(text)));
        }
        let separator = if before.is_empty() || before.ends_with(['/', '\\']) { "" } else { "/" };
        let names = names.into_iter().map(|name| format!("{before}{separator}{name}{note}")).collect();
        // That the folder itself is among them tells that a new file matters.
        Ok(Listing { looked: paths(&places[..=index]), folder: real, names })
    }
}

fn none(text: &str) -> WorldError {
    let hint = "`*` is any text, `?` one character, and `####` a number of at least four digits";
    WorldError::new(format!("there are no files `{text}`")).hint(hint)
}

/// The names of the regular files in a folder that are not hidden and fit, in natural order.
fn names(folder: &std::path::Path, shown: &str, pattern: Option<&str>) -> Result<Vec<String>, WorldError> {
    let failed = |error| cannot_read(shown, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name: OsString = entry.file_name();
        let shown_name = name.to_string_lossy();
        let fits = pattern.is_none_or(|pattern| fits(pattern, &shown_name));
        // A link counts as what it leads to.
        if shown_name.starts_with('.') || !fits || !entry.path().is_file() {
            continue;
        }
        let Ok(name) = name.into_string() else {
            return Err(WorldError::new(format!("the name of a file in `{shown}` is not Unicode")));
        };
        if found.len() == MOST {
            return Err(WorldError::new(format!("`{shown}` has more than {MOST} files")));
        }
        found.push(name);
    }
    found.sort_by_cached_key(|name| (natural(name), name.clone()));
    Ok(found)
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '#'])
}

/// Whether a name fits a pattern.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Up to where the name may be used up by what of the pattern was read.
    let mut at = vec![false; name.len() + 1];
    at[0] = true;
    let mut rest = &pattern[..];
    while let [first, after @ ..] = rest {
        let mut next = vec![false; name.len() + 1];
        let width = rest.iter().take_while(|c| **c == '#').count();
        for from in (0..=name.len()).filter(|from| at[*from]) {
            match first {
                '*' => next[from..].fill(true),
                '#' => {
                    let digits = name[from..].iter().take_while(|c| c.is_ascii_digit()).count();
                    if digits == width || (digits > width && name[from] != '0') {
                        next[from + digits] = true;
                    }
                }
                one => {
                    if name.get(from).is_some_and(|c| c == one || *one == '?') {
                        next[from + 1] = true;
                    }
                }
            }
        }
        at = next;
        rest = if width > 0 { &rest[width..] } else { after };
    }
    at[name.len()]
}

/// A part of a name, by which it is ordered.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The number of its digits without leading zeros, and those.
    Number(usize, String),
    Text(String),
}

/// The parts of a name: texts and the numbers between them.
fn natural(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        let digits = part.trim_start_matches('0');
        parts.push(match is_digit {
            true => Part::Number(digits.len(), digits.to_owned()),
            false => Part::Text(part.to_owned()),
        });
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    struct Fixture {
        _dir: tempfile::TempDir,
        inputs: Inputs,
        graph: PathBuf,
    }

    fn fixture(files: &[&str]) -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let graph = dir.path().join("graph");
        for file in files {
            let file = graph.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        Fixture { inputs: Inputs::new(vec![graph.clone()], &dir.path().join("out")), graph, _dir: dir }
    }

    fn many(text: &str) -> InputPath {
        InputPath { text: text.to_owned(), anywhere: false, many: true }
    }

    impl Fixture {
        fn names(&self, text: &str) -> Vec<String> {
            self.inputs.list(&many(text)).unwrap().names
        }

        fn refusal(&self, text: &str) -> WorldError {
            self.inputs.list(&many(text)).unwrap_err()
        }
    }

    #[test]
    fn patterns_are_of_texts_and_numbers() {
        for (pattern, name, wanted) in [
            ("*.png", "a.png", true),
            ("*.png", "a.png~", false),
            ("a*b*c", "a-b-b-c", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("####.png", "0012.png", true),
            ("####.png", "12345.png", true),
            ("####.png", "00123.png", false),
            ("####.png", "012.png", false),
            ("f#.png", "f7.png", true),
            ("f#.png", "f.png", false),
            ("*_##.*", "a_1_02.png", true),
            ("f[1].png", "f[1].png", true),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, name), wanted, "{pattern} {name}");
        }
        // Many of them are no work.
        assert!(!fits(&"*a".repeat(100), &"a".repeat(99)));
    }

    #[test]
    fn two_is_before_ten() {
        let f = fixture(&["f/10.png", "f/2.png", "f/b1.png", "f/a10.png", "f/a9.png", "f/02.png"]);
        let names = ["f/02.png", "f/2.png", "f/10.png", "f/a9.png", "f/a10.png", "f/b1.png"];
        assert_eq!(f.names("f"), names);
        assert_eq!(f.names("f/"), names);
        assert_eq!(f.names("f/a#.png"), ["f/a9.png", "f/a10.png"]);
    }

    #[test]
    fn only_files_of_that_folder_that_are_not_hidden() {
        let f = fixture(&["ü 1.png", ".hidden.png", "sub/x.png", "t.txt"]);
        assert_eq!(f.names("*.png"), ["ü 1.png"]);
        assert_eq!(f.names("."), ["./t.txt", "./ü 1.png"]);
        let listing = f.inputs.list(&many("sub/*")).unwrap();
        assert_eq!(listing.folder, f.graph.join("sub").canonicalize().unwrap());
        assert_eq!(
            (listing.looked, listing.names),
            (vec![f.graph.join("sub")], vec!["sub/x.png".to_owned()])
        );
    }

    #[test]
    fn what_is_not_there_is_said() {
        let f = fixture(&["sub/x.png"]);
        let message = |text: &str| f.refusal(text).message;
        assert_eq!(message("sub/*.jpg"), "there are no files `sub/*.jpg`");
        assert_eq!(f.refusal("sub/*.jpg").looked, [f.graph.join("sub")]);
        assert_eq!(message("none"), "there is no file `none`");
        assert_eq!(message("none/*.png"), "there is no file `none`");
        assert_eq!(message("sub/x.png"), "`sub/x.png` is a file, not a folder");
        assert_eq!(message("s*/x.png"), "there is no file `s*/x.png`");
    }

    #[test]
    fn no_folder_beyond_the_roots_is_listed() {
        let f = fixture(&["a.png"]);
        std::fs::write(f.graph.join("../secret.png"), "").unwrap();
        assert!(f.refusal("../*.png").message.contains("lies outside"), "{}", f.refusal("../*.png"));
        let outside = f.graph.parent().unwrap().canonicalize().unwrap();
        assert!(f.refusal(outside.to_str().unwrap()).message.contains("lies outside"));
        let set = InputPath { anywhere: true, ..many(outside.to_str().unwrap()) };
        assert_eq!(f.inputs.list(&set).unwrap().names, [outside.join("secret.png").to_str().unwrap()]);
        let closed = Inputs::new(vec![f.graph.clone()], Path::new("out")).closed();
        let message = closed.list(&many("../*.png")).unwrap_err().message;
        assert_eq!(message, "`../*.png` is not a path below the input folder");
        assert_eq!(closed.list(&many("*.png")).unwrap().names, ["a.png"]);
    }

    #[test]
    fn a_note_says_where_the_folder_is() {
        let f = fixture(&["a.png"]);
        let out = f.graph.parent().unwrap().join("out/frames");
        std::fs::create_dir_all(&out).unwrap();
        std::fs::write(out.join("1.png"), "").unwrap();
        for text in ["frames [output]", "frames/#.png [output]"] {
            let names = f.names(text);
            assert_eq!(names, ["frames/1.png [output]"]);
            assert!(f.inputs.read(&many(text).one(&names[0]), 0).is_ok());
        }
    }
}
