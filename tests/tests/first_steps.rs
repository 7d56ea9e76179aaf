//! First mistakes of a new user, and the hints that answer them.

use dreamwire_tests::{Cmd, Folder, Outcome, photo};
use serde_json::{Value, json};

/// A folder with a photograph and a graph that saves it again; `edit` changes the graph.
fn folder(edit: impl FnOnce(&mut Value)) -> Folder {
    let mut graph = json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "media/chelsea.png" } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", "IMAGE"], "filename_prefix": "it" } },
    });
    edit(&mut graph);
    let folder = Folder::with_graph(&graph);
    std::fs::create_dir(folder.join("media")).expect("made");
    photo(&folder.join("media/chelsea.png"), 16, 16);
    folder
}

fn dreamwire(folder: &Folder, words: &[&str]) -> Outcome {
    Cmd::new(folder).args(words).run()
}

fn run(folder: &Folder, words: &[&str]) -> Outcome {
    Cmd::new(folder).args(["run", "graph.json", "--out", "out"]).args(words).run()
}

#[test]
fn a_file_name_that_is_nearly_right() {
    let set = |image: &str| run(&folder(|graph| graph["photo"]["inputs"]["image"] = image.into()), &[]);
    let near = set("media/chelsae.png");
    near.exits(5).says("there is no file `media/chelsae.png`").says("did you mean `media/chelsea.png`");
    set("~/chelsea.png").exits(5).says("`~` is not expanded in a graph: write the full path");
}

#[test]
fn weights_that_are_neither_built_in_nor_a_file() {
    let with = |weights: &str| {
        folder(|graph| {
            graph["net"] = json!({ "class_type": "VGGFeatures", "inputs": { "weights": weights } });
            graph["dream"] = json!({ "class_type": "GradientAscent",
                "inputs": { "image": ["photo", 0], "objective": ["net", 0] } });
            graph["save"]["inputs"]["images"] = json!(["dream", 0]);
        })
    };
    run(&with("vgg19"), &[]).exits(5).says("there is no file `vgg19`").says("built in: `vgg16`");
    // This one is there, but where a graph may not read.
    let elsewhere = Folder::new();
    elsewhere.write("it.pth", b"weights");
    let outcome = run(&with(elsewhere.join("it.pth").to_str().expect("a plain name")), &[]);
    outcome.exits(5).says("as an input folder: --in DIR; or name").says_not("built in");
}

#[test]
fn folders_that_are_not_there() {
    let folder = folder(|_| {});
    for command in ["run", "watch", "describe"] {
        let outcome = dreamwire(&folder, &[command, "graph.json", "--in", "/does/not/exist"]);
        outcome.exits(2).says("--in: there is no folder `/does/not/exist`");
    }
}

#[test]
fn words_and_numbers_of_other_languages() {
    let folder = folder(|_| {});
    folder.write("graph.json", r#"{ "a": { "class_type": "SaveImage", "inputs": { "metadata": True } } }"#);
    dreamwire(&folder, &["check", "graph.json"]).exits(3).says("did you mean `true`");
    dreamwire(&folder, &["run", "graph.json", "--threads", "0"])
        .exits(2)
        .says("expected 1 or more; leave it out for one per core");
}

#[test]
fn names_that_are_nearly_right() {
    let folder = folder(|_| {});
    let kind = dreamwire(&folder, &["nodes", "gradientascent"]);
    kind.exits(4).says("unknown kind `gradientascent`").says("did you mean `GradientAscent`");
    let set = dreamwire(&folder, &["check", "graph.json", "--set", "size.width=3"]);
    set.exits(2).says("there is no node `size` (nodes: `photo`, `save`)");
}

#[test]
fn a_choice_that_is_a_number_and_a_prefix_with_odd_characters() {
    let folder = folder(|graph| graph["save"]["inputs"]["bits"] = json!(16));
    run(&folder, &[]).exits(0);
    let picture = image::open(folder.join("out/it_00001_.png")).expect("a picture");
    assert_eq!(picture.color(), image::ColorType::Rgb16);
    #[cfg(unix)]
    run(&folder, &["--set", "save.filename_prefix=a:b?c"]).exits(0);
    #[cfg(unix)]
    assert!(folder.files("out").contains(&"a:b?c_00001_.png".to_owned()));
    let outside = run(&folder, &["--set", "save.filename_prefix=../a"]);
    outside.exits(3).says("`../a` leaves the output folder").says_not("{counter");
    let typed = run(&folder, &["--set", "save.filename_prefix=x{counter:05}"]);
    typed.exits(0);
    assert!(
        folder.files("out").contains(&"x{counter:05}_00001_.png".to_owned()),
        "{:?}",
        folder.files("out")
    );
}

#[test]
fn several_graphs_are_checked_at_once() {
    let folder = folder(|_| {});
    folder.write("bad.json", r#"{ "a": { "class_type": "SaveImag" } }"#);
    let both = dreamwire(&folder, &["check", "graph.json", "bad.json"]);
    both.exits(4).says("graph.json: ok, 2 nodes").says("unknown kind `SaveImag`").says("bad.json:1");
    let json = dreamwire(&folder, &["check", "graph.json", "bad.json", "--format", "json"]);
    let list: Value = serde_json::from_str(&json.stdout).expect("a list");
    assert_eq!(list[0]["file"], "bad.json");
    assert_eq!((&list[0]["node"], &list[0]["exit"]), (&json!("a"), &json!(4)));
}

#[test]
fn help_and_completions_offer_what_there_is() {
    let folder = Folder::new();
    let help = dreamwire(&folder, &["watch", "--help"]);
    assert!(!help.stdout.contains("standard input"), "{}", help.stdout);
    assert!(dreamwire(&folder, &["run", "--help"]).stdout.contains("standard input"));
    for shell in ["bash", "zsh", "fish"] {
        let script = dreamwire(&folder, &["completions", shell]).stdout;
        assert!(!script.contains("check-one"), "{shell}");
        // The generator for fish completes no values of positional arguments.
        assert!(shell == "fish" || script.contains("GradientAscent"), "{shell} completes kinds");
    }
}

/// Faults: A1.
#[cfg(unix)]
#[test]
fn a_named_pipe_is_no_graph() {
    let folder = Folder::new();
    let made = std::process::Command::new("mkfifo").arg(folder.join("graph.json")).status();
    assert!(made.expect("mkfifo starts").success());
    for command in ["run", "check", "describe"] {
        dreamwire(&folder, &[command, "graph.json"]).exits(3).says("it is not a regular file");
    }
}

/// Faults: A22.
#[cfg(target_os = "linux")]
#[test]
fn what_a_shell_has_opened_is_a_graph() {
    let folder = folder(|_| {});
    let program = dreamwire_tests::built().binary.display().to_string();
    let script = format!("exec '{program}' check <(cat graph.json)");
    let done = std::process::Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output();
    assert!(done.expect("bash starts").status.success());
}

#[test]
fn variables_with_values_that_nothing_knows() {
    let folder = folder(|_| {});
    for (name, value, allowed) in [
        ("DREAMWIRE_OPERATORS", "portabel", "`portabel` is not one of: portable"),
        ("DREAMWIRE_SIMD", "sse9", "`sse9` is not one of: portable, avx2, avx512"),
    ] {
        for command in ["check", "run", "doctor"] {
            let outcome = Cmd::new(&folder).args([command, "graph.json"]).env(name, value).run();
            outcome.exits(2).says(&format!("environment variable {name}: {allowed}"));
        }
        Cmd::new(&folder).args(["check", "graph.json"]).env(name, "").run().exits(0);
    }
}
