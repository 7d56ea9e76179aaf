//! Clients of ComfyUI's server, unmodified: each runs graphs on `dreamwire serve` to picture files. They are fetched into
//! a folder below `target`; where they cannot be had, the test says so and passes.

#![cfg(unix)]

use dreamwire_tests::{Folder, Serving, prepared, repository, say};
use std::path::Path;
use std::process::{Command, Output};

fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

#[test]
#[ignore = "fetches half a gigabyte; `just clients`"]
fn unmodified_clients_run_graphs_to_files() {
    let repository = repository();
    let scripts = repository.join("tests/clients");
    let fetched = repository.join("target/clients");
    if !prepared("clients", [&fetched]) {
        return;
    }

    let folder = Folder::new();
    let serving = Serving::start(&folder, [] as [&str; 0]);
    let python = fetched.join("comfy-script/bin/python");
    let clients = [
        (Path::new("bash"), "comfy_cli.sh"),
        (python.as_path(), "comfyscript.py"),
        (Path::new("node"), "saintno.mjs"),
        (Path::new("node"), "stable_canvas.mjs"),
    ];
    for (program, script) in clients {
        let out = folder.join(script);
        let arguments = [fetched.as_path(), Path::new(&serving.url), &out];
        let (code, said) = run(Command::new(program).arg(scripts.join(script)).args(arguments));
        assert_eq!(code, Some(0), "{script}\n{said}\n{}", serving.talk());
        for name in ["noise.png", "blurred.png"] {
            let picture = folder.read(&format!("{script}/{name}"));
            assert!(picture.starts_with(b"\x89PNG"), "{script} {name}");
        }
        say(&said);
    }
}
