//! Batches in pieces: the same files as without, and each as soon as it is made.

use dreamwire_tests::{Cmd, Folder};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Runs a graph; gives its events, and the names and bytes of its files in order.
#[track_caller]
fn run(graph: &Value) -> (Vec<Value>, Vec<(String, Vec<u8>)>) {
    let folder = Folder::with_graph(graph);
    let outcome = Cmd::new(&folder)
        .args(["run", "graph.json", "--out", "out", "--progress", "json", "--cache", "cache"])
        .run();
    outcome.exits(0);
    let events = outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let file = |name: &String| (name.clone(), folder.read(&format!("out/{name}")));
    (events, folder.files("out").iter().map(file).collect())
}

/// The rows that a node was run for, in order: `first` and `count`.
fn rows(events: &[Value], node: &str) -> Vec<(u64, u64)> {
    let own = |event: &&Value| event["event"] == "rows" && event["node"] == node;
    let number = |event: &Value, name: &str| event[name].as_u64().expect("a number");
    events.iter().filter(own).map(|event| (number(event, "first"), number(event, "count"))).collect()
}

/// Faces of these seeds, saved without the graph, so that files can be compared.
fn faces(seeds: &str) -> Value {
    json!({
        "net": { "class_type": "LoadStyleGAN", "inputs": {} },
        "z": { "class_type": "LatentNoise", "inputs": { "seeds": seeds, "mapping": ["net", "MAPPING"] } },
        "w": { "class_type": "MappingNetwork", "inputs": { "mapping": ["net", "MAPPING"], "z": ["z", 0] } },
        "faces": { "class_type": "Synthesis", "inputs": { "generator": ["net", "GENERATOR"], "w": ["w", 0] } },
        "save": { "class_type": "SaveImage", "inputs": {
            "images": ["faces", 0], "filename_prefix": "n%batch_num%", "metadata": false } },
    })
}

#[test]
fn the_files_of_a_batch_are_those_of_its_seeds() {
    let (events, files) = run(&faces("3-7"));
    let each: Vec<(u64, u64)> = (0..5).map(|first| (first, 1)).collect();
    assert_eq!((rows(&events, "faces"), rows(&events, "save")), (each.clone(), each));
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [0, 1, 2, 3, 4].map(|n| format!("n{n}_00001_.png")));
    for (index, seed) in (3..8).enumerate() {
        let (events, alone) = run(&faces(&seed.to_string()));
        assert!(rows(&events, "faces").is_empty(), "one row is the whole");
        assert!(alone[0].1 == files[index].1, "seed {seed} differs on its own");
    }
    // A file is written before the next face is begun.
    let first = events.iter().position(|event| event["event"] == "published");
    let second = |event: &Value| event["event"] == "rows" && event["node"] == "faces" && event["first"] == 1;
    assert!(first.is_some() && first < events.iter().position(second), "{events:?}");
}

/// The pictures of the output folder; a killed process may leave temporary files beside them.
fn pictures(folder: &Folder) -> Vec<String> {
    folder.files("out").into_iter().filter(|name| name.ends_with(".png")).collect()
}

#[test]
fn after_a_kill_only_the_missing_pictures_are_made() {
    const FACES: usize = 40;
    let graph = faces("0-39");
    let (_, expected) = run(&graph);
    let folder = Folder::with_graph(&graph);
    let command = |progress: &str| {
        Cmd::new(&folder).args([
            "run",
            "graph.json",
            "--out",
            "out",
            "--cache",
            "cache",
            "--progress",
            progress,
        ])
    };
    let mut killed = command("none").start();
    let began = Instant::now();
    while pictures(&folder).len() < 3 && began.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(2));
    }
    killed.kill().expect("it can be killed, or has ended");
    killed.wait().expect("it has ended");
    let kept = pictures(&folder).len();
    assert!(kept >= 3, "{kept} pictures");

    let outcome = command("json").run();
    outcome.exits(0);
    let events: Vec<Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(rows(&events, "faces").len() <= FACES - kept, "{kept} were there: {events:?}");
    let found = pictures(&folder);
    let file = |name: String| (name.clone(), folder.read(&format!("out/{name}")));
    assert!(found.into_iter().map(file).collect::<Vec<_>>() == expected, "the files differ");
    assert_eq!(expected.len(), FACES);
}

#[test]
fn what_comes_from_the_cache_is_counted() {
    let folder = Folder::with_graph(&faces("0-2"));
    let run = |arguments: &[&str]| {
        let command = ["run", "graph.json", "--out", "out", "--cache", "cache", "--explain"];
        Cmd::new(&folder).args(command).args(arguments).run()
    };
    run(&[]).exits(0).says("`faces` runs: no earlier run of this graph had it").says_not("pictures");
    run(&["--set", "z.seeds=0-4"])
        .exits(0)
        .says("`faces` runs: input `w` comes from `w`, which has changed; 3 of 5 pictures in the cache")
        .says(" cached; 5 pictures: 3 from the cache)");
    let ended = run(&["--set", "z.seeds=0-5", "--progress", "json"]);
    let last = ended.exits(0).stdout.lines().last().expect("events");
    let last: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!((&last["event"], &last["pictures"], &last["cached"]), (&json!("done"), &json!(6), &json!(5)));
}

/// Faces, and what is made of them; where `whole`, each step gets all rows at once, because it takes them from
/// a node that is not split.
fn chain(whole: bool) -> Value {
    let steps = [
        ("dream", "GradientAscent", json!({ "objective": ["vgg", 0], "octaves": 2, "steps": 2, "seed": 3 })),
        (
            "adam",
            "GradientAscent",
            json!({ "objective": ["vgg", 0], "octaves": 1, "steps": 2,
            "normalise": "adam", "blur": 0.5 }),
        ),
        ("resized", "Resize", json!({ "width": 90 })),
        ("scaled", "ImageScale", json!({ "width": 80, "height": 70 })),
        ("blurred", "Blur", json!({ "sigma": 1.5 })),
        ("sharp", "Sharpen", json!({})),
        ("soft", "ImageBlur", json!({ "blur_radius": 1, "sigma": 0.7 })),
        ("crisp", "ImageSharpen", json!({})),
        ("adjusted", "Adjust", json!({ "saturation": 1.3, "auto_contrast": true })),
        ("negative", "ImageInvert", json!({})),
    ];
    let Value::Object(mut graph) = faces("1-3") else { panic!("an object") };
    graph.insert("vgg".to_owned(), json!({ "class_type": "VGGFeatures", "inputs": { "layers": "relu2_2" } }));
    let mut last = "faces".to_owned();
    let take = |graph: &mut Map<String, Value>, from: &str| match whole {
        false => from.to_owned(),
        true => {
            let name = format!("all of {from}");
            let all =
                json!({ "class_type": "ImageFromBatch", "inputs": { "image": [from, 0], "length": 3 } });
            graph.insert(name.clone(), all);
            name
        }
    };
    for (name, kind, mut inputs) in steps {
        inputs["image"] = json!([take(&mut graph, &last), 0]);
        graph.insert(name.to_owned(), json!({ "class_type": kind, "inputs": inputs }));
        last = name.to_owned();
    }
    graph["save"]["inputs"]["images"] = json!([take(&mut graph, &last), 0]);
    Value::Object(graph)
}

#[test]
fn the_files_of_a_chain_are_those_of_whole_steps() {
    let (split, files) = run(&chain(false));
    let (at_once, expected) = run(&chain(true));
    for node in ["dream", "adam", "resized", "adjusted", "negative", "save"] {
        assert_eq!(rows(&split, node), [(0, 1), (1, 1), (2, 1)], "{node}");
        assert!(rows(&at_once, node).is_empty(), "{node}");
    }
    assert_eq!(files.len(), 3);
    assert!(files[0].1 != files[1].1 && files[1].1 != files[2].1, "three pictures");
    assert!(files == expected, "the files differ");
}

#[test]
fn an_objective_for_each_picture_gets_the_whole_batch() {
    let Value::Object(mut graph) = faces("1-2") else { panic!("an object") };
    graph.insert(
        "anchor".to_owned(),
        json!({ "class_type": "AnchorObjective", "inputs": { "image": ["faces", 0] } }),
    );
    graph.insert(
        "other".to_owned(),
        json!({ "class_type": "ImageInvert", "inputs": { "image": ["faces", 0] } }),
    );
    let dream = json!({ "class_type": "GradientAscent", "inputs": {
        "image": ["other", 0], "objective": ["anchor", 0], "octaves": 1, "steps": 2 } });
    graph.insert("dream".to_owned(), dream);
    graph["save"]["inputs"]["images"] = json!(["dream", 0]);
    let (events, files) = run(&Value::Object(graph));
    assert_eq!((rows(&events, "other").len(), rows(&events, "dream").len(), files.len()), (2, 0, 2));
}
