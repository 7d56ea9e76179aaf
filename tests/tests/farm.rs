//! Files of `dreamwire farm export` in the hands of the engines that they are for: `tests/farm/*.sh`. What an engine needs
//! is fetched into `target/farm` when it runs; where it cannot be had, it is skipped, and the last line says why.

#![cfg(unix)]

use dreamwire_tests::{Cmd, Folder, Outcome, built, repository, say};
use serde_json::{Value, json};
use std::process::Command;

/// The exit code of a script if something cannot be had here.
const SKIPPED: i32 = 77;

/// Runs a script.
fn engine(script: &str) {
    let built = built();
    let output = Command::new("bash")
        .arg(repository().join("tests/farm").join(script))
        .arg(built.plugins.with_file_name("farm"))
        .arg(&built.binary)
        .output()
        .expect("there is bash");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let skipped = output.status.code() == Some(SKIPPED);
    assert!(skipped || output.status.success(), "{said}");
    say(&said);
}

#[test]
#[ignore = "fetches openjd-cli; `just farm`, and .ci/run"]
fn open_job_description_runs_a_template_to_its_end() {
    engine("openjd.sh");
}

#[test]
#[ignore = "installs Slurm; `just farm`"]
fn slurm_loses_nothing_when_a_node_is_killed() {
    engine("slurm.sh");
}

#[test]
#[ignore = "installs GNU parallel; `just farm`"]
fn gnu_parallel_runs_again_only_what_failed() {
    engine("parallel.sh");
}

/// A folder with a graph of noise.
fn noise() -> Folder {
    Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", "IMAGE"] } },
    }))
}

fn export(folder: &Folder, words: &[&str]) -> Outcome {
    Cmd::new(folder).args(["farm", "export"]).args(words).run()
}

#[test]
fn an_export_names_its_file_and_replaces_none() {
    let folder = noise();
    let seeds = ["openjd", "graph.json", "--seeds", "1-60"];
    export(&folder, &seeds).exits(0).says("wrote graph.openjd.json: 60 rows in 6 parts");
    let template: Value = serde_json::from_slice(&folder.read("graph.openjd.json")).expect("it is JSON");
    assert_eq!(template["specificationVersion"], "jobtemplate-2023-09");
    export(&folder, &seeds).exits(2).says("`graph.openjd.json` exists already").says("-o names another file");
    export(&folder, &[&seeds[..], &["--force", "--chunk", "60"]].concat()).exits(0).says("60 rows in 1 part");
    export(&folder, &["slurm", "graph.json", "-o", "graph.json"]).exits(2).says("is the file that is read");
    export(&folder, &["parallel", "graph.json"]).exits(0).says("1 row in 1 part");
    export(&folder, &["slurm", "graph.json", "--seeds", "1-3"]).exits(0);
    assert!(folder.join("log").is_dir(), "Slurm makes no folder for its logs");
    let mut files = folder.files(".");
    files.sort();
    assert_eq!(files, ["graph.json", "graph.openjd.json", "graph.parallel.sh", "graph.slurm.sh"]);
}

#[test]
fn what_cannot_run_is_not_exported() {
    let folder = noise();
    export(&folder, &["slurm", "none.json"]).exits(3);
    export(&folder, &["slurm", "graph.json", "--set", "noise.width=0"]).exits(2).says("out of range");
    export(&folder, &["slurm", "graph.json", "--seeds", "1-3", "--rows", "4"]).exits(2);
    export(&folder, &["slurm", "graph.json", "--shard", "1/3"]).exits(2).says("--shard");
    folder.write(
        "follows.json",
        json!({
            "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
            "blur": { "class_type": "Blur", "inputs": {
                "image": { "__previous__": ["blur", "IMAGE"], "first": ["noise", "IMAGE"] },
            } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["blur", "IMAGE"] } },
        })
        .to_string(),
    );
    let follows = ["slurm", "follows.json", "--frames", "1-30"];
    export(&folder, &follows).exits(3).says("row 11 needs the value of row 10").says("--preroll");
    export(&folder, &[&follows[..], &["--shards", "1", "-o", "whole"]].concat()).exits(0).says("1 part");
    export(&folder, &[&follows[..], &["--preroll", "2", "-o", "parts"]].concat()).exits(0).says("3 parts");
    for name in ["follows.json", "whole", "parts"] {
        std::fs::remove_file(folder.join(name)).expect("it is there");
    }
    export(&folder, &["openjd", "graph.json", "--name", "{{x}}"]).exits(2).says("--name NAME gives another");
    assert_eq!(folder.files("."), ["graph.json"]);
}

#[test]
fn progress_for_a_runner_is_all_that_is_on_standard_output() {
    let folder = noise();
    let run = |words: &[&str]| {
        Cmd::new(&folder).args(["run", "graph.json", "--progress", "openjd"]).args(words).run()
    };
    let done = run(&["--seeds", "1-4"]);
    let lines: Vec<&str> = done.exits(0).stdout.lines().collect();
    assert_eq!(lines.first(), Some(&"openjd_progress: 0"), "{lines:?}");
    assert_eq!(lines.last(), Some(&"openjd_progress: 100"), "{lines:?}");
    let progress = lines.iter().filter_map(|line| line.strip_prefix("openjd_progress: "));
    let progress: Vec<u64> = progress.map(|percent| percent.parse().expect("a number")).collect();
    assert!(progress.is_sorted() && progress.contains(&50), "{progress:?}");
    let status = |line: &&&str| line.starts_with("openjd_status: ");
    assert_eq!(lines.iter().filter(status).count() + progress.len(), lines.len(), "{lines:?}");
    assert!(lines.contains(&"openjd_status: 2 of 4 (seed=2): noise"), "{lines:?}");

    // One run without rows, which fails in its last step.
    std::fs::write(folder.join("file"), "").expect("a file");
    let failed = run(&["--out", "file"]);
    let lines: Vec<&str> = failed.exits(6).stdout.lines().collect();
    let fails: Vec<&&str> = lines.iter().filter(|line| line.starts_with("openjd_fail: ")).collect();
    assert_eq!(fails.len(), 1, "{lines:?}");
    assert_eq!(lines.last(), Some(fails[0]), "{lines:?}");
    assert!(fails[0].ends_with(" (exit 6)"), "{lines:?}");
    let failed = run(&["--in", "none"]);
    assert_eq!(failed.exits(2).stdout, "openjd_fail: --in: there is no folder `none` (exit 2)\n");
}

#[test]
fn paths_of_another_machine_are_found_by_the_rules() {
    let folder = noise();
    Cmd::new(&folder).args(["run", "graph.json", "--out", "plates"]).run().exits(0);
    let plate = folder.files("plates").pop().expect("a picture");
    let load = |image: String| {
        json!({
            "photo": { "class_type": "LoadImage", "inputs": { "image": image } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", "IMAGE"] } },
        })
    };
    let graph = load(format!(r"P:\show\{plate}"));
    folder.write("load.json", graph.to_string());
    let rule = |format: &str, source: &str, place: std::path::PathBuf| json!({"source_path_format": format, "source_path": source, "destination_path": place});
    let rules = json!({"version": "pathmapping-1.0", "path_mapping_rules": [
        rule("WINDOWS", "p:/SHOW", folder.join("plates")),
        rule("POSIX", "/farm/out", folder.join("out here")),
        rule("POSIX", "/farm", folder.path().to_owned()),
    ]});
    folder.write("rules.json", rules.to_string());
    std::fs::create_dir(folder.join("out here")).expect("a folder");
    let run = |words: &[&str]| Cmd::new(&folder).args(["run", "--path-map", "rules.json"]).args(words).run();
    run(&["/farm/load.json", "--out", "/farm/out/a", "--in", "/farm/plates"]).exits(0);
    // An override, and rows of a folder.
    let plate = format!("photo.image=/farm/plates/{plate}");
    run(&["load.json", "--out", "/farm/out/b", "--set", &plate]).exits(0);
    run(&["load.json", "--out", "/farm/out/c", "--each", "photo.image=/farm/plates"]).exits(0);
    let made = folder.files("out here").into_iter().filter(|name| name.ends_with(".png"));
    let made: Vec<String> = made.map(|name| name.chars().take(1).collect()).collect();
    assert_eq!(made, ["a", "b", "c"]);

    folder.write("load.json", load("/farm/../etc/passwd".to_owned()).to_string());
    run(&["load.json"]).exits(5);
    folder.write("rules.json", "{}");
    run(&["graph.json"]).exits(0);
    folder.write("rules.json", "[]");
    run(&["graph.json"]).exits(2).says("--path-map: `rules.json`: it is not an object");
}
