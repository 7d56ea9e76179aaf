use super::*;
use proptest::prelude::*;
use std::io::Read as _;
use std::path::{Component, Path};

/// Faults: H5.
#[test]
fn h5_names_that_lead_elsewhere_are_refused() {
    for name in [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../a.png",
        "a/../b.png",
        "a/..",
        ".",
        "./a.png",
        "a//b.png",
        "a/",
        "//a.png",
        "a\\b.png",
        "..\\a.png",
        "\\\\server\\a.png",
        "C:",
        "C:/a.png",
        "c:a.png",
        "a/C:b.png",
        "a\0.png",
        "a\n.png",
        "a\r\nb",
        "a\u{7f}.png",
        "\u{1b}[2J",
        ".env",
        "a/.git/config",
        ".dreamwire/queue.sqlite",
        "...",
    ] {
        let refusal = Name::parse(name).expect_err(name);
        assert_eq!(refusal.status, 400, "{name}");
    }
    for name in
        ["a.png", "a b/ü.png", "-rf.png", "a..png", "a/b/c", "%2e%2e", "a%2fb", "~", "a.b.c", "it's $HOME"]
    {
        assert_eq!(Name::parse(name).expect(name).as_str(), name);
    }
    assert!(Name::parse(&"x".repeat(256)).is_err());
    assert!(Name::parse(&"x/".repeat(40)).is_err());
    assert!(Name::parse(&format!("a{}", "/b".repeat(600))).is_err());
}

/// Faults: H5.
#[test]
fn h5_folders_and_names_are_checked_one_by_one() {
    assert_eq!(Name::in_folder("a/b", "c.png").unwrap().as_str(), "a/b/c.png");
    assert_eq!(Name::in_folder("", "c.png").unwrap().split(), ("", "c.png"));
    for (folder, name) in
        [("a", "/etc/passwd"), ("/a", "b"), ("..", "b"), ("a", "../b"), ("a", ""), ("a/", "b"), ("C:", "b")]
    {
        assert!(Name::in_folder(folder, name).is_err(), "{folder} {name}");
    }
    let deep = "x/".repeat(20) + "x";
    assert!(Name::in_folder(&deep, &deep).is_err());
}

/// Faults: H5.
#[test]
fn h5_names_are_decoded_once() {
    for (raw, decoded) in
        [("a%2Fb", "a/b"), ("%252e%252e", "%2e%2e"), ("%2e%2e", ".."), ("a+b%20c", "a+b c"), ("%zz", "%zz")]
    {
        assert_eq!(Name::decode(raw).unwrap(), decoded);
    }
    assert!(Name::decode("%ff").is_err());
}

#[test]
fn only_the_one_hidden_name_is_allowed() {
    assert!(Name::parse_allowing("workflows/.index.json", ".index.json").is_ok());
    assert!(Name::parse_allowing(".index.json", ".index.json").is_ok());
    for name in [".index.json/a", ".env", ".git/.index.json", "x.index.json/..", "..", "../.index.json"] {
        assert!(Name::parse_allowing(name, ".index.json").is_err(), "{name}");
    }
    assert!(Name::parse(".index.json").is_err());
}

/// A folder `root` with links that lead out of it, beside a secret.
#[cfg(unix)]
fn with_links() -> (tempfile::TempDir, Root) {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    std::fs::create_dir_all(root.join("sub")).unwrap();
    std::fs::create_dir(dir.path().join("outside")).unwrap();
    std::fs::write(dir.path().join("outside/secret"), "SECRET").unwrap();
    std::fs::write(root.join("a.png"), "inside").unwrap();
    std::fs::write(root.join("sub/b.png"), "inside").unwrap();
    std::fs::write(root.join(".hidden"), "SECRET").unwrap();
    symlink("../outside/secret", root.join("relative")).unwrap();
    symlink(dir.path().join("outside/secret"), root.join("absolute")).unwrap();
    symlink("../outside", root.join("folder")).unwrap();
    symlink("../../outside", root.join("sub/up")).unwrap();
    symlink("sub/b.png", root.join("good")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    let root = Root::new(root);
    (dir, root)
}

#[cfg(unix)]
fn content(root: &Root, name: &Name) -> Result<String, Refusal> {
    let mut text = String::new();
    root.open(name)?.file.read_to_string(&mut text)?;
    Ok(text)
}

/// Faults: H5.
#[cfg(unix)]
#[test]
fn h5_links_that_lead_out_are_refused() {
    let (dir, root) = with_links();
    for name in ["relative", "absolute", "folder/secret", "sub/up/secret"] {
        let name = Name::parse(name).unwrap();
        assert_eq!(root.open(&name).map(drop).unwrap_err().status, 403, "{name}");
        assert!(root.entry(&name).is_err(), "{name}");
    }
    assert_eq!(content(&root, &Name::parse("good").unwrap()).unwrap(), "inside");
    assert!(root.open(&Name::parse("loop").unwrap()).is_err());
    assert_eq!(root.open(&Name::parse("sub").unwrap()).map(drop).unwrap_err().status, 404);
    // Nothing is written, moved or removed outside either.
    for name in ["folder/new", "sub/up/new"] {
        let name = Name::parse(name).unwrap();
        assert!(root.temporary(&name).is_err(), "{name}");
        let inside = Name::parse("a.png").unwrap();
        assert!(root.rename(&inside, &name, IfTaken::Replace).is_err(), "{name}");
    }
    assert!(root.remove(&Name::parse("folder/secret").unwrap()).is_err());
    assert_eq!(std::fs::read_dir(dir.path().join("outside")).unwrap().count(), 1);
    // A link itself may be replaced and removed; what it led to stays.
    let name = Name::parse("relative").unwrap();
    let mut file = root.temporary(&name).unwrap();
    file.write(b"new").unwrap();
    assert!(root.publish(&mut file, &name, IfTaken::Replace).unwrap());
    assert_eq!(content(&root, &name).unwrap(), "new");
    root.remove(&Name::parse("absolute").unwrap()).unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("outside/secret")).unwrap(), "SECRET");
    let deep = Listed { folders: true, deep: true, skip: None, most: 100 };
    let mut paths: Vec<_> = root.list(None, deep).unwrap().into_iter().map(|entry| entry.path).collect();
    paths.sort();
    assert_eq!(paths, ["a.png", "good", "relative", "sub", "sub/b.png"]);
}

/// Faults: H5.
#[cfg(unix)]
#[test]
fn h5_a_pipe_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let root = Root::new(dir.path().to_owned());
    assert_eq!(root.open(&Name::parse("pipe").unwrap()).map(drop).unwrap_err().status, 404);
}

#[test]
fn a_name_that_is_taken_is_kept_or_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::new(dir.path().join("made/when/needed"));
    let name = Name::parse("sub/a.png").unwrap();
    let file = |text: &str| {
        let mut file = root.temporary(&name).unwrap();
        file.write(text.as_bytes()).unwrap();
        file
    };
    assert!(root.publish(&mut file("one"), &name, IfTaken::Keep).unwrap());
    let mut second = file("two");
    assert!(!root.publish(&mut second, &name, IfTaken::Keep).unwrap());
    assert!(!root.equals(&mut second, &name).unwrap());
    assert!(root.equals(&mut file("one"), &name).unwrap());
    assert!(root.publish(&mut second, &name, IfTaken::Replace).unwrap());
    assert!(root.equals(&mut file("two"), &name).unwrap());
    drop(second);
    drop(file("dropped"));
    let folder = dir.path().join("made/when/needed/sub");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.join("a.png")).unwrap().permissions().mode();
        assert_eq!(mode & 0o044, 0o044, "others can read it as far as the umask lets them");
    }
}

#[test]
fn lists_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    (0..30).for_each(|n| std::fs::write(dir.path().join(format!("{n}")), "").unwrap());
    let root = Root::new(dir.path().to_owned());
    let list = |most| root.list(None, Listed { folders: false, deep: true, skip: None, most }).unwrap().len();
    assert_eq!((list(10), list(100)), (10, 30));
}

/// Text of the pieces that attacks are made of.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "..",
        ".",
        "/",
        "//",
        "\\",
        "a.png",
        "sub",
        "folder",
        "up",
        "relative",
        "absolute",
        "secret",
        "outside",
        "root",
        "C:",
        "\0",
        "%2e%2e",
        "%2f",
        "%5c",
        "%00",
        "~",
        " ",
        ".hidden",
        "é",
        "\u{202e}",
        "\u{ff0e}\u{ff0e}",
        "\u{2215}",
        "\n",
    ]);
    let pieces = prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => pieces, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Faults: H5.
    #[test]
    fn h5_no_name_leaves_its_folder(folder in hostile(), name in hostile()) {
        let decoded = Name::decode(&name).unwrap_or_default();
        for name in [&name, &decoded] {
            if let Ok(name) = Name::in_folder(&folder, name) {
                let path = Path::new(name.as_str());
                prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{}", name);
                prop_assert!(!name.as_str().split('/').any(|part| part.starts_with('.')), "{}", name);
            }
        }
    }

    /// Faults: H5.
    #[cfg(unix)]
    #[test]
    fn h5_no_request_reads_a_secret(names in prop::collection::vec((hostile(), hostile()), 50)) {
        let (_dir, root) = with_links();
        for (folder, name) in names {
            let decoded = Name::decode(&name).unwrap_or_default();
            for name in [&name, &decoded] {
                let Ok(name) = Name::in_folder(&folder, name) else { continue };
                if let Ok(text) = content(&root, &name) {
                    prop_assert_eq!(text, "inside");
                }
            }
        }
    }
}
