//! Devices: which there are, which one a run takes, and what happens without. The GPU is a plugin's invention, so that
//! this is seen on machines without one.

use dreamwire_tests::{Cmd, Folder, Outcome, c_plugin, c_plugin_with};
use image::Rgb;
use serde_json::{Value, json};
use std::path::Path;

/// A picture that is white if its plugin was called with a GPU, and black on the CPU. With `objective`, it asks one of a
/// plugin of the CPU.
fn graph(objective: bool) -> Value {
    let mut graph = json!({
        "where": { "class_type": "Where", "inputs": {} },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["where", 0], "filename_prefix": "it" } },
    });
    if objective {
        graph["tv"] = json!({ "class_type": "TotalVariation", "inputs": {} });
        graph["where"]["inputs"]["objective"] = json!(["tv", 0]);
    }
    graph
}

fn run(folder: &Folder, plugin: &Path, arguments: &[&str]) -> Outcome {
    Cmd::new(folder).args(["run", "graph.json", "--plugins"]).args([plugin]).args(arguments).run()
}

/// The picture's colour after a run, which ends well.
fn colour(plugin: &Path, objective: bool, arguments: &[&str]) -> (u8, Outcome) {
    let folder = Folder::with_graph(&graph(objective));
    let outcome = run(&folder, plugin, arguments);
    outcome.exits(0);
    let picture = image::open(folder.join("out/it_00001_.png")).expect("a picture").to_rgb8();
    let Rgb([first, ..]) = *picture.get_pixel(0, 0);
    (first, outcome)
}

#[test]
fn auto_takes_a_device_that_works_and_says_so() {
    let (white, outcome) = colour(&c_plugin("check_devices"), false, &[]);
    assert_eq!(white, 255);
    outcome.says("computing on cuda:0 (Test GPU, 6.0 GiB free; on the CPU: `org.dreamwire.image`)");
    let (white, outcome) = colour(&c_plugin_with("check_devices", "METAL"), false, &["--isolate"]);
    assert_eq!(white, 255);
    outcome.says("computing on metal (Test GPU, 6.0 GiB free");
    let (black, outcome) = colour(&c_plugin("check_devices"), false, &["--device", "cpu"]);
    assert_eq!(black, 0);
    outcome.says_not("computing on");
}

#[test]
fn auto_takes_the_cpu_with_a_word_if_the_device_does_not_work() {
    let (black, outcome) = colour(&c_plugin_with("check_devices", "BROKEN"), false, &[]);
    assert_eq!(black, 0);
    outcome.says("computing on the CPU: there is no driver for the test GPU");
    let (black, outcome) = colour(&c_plugin_with("check_devices", "FULL"), false, &["--progress", "json"]);
    assert_eq!(black, 0);
    let events = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let device = events.into_iter().find(|event| event["event"] == "device").expect("an event");
    assert_eq!(device["device"], "cpu");
    assert!(device["words"].as_str().is_some_and(|words| words.contains("is used up")), "{device}");
}

/// A function is called with the device of its own node, and so is its tape.
#[test]
fn a_function_computes_where_its_plugin_can() {
    let (white, _) = colour(&c_plugin("check_devices"), true, &[]);
    assert_eq!(white, 255);
}

/// Faults: C11.
#[test]
fn a_device_that_does_not_work_is_refused_with_the_reason() {
    // Of other plugins, which were not built for it, there is nothing in the graph.
    let folder = Folder::with_graph(&json!({ "where": { "class_type": "Where", "inputs": {} } }));
    for (fault, code, says) in [
        ("BROKEN", 4, "plugin org.example.check: there is no driver for the test GPU"),
        ("FULL", 8, "the memory of the test GPU is used up: 1 MiB of 8 GiB are free"),
    ] {
        for more in [&[][..], &["--isolate"]] {
            let arguments = [&["--device", "cuda"][..], more].concat();
            let outcome = run(&folder, &c_plugin_with("check_devices", fault), &arguments);
            outcome.exits(code).says(says).says("(--device)");
        }
    }
}

/// A cached result of one class of devices is not taken for another's.
#[test]
fn each_class_of_devices_has_its_own_results() {
    let folder = Folder::with_graph(&graph(false));
    let plugin = c_plugin("check_devices");
    let cached = |device: &str| {
        let outcome = run(&folder, &plugin, &["--cache", "cache", "--device", device, "--explain"]);
        outcome.exits(0);
        !outcome.stderr.contains("running `where`")
    };
    assert_eq!([cached("cpu"), cached("auto"), cached("cpu"), cached("auto")], [false, false, true, true]);
}

fn devices(plugins: &[&Path]) -> Vec<Value> {
    let folder = Folder::new();
    let mut command = Cmd::new(&folder).args(["devices", "--json"]);
    for plugin in plugins {
        command = command.args(["--plugins".as_ref(), plugin.as_os_str()]);
    }
    let outcome = command.run();
    outcome.exits(0);
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

#[test]
fn devices_are_listed_with_who_can_use_them_and_why_others_are_not_there() {
    let found = devices(&[&c_plugin("check_devices")]);
    let names: Vec<&str> = found.iter().filter_map(|device| device["device"].as_str()).collect();
    assert_eq!(names, ["cpu", "cuda:0", "metal"]);
    let [cpu, cuda, metal] = &found[..] else { panic!("{found:?}") };
    let all = cpu["plugins"].as_array().expect("a list");
    assert!(
        all.contains(&json!("org.dreamwire.vgg")) && all.contains(&json!("org.example.check")),
        "{all:?}"
    );
    assert_eq!((&cuda["name"], &cuda["plugins"]), (&json!("Test GPU"), &json!(["org.example.check"])));
    assert_eq!((&cuda["total_bytes"], &cuda["free_bytes"]), (&json!(8u64 << 30), &json!(6u64 << 30)));
    assert_eq!(metal["works"], false);

    let broken = devices(&[&c_plugin_with("check_devices", "BROKEN")]);
    assert_eq!((&broken[1]["works"], &broken[1]["class"]), (&json!(false), &json!("cuda")));
    assert_eq!(broken[1]["why"], "there is no driver for the test GPU");

    let table = Cmd::new(&Folder::new()).args(["devices"]).run();
    table.exits(0);
    for part in ["device", "cpu", "org.dreamwire.dream", "no cuda: no plugin was built for CUDA: cargo build"]
    {
        assert!(table.stdout.contains(part), "`{part}` in\n{}", table.stdout);
    }
}

#[test]
fn doctor_tells_the_devices() {
    let run = |command: Cmd| command.run().exits(0).stdout.clone();
    let doctor = |plugin: &Path| run(Cmd::new(&Folder::new()).args(["doctor", "--plugins"]).args([plugin]));
    let none = run(Cmd::new(&Folder::new()).args(["doctor"]));
    assert!(none.contains("cpu; the plugins were built for neither CUDA nor Metal"), "{none}");
    let gpu = doctor(&c_plugin("check_devices"));
    assert!(gpu.contains("; cuda:0 (Test GPU)"), "{gpu}");
    let broken = doctor(&c_plugin_with("check_devices", "BROKEN"));
    assert!(broken.contains("not cuda: there is no driver for the test GPU"), "{broken}");
}

/// The index knows what a plugin was built for, so that a run without a GPU opens no plugin to ask.
#[test]
fn a_list_of_plugins_says_what_each_was_built_for() {
    let folder = Folder::new();
    for _ in 0..2 {
        let list = Cmd::new(&folder)
            .args(["plugin", "list", "--json", "--cache", "cache", "--plugins"])
            .args([c_plugin("check_devices")])
            .run();
        let list: Vec<Value> = serde_json::from_str(&list.exits(0).stdout).expect("JSON");
        let of = |id: &str| list.iter().find(|plugin| plugin["id"] == id).map(|plugin| &plugin["devices"]);
        assert_eq!(of("org.example.check"), Some(&json!(["cpu", "cuda"])));
        assert_eq!(of("org.dreamwire.image"), Some(&json!(["cpu"])));
    }
}
