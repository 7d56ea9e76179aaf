//! The server in a browser, as people meet it: its own page, and ComfyUI's editor, unmodified. The journeys are
//! `tests/browser/*.mjs`. What they need is fetched into `target/browser` when they run; where it cannot be had, they
//! are skipped, and the last line says why.

use dreamwire_tests::{Folder, Serving, built, prepared, repository, say};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// One at a time: they prepare the same folder, and each keeps all cores busy.
static ALONE: Mutex<()> = Mutex::new(());

/// What browsers need, kept from run to run.
fn tools() -> PathBuf {
    built().plugins.with_file_name("browser")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// Takes a journey through a server that watches a copy of `graphs/`. Screenshots are in `target/browser/pictures`.
fn journey(script: &str, options: &[&Path]) {
    let folder = Folder::new();
    let graphs = folder.join("graphs");
    copy(&repository().join("graphs"), &graphs);
    let serving = Serving::start(&folder, [&[Path::new("--watch"), &graphs][..], options].concat());
    let output = Command::new("node")
        .arg(repository().join("tests/browser").join(script))
        .arg(tools())
        .arg(&serving.url)
        .args([graphs, tools().join("pictures")])
        .output()
        .expect("prepare.sh has found node");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}{}", serving.talk());
    say(&format!("{script}: {}", said.trim_end().lines().last().unwrap_or_default()));
}

#[test]
#[ignore = "fetches a browser; `just browsers`, and .ci/run"]
fn the_page_of_the_server() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if prepared("browser", [tools()]) {
        journey("page.mjs", &[]);
    }
}

#[test]
#[ignore = "fetches a browser; `just browsers`, and .ci/run"]
fn the_editor_of_comfyui() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if prepared("browser", [tools().as_path(), Path::new("editor")]) {
        let editor = tools().join("editor/comfyui_frontend_package/static");
        journey("editor.mjs", &[Path::new("--frontend"), &editor]);
    }
}
