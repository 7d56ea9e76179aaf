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
    outputs.publish(&NewFile { origin, template, bytes, inputs: &HashSet::new(), cached: false })
}

#[test]
fn files_are_counted_and_a_step_replaces_its_own() {
    let f = fixture();
    let root = f.outputs.shown().to_owned();
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

/// Faults: E7.
#[test]
fn a_cached_file_may_be_one_of_another_step() {
    let f = fixture();
    let again = |node: &str, bytes: &[u8]| {
        let origin = Origin { node: node.to_owned(), index: 0 };
        let template = "d_{counter:05}_.png";
        let file = NewFile { origin, template, bytes, inputs: &HashSet::new(), cached: true };
        let published = f.outputs.publish(&file).unwrap();
        (published.name, published.written)
    };
    let name = |n: u32| format!("d_{n:05}_.png");
    assert_eq!(publish(&f.outputs, "a", "d_{counter:05}_.png", b"1").unwrap().name, name(1));
    assert_eq!(publish(&f.outputs, "b", "d_{counter:05}_.png", b"1").unwrap().name, name(2), "both ran");
    assert_eq!(again("c", b"1"), (name(1), false));
    assert_eq!(again("c", b"2"), (name(3), true));
    assert_eq!(again("c", b"3"), (name(3), true), "its own from now on");
    assert_eq!(again("a", b"1"), (name(1), false));
}

#[test]
fn an_input_is_never_overwritten_nor_a_name_shared() {
    let f = fixture();
    let outputs = Outputs::new(f.dir.path().to_owned());
    let photo = f.dir.path().join("a.png");
    std::fs::write(&photo, "photo").unwrap();
    let inputs = HashSet::from([photo.canonicalize().unwrap()]);
    let origin = Origin { node: "save".to_owned(), index: 0 };
    let file = NewFile { origin, template: "a.png", bytes: b"x", inputs: &inputs, cached: false };
    let refused = outputs.publish(&file).unwrap_err();
    assert!(refused.message.contains("is an input of this graph"), "{refused}");
    assert_eq!(std::fs::read(&photo).unwrap(), b"photo");
    publish(&outputs, "one", "b.png", b"1").unwrap();
    let refused = publish(&outputs, "two", "b.png", b"2").unwrap_err();
    assert!(refused.message.contains("another node"), "{refused}");
}

/// Faults: E8.
#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_output_root() {
    let f = fixture();
    let elsewhere = f.dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    f.outputs.probe().unwrap();
    std::os::unix::fs::symlink(&elsewhere, f.outputs.shown().join("away")).unwrap();
    assert!(publish(&f.outputs, "a", "away/x.png", b"1").is_err());
    assert!(!elsewhere.join("x.png").exists());
}

/// Faults: E2.
#[test]
fn the_output_folder_is_made_but_not_its_parents() {
    let f = fixture();
    f.outputs.probe().unwrap();
    assert!(f.outputs.shown().is_dir());
    let deep = Outputs::new(f.dir.path().join("no/such"));
    assert!(deep.probe().unwrap_err().message.contains("there is no"));
    std::fs::write(f.dir.path().join("file"), "").unwrap();
    assert!(Outputs::new(f.dir.path().join("file")).probe().is_err());
}

/// Faults: E1.
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
    assert!(error.message.contains("cannot write `x.png` (1,048,576 bytes)"), "{error}");
    assert_eq!(std::fs::read(f.outputs.shown().join("x.png")).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(f.outputs.shown()).unwrap().count(), 1);
}

/// Each of `runs` runs publishes all pictures, in its own order, as another process would.
fn at_once(folder: &std::path::Path, template: &str, runs: &[Vec<Vec<u8>>]) -> Vec<Vec<Published>> {
    std::thread::scope(|scope| {
        let run = |pictures: &'_ [Vec<u8>]| {
            let outputs = Outputs::new(folder.to_owned());
            let publish = |(index, bytes): (usize, &Vec<u8>)| {
                let origin = Origin { node: "save".to_owned(), index };
                outputs
                    .publish(&NewFile { origin, template, bytes, inputs: &HashSet::new(), cached: false })
                    .unwrap()
            };
            pictures.iter().enumerate().map(publish).collect::<Vec<_>>()
        };
        let threads: Vec<_> = runs.iter().map(|pictures| scope.spawn(move || run(pictures))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn pictures(first: u32) -> Vec<Vec<u8>> {
    // All of one size, so that twins must be told by their bytes.
    (first..first + 50).map(|n| format!("picture {n:05}").repeat(100).into_bytes()).collect()
}

/// The contents of all files; their names must be the first numbers.
fn contents(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    let expected: Vec<String> = (1..=names.len()).map(|n| format!("it_{n:05}_.png")).collect();
    assert_eq!(names, expected, "no gap, and nothing half written");
    let mut contents: Vec<_> = names.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect();
    contents.sort();
    contents
}

#[cfg(unix)]
#[test]
fn two_runs_at_once_share_what_is_equal_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let template = "it_{counter:05}_.png";
    let equal = at_once(dir.path(), template, &[pictures(0), pictures(0)]);
    assert_eq!(contents(dir.path()), pictures(0));
    for (one, other) in equal[0].iter().zip(&equal[1]) {
        assert_eq!((&one.name, one.hash), (&other.name, other.hash));
        assert!(one.written != other.written, "one of the two wrote `{}`", one.name);
    }
    at_once(dir.path(), template, &[pictures(50), pictures(100)]);
    let all: Vec<_> = [0, 50, 100].into_iter().flat_map(pictures).collect();
    assert_eq!(contents(dir.path()), all);
}

#[cfg(unix)]
#[test]
fn two_runs_at_once_may_save_in_two_formats() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let outputs = Outputs::new(dir.path().to_owned());
                for bytes in &pictures(0) {
                    let node = String::from_utf8_lossy(bytes);
                    publish(&outputs, &format!("png {node}"), "it_{counter:05}_.png", bytes).unwrap();
                    publish(&outputs, &format!("exr {node}"), "it_{counter:05}_.exr", bytes).unwrap();
                }
            });
        }
    });
    let mut files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files.len(), 100, "{files:?}");
    let numbers: HashSet<_> = files.iter().map(|name| name.to_str().unwrap()[..8].to_owned()).collect();
    assert_eq!(numbers.len(), 100, "every file has a number of its own");
}

#[test]
fn an_output_folder_that_was_removed_or_replaced_is_opened_again() {
    let f = fixture();
    let out = f.outputs.shown().to_owned();
    publish(&f.outputs, "a", "x.png", b"1").unwrap();
    std::fs::rename(&out, f.dir.path().join("moved")).unwrap();
    publish(&f.outputs, "a", "x.png", b"2").unwrap();
    assert_eq!(std::fs::read(out.join("x.png")).unwrap(), b"2");
    assert_eq!(std::fs::read(f.dir.path().join("moved/x.png")).unwrap(), b"1");
    std::fs::remove_dir_all(&out).unwrap();
    std::fs::create_dir(&out).unwrap();
    publish(&f.outputs, "a", "x.png", b"3").unwrap();
    assert_eq!(std::fs::read(out.join("x.png")).unwrap(), b"3");
}

/// Faults: E4.
#[cfg(unix)]
#[test]
fn abandoned_files_are_removed_when_a_folder_is_first_used() {
    let f = fixture();
    let folder = f.outputs.shown().join("sub");
    std::fs::create_dir_all(&folder).unwrap();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let orphan = folder.join(format!(".dreamwire-{}-3.tmp", child.id()));
    let file = std::fs::File::create(&orphan).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(120)).unwrap();
    publish(&f.outputs, "a", "sub/x.png", b"1").unwrap();
    assert!(!orphan.exists());
}

/// The step is the same on every day; only its files get other names.
#[test]
fn a_name_has_the_time_of_its_writing() {
    let f = fixture();
    let template = "%year%/%date:yyyy-MM%_{counter:05}_.png";
    f.outputs.probe_prefix("%year%/%date:yyyy-MM%").unwrap();
    let name = publish(&f.outputs, "a", template, b"1").unwrap().name;
    let (year, file) = name.split_once('/').unwrap();
    assert!(year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    assert!(file.starts_with(&format!("{year}-")) && file.ends_with("_00001_.png"), "{name}");
    assert!(f.outputs.shown().join(&name).exists());
    let odd = publish(&f.outputs, "b", "50%-70%_%width%_{counter:05}_.png", b"1").unwrap().name;
    assert_eq!(odd, "50%-70%_%width%_00001_.png");
    assert!(publish(&f.outputs, "c", "%year%/../../x_{counter:05}_.png", b"1").is_err());
}
