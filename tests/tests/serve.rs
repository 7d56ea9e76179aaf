//! `dreamwire serve`: jobs over HTTP, as ComfyUI's editor and its clients meet them.

use dreamwire_tests::{Cmd, Folder, Serving, c_plugin, photo};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Noise of that seed, saved.
fn noise(seed: u64) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8, "seed": seed } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": "noise" } },
    })
}

/// Noise, then a step of the fixture `Crash`, then saved.
fn through_crash(how: &str, seed: u64) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8, "seed": seed } },
        "bad": { "class_type": "Crash", "inputs": { "image": ["noise", 0], "how": how } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["bad", 0], "filename_prefix": "after" } },
    })
}

fn types(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["type"].as_str()).collect()
}

#[test]
fn a_graph_is_run_and_told_and_its_picture_is_served() {
    let folder = Folder::new();
    let serving = Serving::start(&folder, [] as [&str; 0]);
    let mut socket = serving.socket("me");
    let hello = socket.message();
    assert_eq!((&hello["type"], &hello["data"]["sid"]), (&json!("status"), &json!("me")));
    socket.send(r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#);
    assert_eq!(socket.message()["data"]["supports_preview_metadata"], true);

    let id = serving.submit(&noise(1), "me");
    let told = socket.until_end(&id);
    // How often a node reports its progress depends on its speed.
    let often = ["status", "progress_state", "progress", "binary"];
    let order: Vec<&str> = types(&told).into_iter().filter(|kind| !often.contains(kind)).collect();
    let begins = ["execution_start", "execution_cached", "executing", "executing", "executed"];
    let ends = ["execution_success", "executing"];
    assert_eq!(order, [&begins[..], &ends].concat(), "{told:#?}");
    let last = told.iter().rfind(|message| message["type"] == "progress_state").unwrap();
    let state = |node: &str| last["data"]["nodes"][node]["state"].clone();
    assert_eq!((state("noise"), state("save")), (json!("finished"), json!("finished")));
    let image = json!({ "filename": "noise_00001_.png", "subfolder": "", "type": "output" });
    let executed = told.iter().find(|message| message["type"] == "executed").unwrap();
    assert_eq!(executed["data"]["output"], json!({ "images": [image] }));

    let history = serving.ended(&id);
    assert_eq!(history["outputs"]["save"]["images"][0], image);
    assert_eq!(history["status"]["status_str"], "success");
    let picture = serving.get("/view?filename=noise_00001_.png&type=output&subfolder=&rand=0.5");
    assert_eq!((picture.status, picture.header("content-type")), (200, "image/png"));
    assert_eq!(picture.body, folder.read("out/noise_00001_.png"));

    // The second time everything is cached, and the picture is there all the same.
    let again = serving.submit(&noise(1), "me");
    let told = socket.until_end(&again);
    let cached = told.iter().find(|message| message["type"] == "execution_cached").unwrap();
    assert_eq!(cached["data"]["nodes"], json!(["save"]), "what it was made of is not even looked at");
    assert_eq!(serving.ended(&again)["outputs"]["save"]["images"][0], image);

    // Another graph does not replace the picture that the first one has made.
    let other = serving.submit(&noise(2), "me");
    socket.until_end(&other);
    assert_eq!(serving.ended(&other)["outputs"]["save"]["images"][0]["filename"], "noise_00002_.png");
    assert_eq!(folder.files("out").iter().filter(|name| name.ends_with(".png")).count(), 2);

    let jobs = serving.get("/api/jobs?limit=2&offset=0&status=completed").json();
    assert_eq!((jobs["jobs"][0]["id"].as_str(), &jobs["pagination"]["total"]), (Some(&other[..]), &json!(3)));
    assert_eq!(jobs["pagination"]["has_more"], true);
    let all = serving.get("/history").json();
    assert_eq!(all.as_object().unwrap().keys().collect::<Vec<_>>(), [&id, &again, &other]);
    assert_eq!(serving.get("/api/prompt").json(), json!({ "exec_info": { "queue_remaining": 0 } }));
}

/// Faults: H15.
#[test]
fn a_bad_value_is_told_at_its_input_and_good_outputs_run() {
    let folder = Folder::new();
    let serving = Serving::start(&folder, [] as [&str; 0]);
    let mut graph = noise(1);
    graph["noise"]["inputs"]["width"] = json!(-4);
    let answer = serving.post_json("/prompt", &json!({ "prompt": graph }));
    assert_eq!(answer.status, 400);
    let errors = &answer.json()["node_errors"]["noise"];
    assert_eq!(errors["errors"][0]["type"], "value_smaller_than_min", "{errors:#}");
    assert_eq!(errors["errors"][0]["extra_info"]["input_name"], "width");
    assert_eq!(errors["dependent_outputs"], json!(["save"]));

    graph["good"] = json!({ "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } });
    graph["kept"] =
        json!({ "class_type": "SaveImage", "inputs": { "images": ["good", 0], "filename_prefix": "kept" } });
    let answer = serving.post_json("/api/prompt", &json!({ "prompt": graph }));
    assert_eq!(answer.status, 200);
    assert!(answer.json()["node_errors"]["noise"].is_object());
    let ended = serving.ended(answer.json()["prompt_id"].as_str().unwrap());
    assert_eq!(ended["outputs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["kept"]);
}

#[test]
fn only_the_outputs_that_were_asked_for_run() {
    let folder = Folder::new();
    let serving = Serving::start(&folder, [] as [&str; 0]);
    let mut graph = noise(1);
    graph["other"] = json!({ "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": "other" } });
    let request = json!({ "prompt": graph, "partial_execution_targets": ["other"] });
    let id = serving.post_json("/prompt", &request).json()["prompt_id"].as_str().unwrap().to_owned();
    assert_eq!(serving.ended(&id)["outputs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["other"]);
}

/// Faults: B8.
#[test]
#[cfg(unix)]
fn a_crash_fails_its_job_and_the_queue_goes_on() {
    let folder = Folder::new();
    let crash = c_plugin("crash");
    let serving = Serving::start(&folder, [Path::new("--plugins"), &crash]);
    let bad = serving.submit(&through_crash("segv", 1), "");
    let good = serving.submit(&noise(3), "");
    let failed = serving.ended(&bad);
    assert_eq!(failed["status"]["status_str"], "error");
    let error = serving.get(&format!("/api/jobs/{bad}")).json()["execution_error"].clone();
    assert_eq!(error["node_id"], "bad");
    assert!(error["exception_message"].as_str().unwrap().contains("crashed (SIGSEGV)"), "{error:#}");
    assert_eq!(serving.ended(&good)["status"]["status_str"], "success");
}

/// Faults: H11, H12, H20.
#[test]
#[cfg(unix)]
fn a_job_is_interrupted_by_its_id_and_no_other_one() {
    let folder = Folder::new();
    let crash = c_plugin("crash");
    let serving = Serving::start(&folder, [Path::new("--plugins"), &crash]);
    let mut socket = serving.socket("me");
    let hangs = serving.submit(&through_crash("loop", 1), "me");
    let waits = serving.submit(&noise(4), "me");
    loop {
        let message = socket.message();
        if message["type"] == "executing" && message["data"]["node"] == "bad" {
            break;
        }
    }
    let queue = serving.get("/queue").json();
    assert_eq!(queue["queue_running"][0][1], *hangs);
    assert_eq!(queue["queue_pending"][0][1], *waits);
    assert_eq!(serving.post_json("/interrupt", &json!({ "prompt_id": waits })).status, 200);
    assert_eq!(serving.get("/queue").json()["queue_running"][0][1], *hangs, "it waits and does not run");
    // It computes all the time, and requests are answered.
    assert_eq!(serving.get("/object_info/SaveImage").status, 200);
    let none = "00000000-0000-4000-8000-000000000000";
    assert_eq!(serving.get(&format!("/api/jobs/{none}")).status, 404);
    assert_eq!(serving.get(&format!("/history/{none}")).json(), json!({}));
    assert_eq!(serving.post_json(&format!("/api/jobs/{none}/cancel"), &json!({})).json()["cancelled"], false);
    assert_eq!(serving.post("/interrupt", "", &[]).status, 200);
    assert_eq!(serving.ended(&hangs)["status"]["messages"][2][0], "execution_interrupted");
    assert_eq!(serving.ended(&waits)["status"]["status_str"], "success");
    assert_eq!(
        serving.post_json(&format!("/api/jobs/{hangs}/cancel"), &json!({})).json()["cancelled"],
        false
    );
}

/// Faults: H10.
#[test]
#[cfg(unix)]
fn h10_what_waited_when_the_server_was_killed_runs_after_it() {
    let folder = Folder::new();
    let crash = c_plugin("crash");
    let arguments = || [Path::new("--plugins").to_owned(), crash.clone()];
    let mut serving = Serving::start(&folder, arguments());
    let mut socket = serving.socket("me");
    let done = serving.submit(&noise(1), "me");
    socket.until_end(&done);
    let runs = serving.submit(&through_crash("loop", 1), "me");
    let waits: Vec<String> = (0..3).map(|seed| serving.submit(&noise(10 + seed), "me")).collect();
    socket.until("execution_start");
    serving.kill();

    let serving = Serving::start(&folder, arguments());
    // It says so before its address, on another stream.
    let said = || serving.talk().contains("4 jobs of the last server go on");
    let began = Instant::now();
    while !said() && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(said(), "{}", serving.talk());
    assert_eq!(serving.ended(&done)["status"]["status_str"], "success", "history is kept");
    assert_eq!(serving.post_json(&format!("/api/jobs/{runs}/cancel"), &json!({})).json()["cancelled"], true);
    for id in &waits {
        assert_eq!(serving.ended(id)["status"]["status_str"], "success");
    }
    assert_eq!(serving.ended(&runs)["status"]["completed"], false);
}

/// Faults: H18, H19.
#[test]
fn h19_a_second_server_on_the_same_folder_ends_with_75() {
    let folder = Folder::new();
    let serving = Serving::start(&folder, [] as [&str; 0]);
    let words = ["serve", "--listen", "127.0.0.1:0", "--in", "in", "--out", "out"];
    Cmd::new(&folder).args(words).run().exits(75).says("another server uses the output folder `out`");
    let port = serving.url.rsplit_once(':').unwrap().1;
    let listen = format!("127.0.0.1:{port}");
    let words = ["serve", "--listen", &listen, "--in", "in", "--out", "elsewhere"];
    Cmd::new(&folder).args(words).run().exits(75).says("cannot listen on");
}

#[test]
fn other_machines_need_a_token() {
    let folder = Folder::new();
    let words = ["serve", "--listen", "0.0.0.0:0", "--in", "in", "--out", "out"];
    Cmd::new(&folder).args(words).run().exits(2).says("needs a token");
}

#[test]
fn it_ends_when_nobody_asks() {
    let folder = Folder::new();
    let mut serving = Serving::start(&folder, ["--idle-timeout", "0.5"]);
    assert_eq!(serving.wait(), Some(0));
}

#[test]
#[cfg(unix)]
fn it_starts_in_the_background_and_holds_no_stream() {
    let folder = Folder::new();
    let words =
        ["serve", "--detach", "--listen", "127.0.0.1:0", "--in", "in", "--out", "out", "--idle-timeout", "1"];
    let began = Instant::now();
    // `run` reads both streams to their ends.
    let outcome = Cmd::new(&folder).args(words).run();
    outcome.exits(0);
    assert!(began.elapsed() < Duration::from_secs(30));
    let (url, process) = outcome.stdout.trim_end().split_once(' ').unwrap();
    assert!(url.starts_with("http://127.0.0.1:"));
    assert!(process.parse::<u32>().is_ok());
    let words = ["serve", "--detach", "--listen", "127.0.0.1:0", "--in", "in", "--out", "out"];
    Cmd::new(&folder).args(words).run().exits(75).says("another server uses");
}

/// Faults: H16.
#[test]
fn h16_a_graph_sees_nothing_but_its_folders() {
    let folder = Folder::new();
    let serving = Serving::start(&folder, [] as [&str; 0]);
    photo(&folder.join("secret.png"), 16, 16);
    photo(&folder.join("in/seen.png"), 16, 16);
    let graph = |image: &str| {
        json!({
            "photo": { "class_type": "LoadImage", "inputs": { "image": image } },
            "show": { "class_type": "PreviewImage", "inputs": { "images": ["photo", 0] } },
        })
    };
    let seen = serving.submit(&graph("seen.png"), "");
    let images = serving.ended(&seen)["outputs"]["show"]["images"].clone();
    assert_eq!(images[0]["type"], "temp", "{images:#}");
    let path = format!("/view?filename={}&type=temp", images[0]["filename"].as_str().unwrap());
    assert_eq!(serving.get(&path).status, 200);
    let there = folder.join("secret.png").display().to_string();
    let nowhere = folder.join("nothing.png").display().to_string();
    let mut words = Vec::new();
    for name in [&there[..], &nowhere, "../secret.png", "../nothing.png"] {
        let answer = serving.post_json("/prompt", &json!({ "prompt": graph(name) }));
        let said = match answer.status {
            200 => {
                let id = answer.json()["prompt_id"].as_str().unwrap().to_owned();
                let ended = serving.ended(&id);
                assert_eq!(ended["status"]["status_str"], "error", "{name}");
                ended["status"].to_string()
            }
            status => format!("{status} {}", answer.text()),
        };
        assert!(said.contains("is not a path below the input folder"), "{said}");
        words.push(said.contains("there is no file"));
    }
    assert_eq!(words, [false; 4], "what exists outside is not told");
}

#[test]
fn a_saved_graph_and_a_rebuilt_plugin_are_told_to_open_pages() {
    let folder = Folder::new();
    std::fs::create_dir(folder.join("graphs")).unwrap();
    folder.write("graphs/noise.json", noise(1).to_string());
    let serving = Serving::start(&folder, ["--watch", "graphs"]);
    let mut socket = serving.socket("me");
    socket.message();
    std::thread::sleep(Duration::from_millis(600));
    folder.write("graphs/noise.json", "{ // a comment\n".to_owned() + &noise(22).to_string()[1..]);
    let told = socket.until("dreamwire.graph_changed");
    let data = &told.last().unwrap()["data"];
    assert_eq!(
        (&data["name"], &data["graph"]["noise"]["inputs"]["seed"]),
        (&json!("noise.json"), &json!(22))
    );
}
