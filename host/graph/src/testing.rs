//! Helpers of this crate's tests: a small set of kinds and a short way to get problems.

use serde_json::{Value, json};

use crate::diagnostic::Diagnostic;
use crate::kinds::{KindInfo, Kinds, Port};
use crate::params::Params;
use crate::source::Source;
use crate::{check, parse};

/// One problem as tests look at it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) message: String,
    pub(crate) labelled: Vec<String>,
    pub(crate) hint: String,
}

/// All problems of a text, sorted.
pub(crate) fn problems(text: &str) -> Vec<Diagnostic> {
    let (mut graph, mut problems) = parse(&Source::new("test.json", text));
    problems.extend(graph.name_widgets(&kinds()));
    problems.extend(check(&graph, &kinds()).1);
    crate::sort(&mut problems);
    problems
}

/// The codes of all problems of a text.
pub(crate) fn codes(text: &str) -> Vec<&'static str> {
    problems(text).iter().map(|problem| problem.code.as_str()).collect()
}

/// The first problem of that code.
#[track_caller]
pub(crate) fn one(text: &str, code: &str) -> Shown {
    let all = problems(text);
    let Some(problem) = all.iter().find(|problem| problem.code.as_str() == code) else {
        panic!("no {code} among {all:#?}");
    };
    let source = Source::new("test.json", text);
    Shown {
        message: problem.message.clone(),
        labelled: problem.labels.iter().map(|label| source.slice(label.span).to_owned()).collect(),
        hint: problem.hint.as_ref().map(|hint| hint.text.clone()).unwrap_or_default(),
    }
}

fn port(name: &str, types: &str) -> Port {
    let types = types.split('|').map(str::to_owned).collect();
    Port { name: name.to_owned(), types, ..Port::default() }
}

fn optional(name: &str, types: &str) -> Port {
    Port { optional: true, ..port(name, types) }
}

fn many(name: &str, types: &str) -> Port {
    Port { many: true, ..port(name, types) }
}

fn kind(id: &str, inputs: Vec<Port>, outputs: Vec<Port>, properties: Value) -> KindInfo {
    let schema = json!({ "type": "object", "properties": properties });
    let (params, doc) = Params::parse(&schema).expect("the test's schema is in the subset");
    KindInfo {
        id: id.to_owned(),
        version: 1,
        plugin: "org.dreamwire.test".to_owned(),
        file: "libdreamwire_test.so".to_owned(),
        title: id.to_owned(),
        category: "test".to_owned(),
        doc,
        inputs,
        outputs,
        params,
        pure_: true,
        output: false,
        stateful: false,
    }
}

/// A few kinds with the names of real ones.
pub(crate) fn kinds() -> Kinds {
    let mut kinds = Kinds::new();
    kinds.searched = vec!["plugins".to_owned()];
    kinds.known = vec![("StyleMix".to_owned(), "dreamwire_stylegan".to_owned())];
    kinds.elsewhere =
        vec![("Note".to_owned(), "not a step".to_owned()), ("KSampler*".to_owned(), "use `Blur`".to_owned())];
    kinds.insert(kind(
        "LoadImage",
        vec![],
        vec![port("IMAGE", "IMAGE"), port("MASK", "MASK")],
        json!({ "image": { "type": "string", "format": "dw-file" } }),
    ));
    kinds.insert(KindInfo {
        output: true,
        ..kind(
            "SaveImage",
            vec![port("images", "IMAGE")],
            vec![],
            json!({ "filename_prefix": { "type": "string", "format": "dw-output", "default": "dreamwire" } }),
        )
    });
    kinds.insert(kind(
        "GradientAscent",
        vec![
            port("image", "IMAGE|LATENT_W"),
            port("objective", "OBJECTIVE|FEATURES"),
            optional("mask", "MASK"),
        ],
        vec![port("IMAGE", "IMAGE"), optional("LATENT_W", "LATENT_W")],
        json!({
            "octaves": { "type": "integer", "minimum": 1, "maximum": 16, "default": 4 },
            "rate": { "type": "number", "default": 1.5 },
            "carry": { "type": "string", "enum": ["detail", "image"], "default": "detail" },
            "seed": { "type": "integer", "minimum": 0, "maximum": u64::MAX, "default": 0 },
        }),
    ));
    kinds.insert(kind(
        "VGGFeatures",
        vec![],
        vec![port("FEATURES", "FEATURES")],
        json!({
            "weights": { "type": "string", "format": "dw-weights", "x-dw-builtin": ["vgg16"], "default": "vgg16" },
            "layers": { "type": "string", "default": "relu4_3" },
        }),
    ));
    kinds.insert(kind(
        "AdaIN",
        vec![port("content", "IMAGE"), port("style", "IMAGE"), port("features", "FEATURES")],
        vec![port("IMAGE", "IMAGE")],
        json!({ "alpha": { "type": "number", "minimum": 0, "maximum": 1, "default": 1 } }),
    ));
    kinds.insert(kind(
        "SumObjective",
        vec![many("objectives", "OBJECTIVE|FEATURES")],
        vec![port("OBJECTIVE", "OBJECTIVE")],
        json!({ "weights": { "type": "array", "items": { "type": "number" }, "default": [] } }),
    ));
    kinds.insert(kind("Blur", vec![port("image", "IMAGE")], vec![port("IMAGE", "IMAGE")], json!({})));
    kinds.insert(kind(
        "Integer",
        vec![],
        vec![port("INT", "INT")],
        json!({ "value": { "type": "integer" } }),
    ));
    for (id, inputs, outputs) in [
        ("Float", vec![], vec![port("FLOAT", "FLOAT")]),
        ("SolidMask", vec![], vec![port("MASK", "MASK")]),
        ("MaskToImage", vec![port("mask", "MASK")], vec![port("IMAGE", "IMAGE")]),
        ("ImageToMask", vec![port("image", "IMAGE")], vec![port("MASK", "MASK")]),
        ("ImageColorToMask", vec![port("image", "IMAGE")], vec![port("MASK", "MASK")]),
        (
            "SplitImageWithAlpha",
            vec![port("image", "IMAGE")],
            vec![port("IMAGE", "IMAGE"), port("MASK", "MASK")],
        ),
        ("LatentNoise", vec![], vec![port("LATENT_Z", "LATENT_Z")]),
        (
            "MappingNetwork",
            vec![port("mapping", "MAPPING"), port("z", "LATENT_Z")],
            vec![port("LATENT_W", "LATENT_W")],
        ),
        (
            "LatentSelect",
            vec![port("latents", "LATENT_W|LATENT_Z")],
            vec![port("LATENT", "LATENT_W|LATENT_Z")],
        ),
        (
            "Synthesis",
            vec![port("generator", "GENERATOR"), port("w", "LATENT_W")],
            vec![port("IMAGE", "IMAGE")],
        ),
    ] {
        kinds.insert(kind(id, inputs, outputs, json!({})));
    }
    kinds
}
