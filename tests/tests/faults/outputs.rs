//! Written files, and readers that have left.

use dreamwire_tests::{Cmd, Folder, built};
use serde_json::json;
use std::process::ExitStatus;

/// Noise, saved with so many bits.
fn graph(bits: &str) -> serde_json::Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "save": { "class_type": "SaveImage", "inputs": {
            "images": ["noise", 0], "filename_prefix": "it", "bits": bits
        } },
    })
}

#[cfg(unix)]
mod modes {
    use super::graph;
    use dreamwire_tests::{Cmd, Folder, Watching, built};
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it is there").permissions().mode() & 0o777
    }

    /// Faults: E11.
    #[test]
    fn a_new_file_has_the_mode_that_the_umask_gives() {
        for (umask, expected) in [("022", 0o644), ("027", 0o640), ("077", 0o600), ("000", 0o666)] {
            let folder = Folder::with_graph(&graph("8"));
            let script = format!("umask {umask}; exec \"$0\" \"$@\"");
            let shell = Cmd::of(Path::new("/bin/sh"), folder.path()).args(["-c", &script]);
            shell.args([&built().binary]).args(["run", "graph.json", "--out", "out"]).run().exits(0);
            assert_eq!(mode(&folder.join("out/it_00001_.png")), expected, "umask {umask}");
        }
    }

    /// Faults: E11.
    #[test]
    fn a_replaced_file_keeps_its_mode() {
        let folder = Folder::with_graph(&graph("8"));
        let watching = Watching::start(&folder, [] as [&str; 0]);
        watching.until("waiting");
        let file = folder.join("out/it_00001_.png");
        for (bits, kept) in [("16", 0o600), ("8", 0o664)] {
            std::fs::set_permissions(&file, Permissions::from_mode(kept)).expect("changed");
            let before = folder.read("out/it_00001_.png");
            folder.write("graph.json", graph(bits).to_string());
            watching.until("waiting");
            assert_ne!(before, folder.read("out/it_00001_.png"), "it was replaced");
            assert_eq!(mode(&file), kept);
        }
        assert_eq!(folder.files("out"), ["it_00001_.png"]);
    }
}

/// Runs the program with closed pipes.
fn unheard(folder: &Folder, arguments: &[&str]) -> ExitStatus {
    let mut child = Cmd::new(folder).args(arguments).start();
    drop((child.stdout.take(), child.stderr.take()));
    child.wait().expect("a child can be waited for")
}

/// Faults: E14.
#[test]
fn a_run_that_nobody_listens_to_ends_well() {
    for progress in ["json", "bar", "none"] {
        let folder = Folder::with_graph(&graph("8"));
        let status = unheard(&folder, &["run", "graph.json", "--out", "out", "--progress", progress]);
        assert_eq!(status.code(), Some(0), "--progress {progress}");
        assert_eq!(folder.files("out"), ["it_00001_.png"]);
    }
}

/// Faults: E14.
#[test]
fn a_list_that_nobody_reads_is_no_error() {
    let folder = Folder::with_graph(&graph("8"));
    for arguments in [
        &["nodes", "--json"][..],
        &["nodes", "--markdown"],
        &["nodes", "--schema"],
        &["plugin", "list"],
        &["completions", "bash"],
        &["check", "graph.json", "--format", "json"],
        &["--help"],
    ] {
        assert_eq!(unheard(&folder, arguments).code(), Some(0), "{arguments:?}");
    }
}

/// Faults: E14.
#[test]
fn an_error_that_nobody_reads_keeps_its_exit_code() {
    let folder = Folder::with_graph(&json!({ "it": { "class_type": "NoSuchKind" } }));
    let status = unheard(&folder, &["run", "graph.json", "--out", "out"]);
    let heard = Cmd::of(&built().binary, folder.path()).args(["run", "graph.json", "--out", "out"]).run();
    assert_eq!(status.code(), heard.code);
    assert!(matches!(heard.code, Some(3 | 4)), "{:?}", heard.code);
}
