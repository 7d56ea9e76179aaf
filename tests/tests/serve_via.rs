//! `dreamwire run --via`: a graph runs on a server, and its files come here.

use dreamwire_tests::{Cmd, Folder, Serving, c_plugin, photo};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Noise of that seed, saved. The link names its output, as people write it.
fn noise(seed: u64) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8, "seed": seed } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", "IMAGE"], "filename_prefix": "noise" } },
    })
}

/// A picture of this machine, blurred.
fn blurred(image: &str) -> Value {
    json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": image } },
        "blur": { "class_type": "Blur", "inputs": { "image": ["photo", 0], "sigma": 1.5 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["blur", 0], "filename_prefix": "sub/blurred" } },
    })
}

fn through_crash(how: &str) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "bad": { "class_type": "Crash", "inputs": { "image": ["noise", 0], "how": how } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["bad", 0], "filename_prefix": "after" } },
    })
}

/// A run of `graph.json` on a server, by a copy of the program that has no plugins beside it.
fn via(folder: &Folder, url: &str, more: &[&str]) -> Cmd {
    let alone = folder.join("alone").join(format!("dreamwire{}", std::env::consts::EXE_SUFFIX));
    if !alone.exists() {
        std::fs::create_dir_all(folder.join("alone")).unwrap();
        std::fs::copy(&dreamwire_tests::built().binary, &alone).unwrap();
    }
    Cmd::of(&alone, folder.path()).args(["run", "graph.json", "--out", "here", "--via", url]).args(more)
}

fn events(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn a_graph_runs_there_and_its_files_come_here() {
    let (there, here) = (Folder::new(), Folder::with_graph(&noise(1)));
    let serving = Serving::start(&there, [] as [&str; 0]);
    let outcome = via(&here, &serving.url, &[]).run();
    outcome.exits(0).says("running `noise` (NoiseImage)").says("saved here/noise_00001_.png").says("done in");
    assert!(here.read("here/noise_00001_.png").starts_with(b"\x89PNG"));
    assert_eq!(here.read("here/noise_00001_.png"), there.read("out/noise_00001_.png"));

    // Again: cached there, unchanged here.
    let outcome = via(&here, &serving.url, &["--progress", "json"]).run();
    outcome.exits(0);
    let told = events(&outcome.stdout);
    let names: Vec<&str> = told.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["planned", "cached", "published", "done"], "{told:#?}");
    assert_eq!((&told[2]["name"], &told[2]["written"]), (&json!("noise_00001_.png"), &json!(false)));

    // A value of the command line, typed by the server's kinds; events of a run that computes.
    let outcome = via(&here, &serving.url, &["--progress", "json", "--set", "noise.seed=2"]).run();
    outcome.exits(0);
    let told = events(&outcome.stdout);
    let names: Vec<&str> = told.iter().filter_map(|event| event["event"].as_str()).collect();
    let order: Vec<&str> = names.into_iter().filter(|name| *name != "progress").collect();
    assert_eq!(order, ["planned", "started", "finished", "started", "published", "finished", "done"]);
    assert_eq!(told[0]["steps"], 2);
    let wrong = via(&here, &serving.url, &["--set", "noise.width=many"]).run();
    wrong.exits(2).says("`width` must be an integer, but `many` is not");
}

/// Faults: V3.
#[test]
fn a_file_of_this_folder_is_never_replaced() {
    let (there, here) = (Folder::new(), Folder::with_graph(&noise(1)));
    let serving = Serving::start(&there, [] as [&str; 0]);
    std::fs::create_dir(here.join("here")).unwrap();
    here.write("here/noise_00001_.png", "mine");
    via(&here, &serving.url, &[]).run().exits(0).says("saved here/noise_00001_ (1).png");
    assert_eq!(here.read("here/noise_00001_.png"), b"mine");
    assert_eq!(here.read("here/noise_00001_ (1).png"), there.read("out/noise_00001_.png"));
    via(&here, &serving.url, &[]).run().exits(0).says("unchanged here/noise_00001_ (1).png");
    assert_eq!(here.files("here").len(), 2);
}

#[test]
fn pictures_of_this_machine_go_there_first() {
    let (there, here) = (Folder::new(), Folder::with_graph(&blurred("pictures/a photo.png")));
    let serving = Serving::start(&there, [] as [&str; 0]);
    std::fs::create_dir(here.join("pictures")).unwrap();
    photo(&here.join("pictures/a photo.png"), 16, 16);
    via(&here, &serving.url, &[]).run().exits(0).says("saved here/sub/blurred_00001_.png");
    let sent = there.files("in");
    assert!(sent.len() == 1 && sent[0].starts_with("via/") && sent[0].ends_with("/a photo.png"), "{sent:?}");
    // It is there already.
    via(&here, &serving.url, &[]).run().exits(0).says("unchanged here/sub/blurred_00001_.png");
    assert_eq!(there.files("in"), sent);
    // One that only the server has.
    photo(&there.join("in/theirs.png"), 16, 16);
    via(&here, &serving.url, &["--set", "photo.image=theirs.png"]).run().exits(0);
    // One of nobody, and one that a graph of this folder may not read.
    let outcome = via(&here, &serving.url, &["--set", "photo.image=nothing.png"]).run();
    outcome.exits(5).says("there is no file `nothing.png`");
    let other = Folder::new();
    photo(&other.join("secret.png"), 16, 16);
    here.write("graph.json", blurred(&other.join("secret.png").display().to_string()).to_string());
    via(&here, &serving.url, &[]).run().exits(5).says("lies outside the graph's folder").says("--in DIR");
    assert_eq!(there.files("in").len(), 2, "it was not sent");
    via(&here, &serving.url, &["--in", &other.path().display().to_string()]).run().exits(0);
}

/// Faults: V2.
#[test]
fn what_is_wrong_with_a_graph_is_told_at_its_place() {
    let (there, here) = (Folder::new(), Folder::new());
    let serving = Serving::start(&there, [] as [&str; 0]);
    let mut graph = noise(1);
    graph["good"] = graph["noise"].clone();
    graph["keep"] = json!({ "class_type": "SaveImage", "inputs": { "images": ["good", 0] } });
    graph["noise"]["inputs"]["width"] = json!(-4);
    here.write("graph.json", format!("{graph:#}"));
    let outcome = via(&here, &serving.url, &["--progress", "json"]).run();
    outcome.exits(3).says("graph::param_range").says("`width` is -4").says("[graph.json:");
    let error = &events(&outcome.stdout)[0];
    assert_eq!(
        (&error["node"], &error["input"], &error["exit"]),
        (&json!("noise"), &json!("width"), &json!(3))
    );
    assert!(here.files("here").is_empty(), "all of it or nothing");
    here.write("graph.json", "{ \"a\": { \"class_type\": \"NoiseImag\" } }");
    via(&here, &serving.url, &[])
        .run()
        .exits(4)
        .says("unknown kind `NoiseImag`")
        .says("did you mean `NoiseImage`");
    here.write("graph.json", "{ \"a\": ");
    via(&here, &serving.url, &[]).run().exits(3).says("[graph.json:1:");
}

/// Faults: V2.
#[test]
#[cfg(unix)]
fn a_step_that_fails_there_has_its_exit_code_here() {
    let (there, here) = (Folder::new(), Folder::with_graph(&through_crash("segv")));
    let crash = c_plugin("crash");
    let serving = Serving::start(&there, [Path::new("--plugins"), &crash]);
    let outcome = via(&here, &serving.url, &[]).run();
    outcome
        .exits(4)
        .says("crashed (SIGSEGV)")
        .says("[graph.json:")
        .says("skipped `save`: it depends on `bad`");
}

/// Faults: V5.
#[test]
fn without_a_socket_the_history_tells_the_end() {
    let (there, here) = (Folder::new(), Folder::with_graph(&noise(1)));
    let serving = Serving::start(&there, ["--max-sockets", "1"]);
    let _the_only_one = serving.socket("other");
    let outcome = via(&here, &serving.url, &[]).run();
    outcome.exits(0).says("saved here/noise_00001_.png").says("(2 run, 0 cached)");
}

/// Faults: V4.
#[test]
#[cfg(unix)]
fn an_interrupt_stops_the_job_there() {
    let (there, here) = (Folder::new(), Folder::with_graph(&through_crash("loop")));
    let crash = c_plugin("crash");
    let serving = Serving::start(&there, [Path::new("--plugins"), &crash]);
    let mut child = via(&here, &serving.url, &[]).start();
    let began = Instant::now();
    let running = |serving: &Serving| {
        let queue = serving.get("/queue").json();
        queue["queue_running"][0][1].as_str().map(str::to_owned)
    };
    let job = loop {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", serving.talk());
        if let Some(job) = running(&serving) {
            break job;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let status = serving.ended(&job)["status"].to_string();
    assert!(status.contains("execution_interrupted"), "{status}");
}

/// Faults: V1.
#[test]
fn a_server_that_cannot_be_asked_says_why() {
    let (there, here) = (Folder::new(), Folder::with_graph(&noise(1)));
    let outcome = via(&here, "http://127.0.0.1:9", &[]).run();
    outcome.exits(75).says("cannot reach the server http://127.0.0.1:9").says("dreamwire serve");
    let serving = Serving::start(&there, ["--token", "a-long-token"]);
    via(&here, &serving.url, &[]).run().exits(2).says("asks for its token").says("DREAMWIRE_TOKEN");
    via(&here, &serving.url, &["--token", "another-token"]).run().exits(2).says("has another token");
    via(&here, &serving.url, &["--token", "a-long-token"]).run().exits(0).says("saved here/noise_00001_.png");
    let by_variable = via(&here, &serving.url, &[]).env("DREAMWIRE_TOKEN", "a-long-token").run();
    by_variable.exits(0).says("unchanged here/noise_00001_.png");
    via(&here, "https://127.0.0.1:9", &[]).run().exits(2).says("https is not supported");
    via(&here, &serving.url, &["--isolate"]).run().exits(2).says("cannot be used with");
}

/// Faults: V5.
#[test]
#[cfg(unix)]
fn a_server_that_is_started_anew_goes_on_with_the_job() {
    let (there, here) = (Folder::new(), Folder::with_graph(&noise(7)));
    let crash = c_plugin("crash");
    let mut serving = Serving::start(&there, [Path::new("--plugins"), &crash]);
    let blocks = serving.submit(&through_crash("loop"), "");
    let waits = via(&here, &serving.url, &[]).start();
    let began = Instant::now();
    while serving.get("/queue").json()["queue_pending"][0].is_null() {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", serving.talk());
        std::thread::sleep(Duration::from_millis(20));
    }
    serving.kill();
    let address = serving.url.trim_start_matches("http://");
    let serving = Serving::at(address, Cmd::new(&there), [Path::new("--plugins"), &crash]);
    let cancelled = serving.post_json(&format!("/api/jobs/{blocks}/cancel"), &json!({})).json();
    assert_eq!(cancelled["cancelled"], true);
    let output = waits.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("saved here/noise_00001_.png"), "{said}");
}
