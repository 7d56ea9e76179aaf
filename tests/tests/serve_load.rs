//! The server under load and kills, and how fast it answers: figures, minutes. `just serve-load`
#![cfg(target_os = "linux")]

use dreamwire_tests::{Cmd, Folder, Serving, built, repository};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

const JOBS: usize = 1000;
/// Sockets, and those of them that never read.
const SOCKETS: usize = 50;
const DEAF: usize = 10;
const KILLS_OF_WORKERS: usize = 10;
const KILLS_OF_SERVER: usize = 2;

fn noise(seed: usize) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8, "seed": seed } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": format!("p{seed:04}") } },
    })
}

/// Shows a line even if tests are not asked to show theirs.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A server of the program in `DREAMWIRE_BINARY`, or of the one that was built.
fn start(folder: &Folder) -> Serving {
    let program = std::env::var_os("DREAMWIRE_BINARY").map(|path| repository().join(path));
    let program = program.unwrap_or_else(|| built().binary.clone());
    Serving::of(Cmd::of(&program, folder.path()), [] as [&str; 0])
}

fn median(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

/// Resident memory of a process in KiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Kills the workers of a server.
fn kill_workers(server: u32) -> bool {
    let children =
        std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
    let mut killed = false;
    for task in std::fs::read_dir(format!("/proc/{server}/task")).into_iter().flatten().flatten() {
        let more = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().chain(more.split_whitespace()) {
            killed |=
                std::process::Command::new("kill").args(["-9", child]).status().is_ok_and(|it| it.success());
        }
    }
    killed
}

fn left(serving: &Serving) -> u64 {
    serving.get("/prompt").json()["exec_info"]["queue_remaining"].as_u64().expect("a number")
}

#[test]
#[ignore = "minutes; `just serve-load`"]
fn a_thousand_jobs_fifty_sockets_and_kills() {
    let folder = Folder::new();
    let mut serving = start(&folder);
    let mut times = Vec::new();
    let ids: Vec<String> = (0..JOBS)
        .map(|seed| {
            let began = Instant::now();
            let id = serving.submit(&noise(seed), &format!("s{}", seed % SOCKETS));
            times.push(began.elapsed());
            id
        })
        .collect();
    let (middle, late) = median(&mut times);
    say(&format!("POST /prompt, {JOBS} jobs beside those that run: median {middle:?}, p95 {late:?}"));

    let mut memory = Vec::new();
    for round in 0..=KILLS_OF_SERVER {
        if round > 0 {
            serving.kill();
            serving = start(&folder);
        }
        let mut sockets: Vec<_> = (0..SOCKETS).map(|n| serving.socket(&format!("s{n}"))).collect();
        let _deaf = sockets.split_off(SOCKETS - DEAF);
        let readers: Vec<_> = sockets
            .into_iter()
            .map(|mut socket| std::thread::spawn(move || while !socket.is_closed() {}))
            .collect();
        let goal = left(&serving).saturating_sub(if round == KILLS_OF_SERVER { JOBS as u64 } else { 250 });
        let mut kills = 0;
        while left(&serving) > goal {
            std::thread::sleep(Duration::from_millis(300));
            memory.push(resident(serving.process()));
            if kills < KILLS_OF_WORKERS.div_ceil(KILLS_OF_SERVER + 1) && kill_workers(serving.process()) {
                kills += 1;
            }
        }
        if round == KILLS_OF_SERVER {
            say(&format!(
                "resident memory of the server in KiB: {} to {}",
                memory.iter().min().unwrap(),
                memory.iter().max().unwrap()
            ));
            check(&serving, &folder, &ids);
            let mut times = Vec::new();
            for seed in 0..200 {
                let began = Instant::now();
                let picture = serving.get(&format!("/view?filename=p{seed:04}_00001_.png&type=output"));
                times.push(began.elapsed());
                assert_eq!(picture.status, 200);
            }
            let (middle, late) = median(&mut times);
            say(&format!("GET /view: median {middle:?}, p95 {late:?}"));
        }
        serving.kill();
        readers.into_iter().for_each(|reader| reader.join().expect("a reader ends"));
    }
}

/// Every job has ended once, and every picture is there.
fn check(serving: &Serving, folder: &Folder, ids: &[String]) {
    let history = serving.get("/history").json();
    let history = history.as_object().expect("an object");
    assert_eq!(history.len(), ids.len());
    let mut states: HashMap<&str, usize> = HashMap::new();
    for (seed, id) in ids.iter().enumerate() {
        let entry = &history[id];
        *states.entry(entry["status"]["status_str"].as_str().expect("a state")).or_default() += 1;
        let ends = entry["status"]["messages"].as_array().expect("messages");
        let ends = ends.iter().filter(|message| {
            message[0].as_str().is_some_and(|kind| kind != "execution_start" && kind != "execution_cached")
        });
        assert_eq!(ends.count(), 1, "{entry:#}");
        assert_eq!(
            entry["outputs"]["save"]["images"][0]["filename"],
            format!("p{seed:04}_00001_.png"),
            "{entry:#}"
        );
    }
    say(&format!("ends: {states:?}"));
    assert_eq!(states.get("success"), Some(&ids.len()));
    let pictures = folder.files("out").iter().filter(|name| name.ends_with(".png")).count();
    assert_eq!(pictures, ids.len());
}

#[test]
#[ignore = "figures of the release build; `just serve-load`"]
fn how_fast_it_starts_and_answers() {
    let folder = Folder::new();
    drop(start(&folder));
    let mut starts: Vec<Duration> = (0..9)
        .map(|_| {
            let began = Instant::now();
            let serving = start(&folder);
            assert_eq!(serving.get("/prompt").status, 200);
            began.elapsed()
        })
        .collect();
    let (middle, late) = median(&mut starts);
    say(&format!("from the start to the first answer: median {middle:?}, p95 {late:?}"));

    let serving = start(&folder);
    let mut graph = json!({ "n0": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } } });
    for n in 1..99 {
        let inputs = json!({ "image": [format!("n{}", n - 1), 0], "exposure": 0.01 });
        graph[format!("n{n}")] = json!({ "class_type": "Adjust", "inputs": inputs });
    }
    graph["save"] =
        json!({ "class_type": "SaveImage", "inputs": { "images": ["n98", 0], "filename_prefix": "x" } });
    let id = serving.submit(&graph, "");
    assert_eq!(serving.ended(&id)["status"]["status_str"], "success");
    let mut times: Vec<Duration> = (0..101)
        .map(|_| {
            let began = Instant::now();
            let id = serving.submit(&graph, "");
            let answered = began.elapsed();
            serving.ended(&id);
            answered
        })
        .collect();
    let (middle, late) = median(&mut times);
    say(&format!("POST /prompt of a cached graph of 100 nodes: median {middle:?}, p95 {late:?}"));
}
