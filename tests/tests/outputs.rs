//! Outputs: where they may go, and failures to write them.

use dreamwire_tests::{Cmd, Folder, Outcome, photo};
use serde_json::{Value, json};

fn graph(prefix: &str) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 64, "height": 64 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": prefix } },
    })
}

fn run(folder: &Folder, out: &str) -> Outcome {
    Cmd::new(folder).args(["run", "graph.json", "--progress", "json", "--out", out]).run()
}

/// Faults: E1.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    let folder = Folder::with_graph(&graph("it"));
    run(&folder, "out").exits(0);
    let old = folder.read("out/it_00001_.png");
    let out = folder.join("out").canonicalize().expect("it was made");
    let full = Cmd::new(&folder)
        .env("LD_PRELOAD", dreamwire_tests::c_library("full_disk"))
        .env("FULL_DISK", out)
        .args(["run", "graph.json", "--out", "out", "--set", "noise.seed=2"])
        .run();
    full.exits(6)
        .says("cannot write `it_00002_.png` (needs")
        .says("bytes,")
        .says("are free")
        .says("node `save`");
    assert_eq!(folder.files("out"), ["it_00001_.png"], "no new file, no temporary file");
    assert!(folder.read("out/it_00001_.png") == old, "the old file is intact");
}

/// Faults: E2.
#[test]
fn a_file_where_the_output_folder_should_be_is_found_before_anything_runs() {
    let folder = Folder::with_graph(&graph("it"));
    folder.write("taken", "a file");
    let outcome = run(&folder, "taken");
    outcome.exits(6).says("taken");
    assert!(!outcome.stdout.contains("\"started\""), "no work is lost:\n{}", outcome.stdout);
    assert_eq!(folder.read("taken"), b"a file");
}

/// Faults: E2.
#[test]
fn an_output_folder_without_parents_is_not_made() {
    let folder = Folder::with_graph(&graph("it"));
    run(&folder, "no/such/folder").exits(6).says("there is no");
    assert!(!folder.join("no").exists());
}

/// Faults: E3.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_found_before_anything_runs() {
    let folder = Folder::with_graph(&graph("it"));
    // Not even root can write there.
    let outcome = run(&folder, "/proc/self");
    outcome.exits(6).says("/proc/self");
    assert!(!outcome.stdout.contains("\"started\""), "no work is lost:\n{}", outcome.stdout);
}

/// Faults: E3.
#[cfg(unix)]
#[test]
fn a_read_only_folder_is_found_before_anything_runs() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with_graph(&graph("it"));
    let out = folder.join("out");
    std::fs::create_dir(&out).expect("made");
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o555)).expect("changed");
    // Nothing is forbidden to root.
    if std::fs::write(out.join("x"), "").is_err() {
        let outcome = run(&folder, "out");
        outcome.exits(6).says("out");
        assert!(!outcome.stdout.contains("\"started\""), "no work is lost:\n{}", outcome.stdout);
    }
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o755)).expect("changed back");
}

/// Faults: E3.
#[cfg(unix)]
#[test]
fn a_read_only_folder_below_the_output_folder_is_found_before_anything_runs() {
    use std::os::unix::fs::PermissionsExt;
    let mut graph = graph("new/it");
    graph["second"] = json!({ "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": "shut/it" } });
    graph["third"] = json!({ "class_type": "PreviewImage", "inputs": { "images": ["noise", 0] } });
    let folder = Folder::with_graph(&graph);
    let shut = ["out/shut", "out/preview"].map(|name| folder.join(name));
    for shut in &shut {
        std::fs::create_dir_all(shut).expect("made");
        std::fs::set_permissions(shut, std::fs::Permissions::from_mode(0o555)).expect("changed");
    }
    // Nothing is forbidden to root.
    if std::fs::write(shut[0].join("x"), "").is_err() {
        let outcome = run(&folder, "out");
        outcome.exits(6).says("node `second`").says("`filename_prefix` of this node").says("shut/it");
        outcome.says("node `third`").says("preview/preview");
        assert!(!outcome.stdout.contains("\"started\""), "no work is lost:\n{}", outcome.stdout);
        assert!(!folder.join("out/new").exists(), "what was only tried does not remain");
    }
    for shut in &shut {
        std::fs::set_permissions(shut, std::fs::Permissions::from_mode(0o755)).expect("changed back");
    }
}

/// Faults: E2.
#[test]
fn a_file_in_the_place_of_a_folder_is_found_before_anything_runs() {
    let folder = Folder::with_graph(&graph("new/taken/it"));
    std::fs::create_dir_all(folder.join("out/new")).expect("made");
    folder.write("out/new/taken", "a file");
    let outcome = run(&folder, "out");
    outcome.exits(6).says("node `save`").says("`filename_prefix` of this node").says("new/taken/it");
    assert!(!outcome.stdout.contains("\"started\""), "no work is lost:\n{}", outcome.stdout);
    assert_eq!(folder.files("out"), ["new/taken"]);
}

/// Two processes at the same time, which must both succeed.
#[cfg(unix)]
fn at_once(folder: &Folder, arguments: [&[&str]; 2]) {
    let children = arguments.map(|more| {
        let all = ["run", "graph.json", "--out", "out", "--progress", "none"];
        Cmd::new(folder).args(all).args(more).start()
    });
    for child in children {
        let output = child.wait_with_output().expect("a child can be waited for");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Faults: E6.
#[cfg(unix)]
#[test]
fn two_processes_at_once_share_what_is_equal_and_nothing_else() {
    let mut graph = graph("it");
    graph["noise"]["inputs"]["batch"] = json!(50);
    // The graph is not in the files, so pictures that are equal are equal files.
    graph["save"]["inputs"]["metadata"] = json!(false);
    let folder = Folder::with_graph(&graph);
    let names = |count: usize| (1..=count).map(|n| format!("it_{n:05}_.png")).collect::<Vec<_>>();
    at_once(&folder, [&[], &[]]);
    assert_eq!(folder.files("out"), names(50), "both save the same pictures");
    at_once(&folder, [&["--set", "noise.seed=1000"], &["--set", "noise.seed=2000"]]);
    let files = folder.files("out");
    assert_eq!(files, names(150), "each saves pictures of its own");
    let mut contents: Vec<_> = files.iter().map(|name| folder.read(&format!("out/{name}"))).collect();
    contents.sort();
    contents.dedup();
    assert_eq!(contents.len(), 150);
}

/// Faults: E7.
#[test]
fn an_input_is_never_overwritten() {
    let folder = Folder::with_graph(&json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "it_00001_.png" } },
        "small": { "class_type": "Resize", "inputs": { "image": ["photo", 0], "width": 8 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["small", 0], "filename_prefix": "it" } },
    }));
    photo(&folder.join("it_00001_.png"), 16, 16);
    let input = folder.read("it_00001_.png");
    run(&folder, ".").exits(0);
    run(&folder, ".").exits(0);
    assert!(folder.read("it_00001_.png") == input);
    assert_eq!(folder.files("."), ["graph.json", "it_00001_.png", "it_00002_.png"]);
}

/// Faults: E7.
#[test]
fn two_nodes_with_one_prefix_get_files_of_their_own_unless_they_save_the_same() {
    let save = |from: &str| json!({ "class_type": "SaveImage", "inputs": { "images": [from, 0], "filename_prefix": "it" } });
    let folder = Folder::with_graph(&json!({
        "a": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8, "seed": 1 } },
        "b": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8, "seed": 2 } },
        "save_a": save("a"),
        "save_b": save("b"),
        "again_b": save("b"),
    }));
    run(&folder, "out").exits(0);
    // `again_b` is the same step as `save_b`: it runs once.
    assert_eq!(folder.files("out"), ["it_00001_.png", "it_00002_.png"]);
}

/// Faults: E8.
#[test]
fn a_prefix_cannot_lead_out_of_the_output_folder() {
    for (prefix, why) in [
        ("../it", "leaves the output folder"),
        ("a/../../it", "leaves the output folder"),
        ("/tmp/dreamwire-must-not-be-here", "is an absolute path"),
        ("C:/it", "is an absolute path"),
        ("a\\it", "contains a backslash"),
        ("\\\\server\\it", "contains a backslash"),
    ] {
        let folder = Folder::with_graph(&graph(prefix));
        run(&folder, "out").exits(3).says("node `save`").says(why);
        assert_eq!(folder.files("."), ["graph.json"], "{prefix}");
    }
    assert!(!std::path::Path::new("/tmp/dreamwire-must-not-be-here_00001_.png").exists());
}

/// Faults: E8.
#[cfg(unix)]
#[test]
fn a_link_cannot_lead_out_of_the_output_folder() {
    let (folder, elsewhere) = (Folder::with_graph(&graph("away/it")), Folder::new());
    std::fs::create_dir(folder.join("out")).expect("made");
    std::os::unix::fs::symlink(elsewhere.path(), folder.join("out/away")).expect("linked");
    let outcome = run(&folder, "out");
    outcome.exits(6).says("away/it").says("node `save`");
    assert!(!outcome.stdout.contains("\"started\""), "no work is lost:\n{}", outcome.stdout);
    assert!(elsewhere.files(".").is_empty());
}

#[test]
fn names_get_the_size_the_time_and_values_of_other_nodes() {
    let folder = Folder::with_graph(&graph("%year%/%width%x%height%_%noise.seed%_%NoiseImage.width%"));
    run(&folder, "out").exits(0);
    let files = folder.files("out");
    let [name] = files.as_slice() else { panic!("{files:?}") };
    assert!(name.ends_with("/64x64_0_64_00001_.png") && name.starts_with("20"), "{name}");
    run(&folder, "out").exits(0);
    assert_eq!(folder.files("out"), files, "nothing new");
}

/// The name of a step depends on the time, but its picture does not.
#[test]
fn another_name_does_not_compute_the_picture_again() {
    let folder = Folder::with_graph(&graph("%date:yyyy-MM-dd_HHmmss%"));
    let run = || {
        let arguments = ["run", "graph.json", "--out", "out", "--progress", "json", "--cache", "cache"];
        Cmd::new(&folder).args(arguments).run()
    };
    run().exits(0);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let again = run();
    again.exits(0);
    assert!(!again.stdout.contains("\"started\""), "nothing is computed:\n{}", again.stdout);
    assert_eq!(folder.files("out").len(), 2, "{:?}", folder.files("out"));
}

#[test]
fn what_is_not_known_in_a_name_is_told_before_anything_runs() {
    for (prefix, said) in [
        ("%yaer%", "did you mean `year`"),
        ("%date:YYYY%", "is not a part of a date"),
        ("%nose.seed%", "did you mean `noise`"),
        ("%noise.sed%", "did you mean `seed`"),
    ] {
        let folder = Folder::with_graph(&graph(prefix));
        Cmd::new(&folder).args(["run", "graph.json", "--out", "out"]).run().exits(3).says(said);
    }
    let folder = Folder::with_graph(&graph("50%-70%"));
    run(&folder, "out").exits(0);
    assert_eq!(folder.files("out"), ["50%-70%_00001_.png"]);
}

/// What an earlier run saved or showed is named as ComfyUI names it.
#[test]
fn a_file_of_the_output_folder_is_an_input_by_its_note() {
    let folder = Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "show": { "class_type": "PreviewImage", "inputs": { "images": ["noise", 0] } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": "it" } },
    }));
    run(&folder, "out").exits(0);
    folder.write("plain.png", folder.read("out/it_00001_.png"));
    for name in ["it_00001_.png [output]", "preview_00001_.png [temp]", "plain.png [input]"] {
        let graph = json!({
            "photo": { "class_type": "LoadImage", "inputs": { "image": name } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", 0], "filename_prefix": "copy" } },
        });
        folder.write("graph.json", graph.to_string());
        run(&folder, "out").exits(0);
    }
    folder.write("secret.png", folder.read("plain.png"));
    let graph = json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "../secret.png [output]" } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", 0] } },
    });
    folder.write("graph.json", graph.to_string());
    Cmd::new(&folder)
        .args(["run", "graph.json", "--out", "out"])
        .run()
        .exits(5)
        .says("lies outside that folder");
}
