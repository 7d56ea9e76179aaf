//! Plugins that end their process, or stop it: what is said, the exit code, and what is not lost.
#![cfg(unix)]

use dreamwire_tests::{Cmd, Folder, Outcome, Watching, c_plugin};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Noise that is saved before a step that crashes, and a branch beside it.
fn graph(how: &str) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "before": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": "before" } },
        "bad": { "class_type": "Crash", "inputs": { "image": ["noise", 0], "how": how } },
        "after": { "class_type": "SaveImage", "inputs": { "images": ["bad", 0], "filename_prefix": "after" } },
        "large": { "class_type": "Resize", "inputs": { "image": ["noise", 0], "width": 16, "height": 16 } },
        "apart": { "class_type": "SaveImage", "inputs": { "images": ["large", 0], "filename_prefix": "apart" } },
    })
}

const SAVED: [&str; 2] = ["apart_00001_.png", "before_00001_.png"];

fn run(folder: &Folder, arguments: &[&str]) -> Outcome {
    Cmd::new(folder)
        .args(["run", "graph.json", "--out", "out", "--cache", "cache", "--plugins"])
        .args([c_plugin("crash")])
        .args(arguments)
        .run()
}

/// `--isolate`: the other branch still runs, what is finished is not lost, and the next run goes on from there.
#[track_caller]
fn check_isolated(how: &str, said: &str, code: i32) {
    let folder = Folder::with_graph(&graph(how));
    let outcome = run(&folder, &["--isolate"]);
    outcome.exits(code).says("node `bad` (Crash): ").says(said).says("[graph.json:");
    assert_eq!(folder.files("out"), SAVED, "{how}");
    let again = run(&folder, &["--isolate", "--set", "bad.how=ok"]);
    again.exits(0).says("saved out/after_00001_.png").says("(2 run, ");
}

/// Faults: B8.
#[test]
fn a_segmentation_fault() {
    check_isolated("segv", "plugin `org.example.check` crashed (SIGSEGV)", 4);
}

/// Faults: B8.
#[test]
fn an_abort() {
    check_isolated("abort", "plugin `org.example.check` crashed (SIGABRT)", 4);
}

/// Faults: B8.
#[test]
fn an_exit_is_no_success() {
    check_isolated("exit0", "ended its process with exit code 0", 4);
    check_isolated("leave7", "ended its process with exit code 7", 4);
}

/// Faults: B8.
#[test]
fn a_stack_overflow() {
    check_isolated("stack", "has overflowed its stack", 4);
}

/// Faults: F5.
#[test]
fn a_kill_is_told_as_memory() {
    check_isolated("kill", "was killed (SIGKILL), perhaps because memory ran out", 8);
    check_isolated("fill", "ran out of memory", 8);
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_with_too_little_memory_asks_for_more() {
    let folder = Folder::with_graph(&graph("ok"));
    for size in ["1KiB", "1MiB", "64MiB"] {
        let outcome = run(&folder, &["--memory", size]);
        outcome.exits(8).says("hint: allow more memory").says_not("bug in dreamwire");
    }
}

/// Faults: B9.
#[test]
fn a_step_without_end_is_stopped_by_the_timeout() {
    let folder = Folder::with_graph(&graph("loop"));
    let began = Instant::now();
    let outcome = run(&folder, &["--node-timeout", "1"]);
    outcome.exits(124).says("node `bad` (Crash): plugin `org.example.check` did not end within 1 s");
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(folder.files("out"), SAVED);
}

/// In one process a crash ends the run, but says where, and what was saved before is complete.
/// Faults: B8.
#[test]
fn in_one_process_a_crash_says_which_step_it_was() {
    for (how, said) in [
        ("segv", "crashed (SIGSEGV)"),
        ("abort", "crashed (SIGABRT)"),
        ("stack", "crashed (SIGSEGV)"),
        ("exit0", "ended the process"),
    ] {
        let folder = Folder::with_graph(&graph(how));
        let outcome = run(&folder, &[]);
        outcome.exits(4).says(&format!("node `bad` (Crash): plugin `org.example.check` {said}"));
        outcome.says("hint: what was saved is complete; --isolate");
        assert!(folder.files("out").contains(&SAVED[1].to_owned()), "{how}: {:?}", folder.files("out"));
        let again = run(&folder, &["--set", "bad.how=ok"]);
        again.exits(0).says_not("running `noise`");
    }
}

/// Faults: B8.
#[test]
fn finished_steps_survive_without_a_cache_too() {
    let folder = Folder::with_graph(&graph("segv"));
    let outcome = Cmd::new(&folder)
        .args([
            "run",
            "graph.json",
            "--out",
            "out",
            "--isolate",
            "--no-cache",
            "--progress",
            "json",
            "--plugins",
        ])
        .args([c_plugin("crash")])
        .run();
    outcome.exits(4);
    let started = |node: &str| {
        let line = format!("\"started\",\"node\":\"{node}\"");
        outcome.stdout.matches(&line).count()
    };
    assert_eq!((started("noise"), started("before"), started("bad")), (1, 1, 1), "{}", outcome.stdout);
    assert_eq!(folder.files("."), ["graph.json", "out/apart_00001_.png", "out/before_00001_.png"]);
}

/// Faults: B16.
#[test]
fn what_a_plugin_prints_cannot_pass_for_an_event() {
    for isolate in [&["--isolate"][..], &[]] {
        let folder = Folder::with_graph(&graph("forge"));
        let outcome = run(&folder, &[isolate, &["--progress", "json", "-v"]].concat());
        outcome.exits(0);
        let events: Vec<Value> = outcome
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("`{line}`: {e}")))
            .collect();
        assert!(events.iter().all(|event| event.get("forged").is_none()), "{}", outcome.stdout);
        assert_eq!(events.iter().filter(|event| event["event"] == "done").count(), 1);
        if !isolate.is_empty() {
            let log = |words: &str| {
                let is_it = |event: &&Value| event["message"].as_str().is_some_and(|it| it.contains(words));
                events.iter().filter(|event| event["event"] == "log").find(is_it).is_some()
            };
            assert!(log("forged") && log("to standard error"), "{}", outcome.stdout);
        }
    }
}

/// Faults: B17.
#[test]
fn a_changed_working_folder_moves_nothing() {
    for isolate in [&["--isolate"][..], &[]] {
        let folder = Folder::with_graph(&graph("chdir"));
        run(&folder, isolate).exits(0);
        assert_eq!(folder.files("out").len(), 3, "{isolate:?}");
    }
}

/// Faults: B8.
#[test]
fn a_watch_survives_and_tries_twice() {
    let folder = Folder::with_graph(&graph("segv"));
    let plugin = c_plugin("crash");
    let watching = Watching::start(&folder, ["--plugins", plugin.to_str().expect("a path")]);
    let error = |events: &[Value]| {
        let error = events.iter().find(|event| event["event"] == "error");
        error.unwrap_or_else(|| panic!("{events:#?}"))["message"].as_str().unwrap_or_default().to_owned()
    };
    let started = |events: &[Value], node: &str| {
        events.iter().filter(|event| event["event"] == "started" && event["node"] == node).count()
    };
    let first = watching.until("waiting");
    assert!(error(&first).contains("crashed (SIGSEGV)"), "{first:#?}");
    assert_eq!(folder.files("out"), SAVED);

    // The second time is the last: a fault that repeats costs a new process each time.
    let rename = |prefix: &str| {
        let mut graph = graph("segv");
        graph["before"]["inputs"]["filename_prefix"] = prefix.into();
        folder.write("graph.json", format!("{graph:#}\n"));
        watching.until("waiting")
    };
    let second = rename("second");
    assert_eq!((started(&second, "noise"), started(&second, "bad")), (0, 1), "{second:#?}");
    assert!(!error(&second).contains("not tried again"));
    let third = rename("third");
    assert_eq!(started(&third, "bad"), 0, "{third:#?}");
    assert!(error(&third).contains("it is not tried again"), "{third:#?}");

    folder.write("graph.json", format!("{:#}\n", graph("ok")));
    let mended = watching.until("waiting");
    assert_eq!((started(&mended, "noise"), started(&mended, "bad")), (0, 1), "{mended:#?}");
    assert!(folder.files("out").contains(&"after_00001_.png".to_owned()));
}

#[test]
fn a_worker_that_is_killed_between_runs_is_replaced() {
    let folder = Folder::with_graph(&graph("ok"));
    let plugin = c_plugin("crash");
    let watching = Watching::start(&folder, ["--plugins", plugin.to_str().expect("a path")]);
    watching.until("waiting");
    let watch = watching.process();
    let parent = ["-KILL", "-P", &watch.to_string()];
    let killed = std::process::Command::new("pkill").args(parent).status().expect("pkill starts");
    assert!(killed.success());
    std::thread::sleep(Duration::from_millis(200));
    let mut edited = graph("ok");
    edited["large"]["inputs"]["width"] = 12.into();
    folder.write("graph.json", format!("{edited:#}\n"));
    let seen = watching.until("waiting");
    assert!(seen.iter().all(|event| event["event"] != "error"), "{seen:#?}");
    assert!(seen.iter().any(|event| event["event"] == "done"), "{seen:#?}");
}

/// Faults: B10, G4.
#[test]
fn a_step_that_ignores_an_edit_is_ended() {
    let folder = Folder::with_graph(&graph("loop"));
    let plugin = c_plugin("crash");
    let watching = Watching::start(&folder, ["--plugins", plugin.to_str().expect("a path")]);
    loop {
        let started = watching.until("started");
        if started.last().is_some_and(|event| event["node"] == "bad") {
            break;
        }
    }
    let began = Instant::now();
    folder.write("graph.json", format!("{:#}\n", graph("ok")));
    watching.until("done");
    assert!(began.elapsed() < Duration::from_secs(30));
    assert!(folder.files("out").contains(&"after_00001_.png".to_owned()));
}

/// Faults: B10, F1.
#[test]
fn a_signal_ends_a_step_that_does_not_stop_and_keeps_what_is_finished() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for isolate in [&["--isolate"][..], &[]] {
            let folder = Folder::with_graph(&graph("loop"));
            let mut child = Cmd::new(&folder)
                .args(["run", "graph.json", "--out", "out", "--progress", "none", "--plugins"])
                .args([c_plugin("crash")])
                .args(isolate)
                .start();
            let deadline = Instant::now() + Duration::from_secs(60);
            while !folder.files("out").contains(&SAVED[1].to_owned()) {
                assert!(Instant::now() < deadline, "nothing was saved");
                std::thread::sleep(Duration::from_millis(20));
            }
            std::thread::sleep(Duration::from_millis(300));
            let kill =
                std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
            assert!(kill.expect("kill").success());
            let began = Instant::now();
            let status = child.wait().expect("a child");
            assert_eq!(status.code(), Some(code), "SIG{signal} {isolate:?}");
            assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
            assert!(folder.files("out").contains(&SAVED[1].to_owned()));
            assert!(
                folder.files("out").iter().all(|name| name.ends_with(".png")),
                "{:?}",
                folder.files("out")
            );
        }
    }
}
