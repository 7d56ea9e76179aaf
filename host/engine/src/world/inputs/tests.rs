use super::*;

struct Fixture {
    _dir: tempfile::TempDir,
    graph: PathBuf,
    inputs: Inputs,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let graph = dir.path().join("graph");
    std::fs::create_dir(&graph).unwrap();
    Fixture { inputs: Inputs::new(vec![graph.clone()], &dir.path().join("out")), graph, _dir: dir }
}

fn input(text: &str) -> InputPath {
    InputPath { text: text.to_owned(), anywhere: false, many: false }
}

fn refusal(inputs: &Inputs, text: &str) -> WorldError {
    inputs.read(&input(text), u64::MAX).map(drop).unwrap_err()
}

#[test]
fn a_file_says_where_it_is() {
    let f = fixture();
    std::fs::write(f.graph.join("a"), "one").unwrap();
    let file = f.inputs.read(&input("a"), 3).unwrap();
    assert_eq!((&file.bytes[..], file.hash), (&b"one"[..], blake3::hash(b"one")));
    assert_eq!(file.path, f.graph.join("a").canonicalize().unwrap());
    assert_eq!(refusal(&f.inputs, "b").looked, [f.graph.join("b")]);
}

/// A file that knows the largest part that was asked for at once.
struct Parts<'a> {
    left: &'a [u8],
    largest: usize,
}

impl Read for Parts<'_> {
    fn read(&mut self, part: &mut [u8]) -> std::io::Result<usize> {
        self.largest = self.largest.max(part.len());
        self.left.read(part)
    }
}

#[test]
fn a_large_file_is_hashed_in_parts() {
    let f = fixture();
    let content: Vec<u8> = (0..5 << 20).map(|i: u32| (i % 251) as u8).collect();
    let mut parts = Parts { left: &content, largest: 0 };
    let (head, length, hash) = beginning(&mut parts).unwrap();
    assert_eq!((length, hash), (content.len() as u64, blake3::hash(&content)));
    assert_eq!(head, content[..HEAD_BYTES as usize]);
    assert!(parts.largest <= 1 << 20, "{} bytes at once", parts.largest);
    std::fs::write(f.graph.join("large"), &content).unwrap();
    let whole = f.inputs.read(&input("large"), length).unwrap();
    assert!(whole.is_whole() && whole.bytes.len() == content.len());
    let part = f.inputs.read(&input("large"), length - 1).unwrap();
    assert!(!part.is_whole() && *part.bytes == head);
    assert_eq!((part.length, part.hash, part.path), (whole.length, whole.hash, whole.path));
}

#[test]
fn only_regular_files_under_the_roots_are_read() {
    let f = fixture();
    std::fs::create_dir(f.graph.join("folder")).unwrap();
    std::fs::write(f.graph.parent().unwrap().join("secret"), "s").unwrap();
    let refusal = |text: &str| refusal(&f.inputs, text).message;
    assert_eq!(refusal("none.png"), "there is no file `none.png`");
    assert_eq!(refusal("folder"), "`folder` is a folder, not a file");
    assert!(refusal("../secret").contains("outside the graph's folder"));
    let hint = self::refusal(&f.inputs, "../secret").hint.expect("a hint").text;
    let parent = f.graph.parent().unwrap().canonicalize().unwrap();
    assert_eq!(hint, format!("add the folder of the file, `{}`, as an input folder", parent.display()));
    let absolute = f.graph.parent().unwrap().join("secret").display().to_string();
    assert!(refusal(&absolute).contains("outside"));
    let set = InputPath { text: absolute, anywhere: true, many: false };
    assert_eq!(&f.inputs.read(&set, u64::MAX).unwrap().bytes[..], b"s");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/dev/zero", f.graph.join("zero")).unwrap();
        assert!(refusal("zero").contains("outside"));
        let zero = InputPath { text: "/dev/zero".to_owned(), anywhere: true, many: false };
        let message = f.inputs.read(&zero, u64::MAX).map(drop).unwrap_err().message;
        assert_eq!(message, "`/dev/zero` is not a regular file");
    }
}

#[test]
fn a_note_says_where_a_file_lies() {
    let f = fixture();
    let out = f.graph.parent().unwrap().join("out");
    std::fs::create_dir_all(out.join("preview/sub")).unwrap();
    for (path, text) in [
        (f.graph.join("a.png"), "in"),
        (out.join("a.png"), "out"),
        (out.join("preview/sub/a.png"), "temporary"),
        (f.graph.join("exact.jpeg [output]"), "exactly that name"),
        (out.join("exact.jpeg"), "out"),
        (f.graph.join("secret"), "in"),
    ] {
        std::fs::write(path, text).unwrap();
    }
    for anywhere in [false, true] {
        let read =
            |text: &str| f.inputs.read(&InputPath { text: text.to_owned(), anywhere, many: false }, u64::MAX);
        for (text, content) in [
            ("a.png [input]", "in"),
            ("a.png[input]", "in"),
            ("a.png [output]", "out"),
            ("sub/a.png [temp]", "temporary"),
            ("preview/sub/a.png [output]", "temporary"),
            ("exact.jpeg [output]", "exactly that name"),
        ] {
            assert_eq!(&read(text).unwrap().bytes[..], content.as_bytes(), "{text}");
        }
        let refusal = |text: &str| read(text).map(drop).unwrap_err();
        assert_eq!(
            refusal("../graph/secret [output]").message,
            "`../graph/secret [output]` lies outside that folder"
        );
        assert!(refusal("../a.png [temp]").message.ends_with("lies outside that folder"));
        let absolute = format!("{} [output]", f.graph.join("secret").display());
        assert!(refusal(&absolute).message.ends_with("lies outside that folder"));
        let missing = refusal("aa.png [output]");
        assert_eq!(missing.message, "there is no file `aa.png [output]`");
        let hint = missing.hint.unwrap().text;
        assert!(hint.starts_with("did you mean `a.png`\n"), "{hint}");
        assert!(hint.contains(&format!("`{}`", out.join("aa.png").display())), "{hint}");
        assert_eq!(refusal("none.png [temp]").looked.last().unwrap(), &out.join("preview/none.png"));
    }
}

/// Faults: H16.
#[test]
fn a_closed_world_tells_nothing_of_what_lies_outside() {
    let f = fixture();
    let secret = f.graph.parent().unwrap().join("outside");
    std::fs::write(&secret, "").unwrap();
    let closed = Inputs::new(vec![f.graph.clone()], Path::new("out")).closed();
    let there = secret.to_str().unwrap().to_owned();
    let nowhere = format!("{there}-not");
    for text in
        [&there[..], &nowhere, "../outside", "../not", "a/../../outside", "C:\\a", "\\\\h\\a", "", "a//b"]
    {
        let refused = refusal(&closed, text);
        assert_eq!(refused.message, format!("`{text}` is not a path below the input folder"));
        assert_eq!(refused.hint, None);
    }
    assert_eq!(refusal(&closed, "none.png").message, "there is no file `none.png` in the input folder");
    std::fs::write(f.graph.join("here.png"), "here").unwrap();
    assert_eq!(&closed.read(&input("here.png"), u64::MAX).unwrap().bytes[..], b"here");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&secret, f.graph.join("link.png")).unwrap();
        let refused = refusal(&closed, "link.png");
        assert_eq!((&refused.message[..], refused.hint), ("`link.png` lies outside the input folder", None));
    }
}

#[test]
fn a_missing_file_is_guessed_at() {
    let f = fixture();
    std::fs::create_dir(f.graph.join("media")).unwrap();
    std::fs::write(f.graph.join("media/chelsea.png"), "").unwrap();
    let hint = |text: &str| refusal(&f.inputs, text).hint.unwrap().text;
    assert!(hint("media/chelsae.png").starts_with("did you mean `media/chelsea.png`\nlooked for `"));
    assert!(hint("~/cat.png").starts_with("`~` is not expanded in a graph: write the full path\nlooked"));
    assert!(hint("none/cat.png").starts_with("looked for"));
    assert!(hint("media/ü/x.png").starts_with("looked for"));
    // Endings and folders do not make names similar, and a folder is no file.
    assert!(hint("media/horse.png").starts_with("looked for"));
    std::fs::create_dir(f.graph.join("media/chelse.png")).unwrap();
    assert!(hint("media/chelsae.png").starts_with("did you mean `media/chelsea.png`\n"));
    assert!(hint("mediaa").starts_with("looked for"));
    std::fs::write(f.graph.parent().unwrap().join("secret"), "").unwrap();
    assert!(hint("../secrte").starts_with("looked for"), "names outside are not told");
}

#[test]
fn a_place_that_is_looked_at_twice_is_named_once() {
    let here = Path::new(".").canonicalize().unwrap();
    let inputs = Inputs::new(vec![here], Path::new("out"));
    let path = InputPath { text: "none.png".to_owned(), anywhere: true, many: false };
    let hint = inputs.read(&path, u64::MAX).map(drop).unwrap_err().hint.unwrap().text;
    assert_eq!(hint, "looked for `none.png`");
}

#[cfg(unix)]
#[test]
fn what_may_be_there_is_not_said_to_be_missing() {
    use std::os::unix::fs::PermissionsExt;
    let f = fixture();
    std::os::unix::fs::symlink("round", f.graph.join("round")).unwrap();
    assert!(refusal(&f.inputs, "round/a").message.starts_with("cannot read `round/a`: "));
    let locked = f.graph.join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::write(locked.join("a"), "").unwrap();
    let lock = |mode| std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(mode)).unwrap();
    lock(0o000);
    let result = f.inputs.read(&input("locked/a"), u64::MAX);
    lock(0o755);
    // Tests may run as root, for whom nothing is locked.
    if let Err(error) = result {
        assert!(error.message.starts_with("cannot read `locked/a`: Permission denied"), "{error}");
    }
}
