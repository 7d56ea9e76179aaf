use super::*;
use dreamwire_graph::{KindInfo, Params, Port, Source, check, parse};

/// A picture of a file, something with a rate and a seed, and a file.
pub(super) fn kinds() -> Kinds {
    let mut kinds = Kinds::new();
    let mut add = |id: &str, inputs: &[&str], output: bool, properties: serde_json::Value| {
        let schema = serde_json::json!({ "type": "object", "properties": properties });
        let (params, doc) = Params::parse(&schema).unwrap();
        let port = |name: &str| Port { name: name.into(), types: vec!["IMAGE".into()], ..Port::default() };
        kinds.insert(KindInfo {
            id: id.into(),
            version: 1,
            plugin: "test".into(),
            file: String::new(),
            title: String::new(),
            category: String::new(),
            doc,
            inputs: inputs.iter().map(|name| port(name)).collect(),
            outputs: if output { Vec::new() } else { vec![port("IMAGE")] },
            params,
            pure_: true,
            output,
            stateful: false,
        });
    };
    add("Load", &[], false, serde_json::json!({ "image": { "type": "string", "format": "dw-file" } }));
    add(
        "Dream",
        &["image"],
        false,
        serde_json::json!({
        "rate": { "type": "number", "default": 1.0, "minimum": 0, "maximum": 10 },
        "seed": { "type": "integer", "default": 0 } }),
    );
    add(
        "Save",
        &["images"],
        true,
        serde_json::json!({
        "filename_prefix": { "type": "string", "default": "out", "format": "dw-output" } }),
    );
    kinds
}

const GRAPH: &str = r#"{
    "photo": { "class_type": "Load", "inputs": { "image": "in/####.png" } },
    "dream": { "class_type": "Dream", "inputs": { "image": ["photo", 0] } },
    "save": { "class_type": "Save", "inputs": { "images": ["dream", 0] } } }"#;

fn graph(text: &str) -> Graph {
    let (graph, problems) = parse(&Source::new("g.json", text));
    assert!(problems.is_empty(), "{problems:?}");
    let (_, problems) = check(&graph, &kinds());
    assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:?}");
    graph
}

fn rows_of(text: &str, options: &RowOptions) -> Result<Rows, Refused> {
    Rows::of(options, &graph(text), &kinds(), &[PathBuf::from(".")])
}

fn message(refused: Refused) -> String {
    match refused {
        Refused::Usage(what) => what,
        Refused::Problem(problem) => problem.message,
    }
}

fn sweep(values: &str) -> RowOptions {
    RowOptions { sweep: vec![format!("dream.rate={values}")], ..RowOptions::default() }
}

/// The names of the outputs of all rows.
fn names(text: &str, options: &RowOptions) -> Vec<String> {
    let (graph, kinds) = (graph(text), kinds());
    let rows = Rows::of(options, &graph, &kinds, &[PathBuf::from(".")]).unwrap();
    let name = |row: Row| {
        let graph = rows.graph(&graph, &row, &kinds).unwrap();
        let save = graph.nodes.iter().find(|node| node.id == "save").unwrap();
        match &save.input("filename_prefix").unwrap().value {
            InputValue::Literal(value) => value.as_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    rows.iter().map(name).collect()
}

fn plain() -> String {
    GRAPH.replace("in/####.png", "in.png")
}

#[test]
fn axes_multiply_or_go_in_pairs() {
    let options = RowOptions { seeds: Some("0-2".into()), ..sweep("1,2") };
    let rows = rows_of(&plain(), &options).unwrap();
    let labels: Vec<String> = rows.iter().map(|row| row.label).collect();
    assert_eq!(labels.len(), 6);
    assert_eq!(labels[..4], ["rate=1, seed=0", "rate=1, seed=1", "rate=1, seed=2", "rate=2, seed=0"]);
    let zipped = RowOptions { zip: true, seeds: Some("0-1".into()), ..sweep("1,2") };
    let rows = rows_of(&plain(), &zipped).unwrap();
    assert_eq!(rows.iter().map(|row| row.label).collect::<Vec<_>>(), ["rate=1, seed=0", "rate=2, seed=1"]);
    let uneven = RowOptions { zip: true, ..options };
    assert_eq!(
        message(rows_of(&plain(), &uneven).unwrap_err()),
        "--zip: `--sweep dream.rate=1,2` has 2 rows, but `--seeds 0-2` has 3"
    );
}

#[test]
fn outputs_get_names_that_tell_rows_apart() {
    assert_eq!(names(&plain(), &sweep("1,2")), ["out_01", "out_02"]);
    let named = plain().replace(r#""images""#, r#""filename_prefix": "a/{dream.rate}", "images""#);
    assert_eq!(names(&named, &sweep("1,2.5")), ["a/1", "a/2.5"]);
    let mentioned = plain().replace(r#""images""#, r#""filename_prefix": "r%dream.rate%", "images""#);
    assert_eq!(names(&mentioned, &sweep("1,2")), ["r%dream.rate%"; 2]);
    let frames = RowOptions { frames: Some("9-10".into()), ..RowOptions::default() };
    assert_eq!(names(&plain(), &frames), ["out_0009", "out_0010"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("b")).unwrap();
    for name in ["1.png", "b/2.png"] {
        std::fs::write(folder.path().join(name), "x").unwrap();
    }
    let each = RowOptions {
        each: vec![format!("photo.image={}", folder.path().display())],
        ..RowOptions::default()
    };
    assert_eq!(names(&plain(), &each), ["out/1", "out/b/2"]);
}

#[test]
fn rows_of_one_name_are_refused() {
    let same = plain().replace(r#""images""#, r#""filename_prefix": "{seed}", "images""#);
    let options = RowOptions { seeds: Some("5-6".into()), ..sweep("1,2") };
    let refused = message(rows_of(&same, &options).unwrap_err());
    assert_eq!(refused, "rows 1 and 3 of node `save` have the same name: `5`");
}

#[test]
fn wrong_settings_are_found_before_anything_runs() {
    for (options, words) in [
        (sweep("1,99"), "--sweep: `dream.rate`: `rate` is 99"),
        (
            RowOptions { sweep: vec!["dram.rate=1".into()], ..RowOptions::default() },
            "there is no node `dram`",
        ),
        (RowOptions { frames: Some("9-1".into()), ..RowOptions::default() }, "--frames: `9-1`"),
        (RowOptions { frames: Some("9223372036854775808".into()), ..RowOptions::default() }, "--frames: "),
        (RowOptions { rows: Some("3".into()), ..sweep("1,2") }, "there are rows 1 to 2"),
        (
            RowOptions { each: vec!["photo.image=/no/such".into()], ..RowOptions::default() },
            "there is no `/no/such`",
        ),
    ] {
        let refused = message(rows_of(&plain(), &options).unwrap_err());
        assert!(refused.contains(words), "{refused}");
    }
}

/// Faults: F8.
#[test]
fn shards_are_all_rows_and_no_row_twice() {
    for (count, parts) in [(10, 3), (3, 5), (1, 1), (7, 7)] {
        let values: Vec<String> = (0..count).map(|value| value.to_string()).collect();
        let mut all = Vec::new();
        for part in 1..=parts {
            let options = RowOptions { shard: Some((part, parts)), ..sweep(&values.join(",")) };
            all.extend(rows_of(&plain(), &options).unwrap().iter().map(|row| row.number));
        }
        assert_eq!(all, (1..=count.min(10)).collect::<Vec<_>>(), "{count} in {parts}");
    }
}

/// Faults: D12.
#[test]
fn missing_frames_are_listed_left_out_or_held() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    for frame in [2, 4] {
        std::fs::write(folder.path().join(format!("in/{frame:04}.png")), "x").unwrap();
    }
    let of = |missing| {
        let options = RowOptions { frames: Some("1-5".into()), missing, ..RowOptions::default() };
        Rows::of(&options, &graph(GRAPH), &kinds(), &[folder.path().to_owned()])
    };
    assert_eq!(
        message(of(Missing::Error).unwrap_err()),
        "3 files are missing: `in/0001.png`, `in/0003.png`, `in/0005.png`"
    );
    let skipped = of(Missing::Skip).unwrap();
    assert_eq!(skipped.left_out(), [1, 3, 5]);
    assert_eq!(skipped.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 4]);
    let held = of(Missing::Hold).unwrap();
    let image = |row: Row| {
        let graph = held.graph(&graph(GRAPH), &row, &kinds()).unwrap();
        match &graph.nodes[0].input("image").unwrap().value {
            InputValue::Literal(value) => value.as_str().unwrap()[3..7].parse::<u32>().unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(held.iter().map(image).collect::<Vec<_>>(), [2, 2, 2, 4, 4]);
    std::fs::remove_dir_all(folder.path().join("in")).unwrap();
    assert_eq!(message(of(Missing::Hold).unwrap_err()), "no file matches `in/####.png`");
}

/// Faults: F7.
#[test]
fn parts_of_a_sequence_need_the_rows_before() {
    let text = plain().replace(
        r#""image": ["photo", 0]"#,
        r#""image": {"__previous__": ["dream", 0], "first": ["photo", 0]}"#,
    );
    let of = |rows: &str, preroll| {
        let options = RowOptions {
            frames: Some("1-9".into()),
            rows: Some(rows.into()),
            preroll,
            ..RowOptions::default()
        };
        let rows = rows_of(&text, &options)?;
        Ok(rows.selected.clone())
    };
    assert_eq!(of("1-3", None).unwrap(), [(1, false), (2, false), (3, false)]);
    let refused: Refused = of("4-5", None).unwrap_err();
    let Refused::Problem(problem) = refused else { panic!("{refused:?}") };
    assert_eq!(problem.class, Class::Graph);
    assert_eq!(of("4-5", Some(2)).unwrap(), [(2, true), (3, true), (4, false), (5, false)]);
    assert_eq!(of("2,5", Some(3)).unwrap(), [(1, true), (2, false), (3, true), (4, true), (5, false)]);
}
