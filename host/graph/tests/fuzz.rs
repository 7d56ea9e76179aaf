//! Damaged graph files: whatever the bytes are, there is an answer, its places lie in the text, and a graph that was
//! understood can be written and read again.
//!
//! `PROPTEST_CASES=100000 cargo test -p dreamwire-graph --test fuzz` looks longer.

use dreamwire_graph::{KindInfo, Kinds, Params, Port, Source, check, parse, sort};
use proptest::prelude::*;

/// One edit of a text, at a place that is scaled to its length.
#[derive(Clone, Debug)]
enum Edit {
    Put(u8),
    Insert(&'static str),
    Remove(usize),
    Repeat(usize),
}

/// What is worth inserting: the grammar's own pieces, and what is outside of it.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "//",
    "/*",
    "null",
    "true",
    "1e999",
    "-0",
    "0.5",
    "[\"a\", 0]",
    "\"class_type\"",
    "\"inputs\"",
    "{\"__value__\": [1]}",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{202e}",
    "18446744073709551616",
];

fn edits() -> impl Strategy<Value = Vec<(f64, Edit)>> {
    let edit = prop_oneof![
        any::<u8>().prop_map(Edit::Put),
        (0..PIECES.len()).prop_map(|index| Edit::Insert(PIECES[index])),
        (1usize..40).prop_map(Edit::Remove),
        (1usize..40).prop_map(Edit::Repeat),
    ];
    prop::collection::vec((0.0..1.0f64, edit), 0..12)
}

fn apply(seed: &[u8], edits: &[(f64, Edit)]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (place, edit) in edits {
        let at = (place * bytes.len() as f64) as usize;
        let end = |count: usize| (at + count).min(bytes.len());
        match edit {
            Edit::Put(byte) if at < bytes.len() => bytes[at] = *byte,
            Edit::Put(byte) => bytes.push(*byte),
            Edit::Insert(piece) => drop(bytes.splice(at..at, piece.bytes())),
            Edit::Remove(count) => drop(bytes.drain(at..end(*count))),
            Edit::Repeat(count) => {
                let again = bytes[at..end(*count)].to_vec();
                drop(bytes.splice(at..at, again));
            }
        }
    }
    bytes
}

/// The examples and the faulty graphs of the suite.
fn seeds() -> Vec<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seeds = Vec::new();
    for folder in ["graphs", "tests/suite"] {
        let files = std::fs::read_dir(root.join(folder)).expect("the folder is there").flatten();
        let graphs =
            files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
        seeds.extend(graphs.filter_map(|path| std::fs::read(path).ok()).filter(|bytes| bytes.len() < 20_000));
    }
    seeds.sort();
    assert!(seeds.len() > 30, "{} seeds", seeds.len());
    seeds
}

/// Kinds with ports and params of every sort, by names that the examples use.
fn kinds() -> Kinds {
    let schema = r##"{"type": "object", "properties": {
        "image": {"type": "string", "format": "dw-file", "default": "a.png"},
        "layers": {"type": "string", "x-dw-list": true, "default": "relu4_3"},
        "octaves": {"type": "integer", "minimum": 1, "maximum": 16, "default": 4},
        "rate": {"type": "number", "default": 1.5},
        "bits": {"type": "string", "enum": ["8", "16"], "default": "8"},
        "color": {"type": "string", "format": "dw-color", "default": "#000"},
        "metadata": {"type": "boolean", "default": true},
        "weights": {"type": "array", "items": {"type": "number"}, "default": []}}}"##;
    let (params, doc) = Params::parse(&serde_json::from_str(schema).expect("JSON")).expect("in the subset");
    let port = |name: &str, many: bool| Port {
        name: name.to_owned(),
        types: vec!["IMAGE".to_owned()],
        optional: true,
        many,
        ..Port::default()
    };
    let mut kinds = Kinds::new();
    for id in ["LoadImage", "VGGFeatures", "GradientAscent", "SumObjective", "SaveImage", "AdaIN", "Resize"] {
        kinds.insert(KindInfo {
            id: id.to_owned(),
            version: 1,
            plugin: "org.example".to_owned(),
            file: String::new(),
            title: id.to_owned(),
            category: String::new(),
            doc: doc.clone(),
            inputs: vec![port("images", false), port("objectives", true)],
            outputs: vec![port("IMAGE", false), port("FEATURES", false)],
            params: params.clone(),
            pure_: true,
            output: id == "SaveImage",
            stateful: false,
        });
    }
    kinds
}

fn look(bytes: &[u8], kinds: &Kinds) {
    let (source, mut problems) = Source::from_bytes("g.json", bytes);
    if problems.is_empty() {
        let (mut graph, found) = parse(&source);
        problems.extend(found);
        for set in ["save.bits=16", "a.b=c", "dream.octaves=x", "=", "vgg.layers=a,b"] {
            let _ = graph.set(set, kinds);
        }
        let (checked, found) = check(&graph, kinds);
        problems.extend(found);
        if let Some(checked) = checked {
            assert!(!graph.damaged);
            for (place, &index) in checked.order.iter().enumerate() {
                let before = &checked.order[..place];
                assert!(checked.nodes[index].links().all(|link| before.contains(&link.node)), "out of order");
            }
        }
        if !graph.damaged {
            let written = graph.to_json(kinds).to_string();
            let (again, problems) = parse(&Source::new("again.json", written.clone()));
            assert!(problems.is_empty(), "{problems:?}\n{written}");
            assert_eq!(again.to_json(kinds).to_string(), written);
        }
    }
    sort(&mut problems);
    for label in problems.iter().flat_map(|problem| &problem.labels) {
        assert!(label.span.start <= label.span.end, "{label:?}");
        let shown = source.text.get(label.span.start..label.span.end);
        assert!(shown.is_some(), "{label:?} of {:?}", source.text);
        let _ = source.position(label.span.start);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_graph_has_an_answer(seed in any::<prop::sample::Index>(), edits in edits()) {
        thread_local!(static GIVEN: (Vec<Vec<u8>>, Kinds) = (seeds(), kinds()));
        GIVEN.with(|(seeds, kinds)| {
            let seed: &Vec<u8> = seed.get(seeds);
            look(&apply(seed, &edits), kinds);
        });
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        look(&bytes, &kinds());
    }
}
