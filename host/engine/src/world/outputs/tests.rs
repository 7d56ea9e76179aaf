use super::*;
use std::collections::HashSet;

struct Fixture {
    dir: tempfile::TempDir,
    outputs: Outputs,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    Fixture { outputs: Outputs::new(dir.path().join("out")), dir }
}

/// Publishes a file of a node that has no inputs.
fn publish(outputs: &Outputs, node: &str, template: &str, bytes: &[u8]) -> Result<Published, WorldError> {
    let origin = Origin { node: node.to_owned(), index: 0 };
    outputs.publish(&NewFile { origin, template, bytes, inputs: &HashSet::new() })
}

#[test]
fn files_are_counted_and_a_step_replaces_its_own() {
    let f = fixture();
    let root = f.outputs.root().to_owned();
    let template = "sub/d_{counter:05}_.png";
    let save = |outputs: &Outputs, node: &str, bytes: &[u8]| {
        let published = publish(outputs, node, template, bytes).unwrap();
        (published.name, published.written)
    };
    let name = |n: u32| format!("sub/d_{n:05}_.png");
    assert_eq!(save(&f.outputs, "a", b"1"), (name(1), true));
    assert_eq!(save(&f.outputs, "b", b"2"), (name(2), true));
    assert_eq!(save(&f.outputs, "a", b"1"), (name(1), false));
    assert_eq!(save(&f.outputs, "a", b"3"), (name(1), true));
    // Retouched by hand: it stays, and the step takes a number of its own.
    std::fs::write(root.join(name(2)), "retouched").unwrap();
    assert_eq!(save(&f.outputs, "b", b"5"), (name(3), true));
    assert_eq!(std::fs::read(root.join(name(2))).unwrap(), b"retouched");
    std::fs::remove_file(root.join(name(3))).unwrap();
    std::fs::write(root.join(name(2)), "2").unwrap();
    let left: Vec<_> =
        std::fs::read_dir(root.join("sub")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "no temporary file stays behind: {left:?}");
    // Another process: the same bytes are recognised, others get the next number.
    let other = Outputs::new(root.clone());
    assert_eq!(save(&other, "x", b"2"), (name(2), false));
    assert_eq!(save(&other, "y", b"4"), (name(3), true));
    // What appears beside them later is seen too.
    std::fs::write(root.join(name(7)), "later").unwrap();
    assert_eq!(save(&other, "z", b"later"), (name(7), false));
    assert_eq!(save(&other, "w", b"new"), (name(8), true));
}

#[test]
fn an_input_is_never_overwritten_nor_a_name_shared() {
    let f = fixture();
    let outputs = Outputs::new(f.dir.path().to_owned());
    let photo = f.dir.path().join("a.png");
    std::fs::write(&photo, "photo").unwrap();
    let inputs = HashSet::from([photo.canonicalize().unwrap()]);
    let origin = Origin { node: "save".to_owned(), index: 0 };
    let file = NewFile { origin, template: "a.png", bytes: b"x", inputs: &inputs };
    let refused = outputs.publish(&file).unwrap_err();
    assert!(refused.message.contains("is an input of this graph"), "{refused}");
    assert_eq!(std::fs::read(&photo).unwrap(), b"photo");
    publish(&outputs, "one", "b.png", b"1").unwrap();
    let refused = publish(&outputs, "two", "b.png", b"2").unwrap_err();
    assert!(refused.message.contains("another node"), "{refused}");
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_output_root() {
    let f = fixture();
    let elsewhere = f.dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    f.outputs.probe().unwrap();
    std::os::unix::fs::symlink(&elsewhere, f.outputs.root().join("away")).unwrap();
    assert!(publish(&f.outputs, "a", "away/x.png", b"1").is_err());
    assert!(!elsewhere.join("x.png").exists());
}

#[test]
fn the_output_folder_is_made_but_not_its_parents() {
    let f = fixture();
    f.outputs.probe().unwrap();
    assert!(f.outputs.root().is_dir());
    let deep = Outputs::new(f.dir.path().join("no/such"));
    assert!(deep.probe().unwrap_err().message.contains("there is no"));
    std::fs::write(f.dir.path().join("file"), "").unwrap();
    assert!(Outputs::new(f.dir.path().join("file")).probe().is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    // A quota made of RLIMIT_FSIZE needs no root: the child may write 1000 bytes, then gets EFBIG.
    let f = fixture();
    publish(&f.outputs, "a", "x.png", b"old").unwrap();
    if std::env::var_os("DREAMWIRE_TEST_SMALL_FILES").is_none() {
        let me = std::env::current_exe().unwrap();
        let script = format!("ulimit -f 1; trap '' XFSZ; exec '{}' a_full_disk", me.display());
        let mut bash = std::process::Command::new("bash");
        // Through a pipe: the limit would hold for a log file too.
        let child = bash.args(["-c", &script]).env("DREAMWIRE_TEST_SMALL_FILES", "1").output().unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    }
    let error = publish(&f.outputs, "a", "x.png", &vec![7u8; 1 << 20]).unwrap_err();
    assert!(error.message.contains("cannot write `x.png` (1048576 bytes)"), "{error}");
    assert_eq!(std::fs::read(f.outputs.root().join("x.png")).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(f.outputs.root()).unwrap().count(), 1);
}
