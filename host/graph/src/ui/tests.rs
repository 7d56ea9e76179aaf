//! Each rule of the editor's own form: a graph in it is the graph that its export for programs would be.

use serde_json::{Value, json};

use crate::testing::{codes, kinds, problems};
use crate::{Form, Graph, InputValue, Source, check, parse};

/// The graph of a text.
fn read(text: &str) -> Graph {
    let (mut graph, mut problems) = parse(&Source::new("g.json", text));
    problems.extend(graph.name_widgets(&kinds()));
    assert!(problems.is_empty(), "{problems:#?}");
    graph
}

#[track_caller]
fn is(ui: &Value, api: &Value) {
    let graph = read(&ui.to_string());
    assert_eq!(graph.form, Form::Editor);
    assert_eq!(format!("{:#}", graph.to_json(&kinds())), format!("{api:#}"));
}

fn photo() -> Value {
    json!({ "id": 1, "type": "LoadImage", "widgets_values": ["a.png", "image"],
        "outputs": [{ "name": "IMAGE", "type": "IMAGE" }, { "name": "MASK", "type": "MASK" }] })
}

fn blur(id: u64, link: Option<u64>) -> Value {
    json!({ "id": id, "type": "Blur", "inputs": [{ "name": "image", "type": "IMAGE", "link": link }],
        "outputs": [{ "name": "IMAGE", "type": "IMAGE", "links": [] }] })
}

fn with(mut node: Value, name: &str, value: impl Into<Value>) -> Value {
    node[name] = value.into();
    node
}

fn save(id: u64, link: u64) -> Value {
    json!({ "id": id, "type": "SaveImage", "inputs": [{ "name": "images", "type": "IMAGE", "link": link }],
        "widgets_values": ["cat"] })
}

fn api_photo() -> Value {
    json!({ "class_type": "LoadImage", "inputs": { "image": "a.png" } })
}

fn api_save(from: &str, output: u64) -> Value {
    json!({ "class_type": "SaveImage", "inputs": { "images": [from, output], "filename_prefix": "cat" } })
}

#[test]
fn nodes_links_titles_and_notes() {
    let nodes = json!([
        with(save(3, 8), "title", "Result"),
        { "id": 9, "type": "Note", "widgets_values": ["a text", { "of": "another" }] },
        { "id": 10, "type": "MarkdownNote", "widgets_values": ["text"] },
        photo(),
        blur(2, Some(7)),
    ]);
    let api = json!({
        "3": { "class_type": "SaveImage", "inputs": { "images": ["2", 0], "filename_prefix": "cat" },
            "_meta": { "title": "Result" } },
        "1": api_photo(),
        "2": { "class_type": "Blur", "inputs": { "image": ["1", 0] } },
    });
    let links = json!([[7, 1, 0, 2, 0, "IMAGE"], [8, 2, 0, 3, 0, "IMAGE"], null]);
    is(&json!({ "nodes": nodes, "links": links, "version": 0.4 }), &api);
    let links = json!([
        { "id": 7, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "IMAGE" },
        { "id": 8, "origin_id": "2", "origin_slot": 0.0, "target_id": 3, "target_slot": 0, "parentId": 5 },
    ]);
    is(&json!({ "version": 1, "nodes": nodes, "links": links, "reroutes": [{ "id": 5 }] }), &api);
}

#[test]
fn places_are_those_of_the_text() {
    let text = r#"{ "nodes": [
        { "id": 4, "type": "GradientAscent", "inputs": [{ "name": "image", "type": "IMAGE", "link": 6 }],
          "widgets_values": [99, 1.5, "detail", 0] }, { "id": 5, "type": "Nothing" }],
        "links": [[6, 77, 1, 4, 0, "IMAGE"]] }"#;
    let source = Source::new("g.json", text);
    let found: Vec<(&str, &str)> = problems(text)
        .iter()
        .map(|problem| (problem.code.as_str(), source.slice(problem.labels[0].span).to_owned()))
        .map(|(code, text)| (code, &*text.leak()))
        .collect();
    assert_eq!(
        found,
        [
            ("graph::required_input", "\"GradientAscent\""),
            ("graph::param_range", "99"),
            ("graph::unknown_kind", "\"Nothing\""),
            ("graph::missing_node", "77")
        ]
    );
}

#[test]
fn muted_nodes_are_left_out() {
    let ui = json!({
        "nodes": [photo(), with(blur(2, Some(7)), "mode", 2), save(3, 8)],
        "links": [[7, 1, 0, 2, 0, "IMAGE"], [8, 2, 0, 3, 0, "IMAGE"]],
    });
    is(
        &ui,
        &json!({ "1": api_photo(), "3": { "class_type": "SaveImage", "inputs": { "filename_prefix": "cat" } } }),
    );
    assert!(codes(&ui.to_string()).contains(&"graph::required_input"));
}

#[test]
fn bypassed_nodes_pass_the_input_of_the_same_type() {
    // The first output is no OBJECTIVE, as the input of its index, but has the type of the third.
    let both = json!({ "id": 2, "type": "GradientAscent", "mode": 4,
        "inputs": [{ "name": "objective", "type": "OBJECTIVE", "link": null },
            { "name": "mask", "type": "MASK", "link": 8 }, { "name": "image", "type": "IMAGE,LATENT_W", "link": 7 }],
        "outputs": [{ "name": "IMAGE", "type": "IMAGE" }, { "name": "MASK", "type": "MASK" }] });
    let ui = json!({
        "nodes": [photo(), both, save(3, 9), { "id": 4, "type": "MaskToImage",
            "inputs": [{ "name": "mask", "type": "MASK", "link": 10 }] }],
        "links": [[7, 1, 0, 2, 2, "IMAGE"], [8, 1, 1, 2, 1, "MASK"], [9, 2, 0, 3, 0, "IMAGE"],
            [10, 2, 1, 4, 0, "MASK"]],
    });
    let mask = json!({ "class_type": "MaskToImage", "inputs": { "mask": ["1", 1] } });
    is(&ui, &json!({ "1": api_photo(), "3": api_save("1", 0), "4": mask }));
    // Of two of one type the one of the same index.
    let two = json!({ "id": 2, "type": "AdaIN", "mode": 4,
        "inputs": [{ "name": "content", "type": "IMAGE", "link": null },
            { "name": "style", "type": "IMAGE", "link": 7 }],
        "outputs": [{ "name": "A", "type": "IMAGE" }, { "name": "B", "type": "IMAGE" }] });
    let ui = |output: u64| {
        json!({
            "nodes": [photo(), two, save(3, 9)],
            "links": [[7, 1, 0, 2, 1, "IMAGE"], [9, 2, output, 3, 0, "IMAGE"]],
        })
    };
    is(&ui(1), &json!({ "1": api_photo(), "3": api_save("1", 0) }));
    assert!(codes(&ui(0).to_string()).contains(&"graph::required_input"));
}

#[test]
fn reroutes_and_primitives() {
    let ui = json!({
        "nodes": [
            photo(),
            { "id": 2, "type": "Reroute", "inputs": [{ "name": "", "type": "*", "link": 7 }], "outputs": [{}] },
            { "id": 5, "type": "Reroute", "inputs": [{ "name": "", "type": "*", "link": 8 }] },
            save(3, 9),
            { "id": 4, "type": "PrimitiveNode", "widgets_values": [12, "randomize"],
                "outputs": [{ "name": "INT", "type": "INT", "links": [10] }] },
            { "id": 6, "type": "GradientAscent", "widgets_values": [1, 2.5, "image", 7, "fixed"],
                "inputs": [{ "name": "image", "type": "IMAGE", "link": 11 },
                    { "name": "octaves", "type": "INT", "widget": { "name": "octaves" }, "link": 10 }] },
        ],
        "links": [[7, 1, 0, 2, 0, "*"], [8, 2, 0, 5, 0, "*"], [9, 5, 0, 3, 0, "*"], [10, 4, 0, 6, 1, "INT"],
            [11, 5, 0, 6, 0, "*"]],
    });
    let dream = json!({ "class_type": "GradientAscent", "inputs": {
        "image": ["1", 0], "octaves": 12, "rate": 2.5, "carry": "image", "seed": 7 } });
    is(&ui, &json!({ "1": api_photo(), "3": api_save("1", 0), "6": dream }));
}

#[test]
fn ten_thousand_reroutes() {
    let mut nodes = vec![photo()];
    let mut links = vec![];
    for id in 2..10_002 {
        nodes.push(json!({ "id": id, "type": "Reroute", "inputs": [{ "name": "", "link": id }] }));
        links.push(json!([id, id - 1, 0, id, 0, "*"]));
    }
    // As many inputs at the end of them.
    for id in 10_002..20_002 {
        nodes.push(blur(id, Some(id)));
        links.push(json!([id, 10_001, 0, id, 0, "*"]));
    }
    let graph = read(&json!({ "nodes": nodes, "links": links }).to_string());
    assert_eq!(graph.nodes.len(), 10_001);
    assert!(graph.nodes[1..].iter().all(|node| match &node.inputs[0].value {
        InputValue::Link(link) => link.node == "1",
        _ => false,
    }));
}

/// A dream of which `values` are the widgets.
fn dream(values: Value, inputs: Value) -> Value {
    let ui = json!({ "nodes": [{ "id": 1, "type": "GradientAscent", "widgets_values": values, "inputs": inputs }] });
    read(&ui.to_string()).to_json(&kinds())["1"]["inputs"].clone()
}

#[test]
fn widgets_by_order_and_by_name() {
    let all = json!({ "octaves": 3, "rate": 2.0, "carry": "image", "seed": 5 });
    assert_eq!(dream(json!([3, 2.0, "image", 5]), json!([])), all);
    // What the editor adds.
    assert_eq!(dream(json!([3, "increment", 2.0, "image", 5, "randomize"]), json!([])), all);
    assert_eq!(dream(json!([3, 2.0, "image", 5, "fixed", null]), json!([])), all);
    // In another order, which the file tells.
    let listed = |name: &str| json!({ "name": name, "type": "X", "widget": { "name": name }, "link": null });
    let inputs: Vec<Value> = ["seed", "carry", "rate", "octaves"].map(listed).into();
    assert_eq!(
        dream(json!([5, "image", 2.0, 3]), json!(inputs)),
        json!({
        "seed": 5, "carry": "image", "rate": 2.0, "octaves": 3 })
    );
    // Old files list only those that were made to take links.
    assert_eq!(dream(json!([3, 2.0, "image", 5]), json!([listed("rate")])), all);
    let named =
        json!({ "octaves": 3, "rate": 2.0, "carry": "image", "seed": 5, "control_after_generate": "fixed" });
    assert_eq!(dream(named.clone(), json!([])), all);
    for text in [
        json!({ "id": 1, "type": "GradientAscent", "widgets_values": [9, 9], "widgets_values_named": named }),
        json!({ "id": 1, "type": "GradientAscent", "widgets_values_named": named, "widgets_values": [9, 9] }),
    ] {
        let graph = read(&json!({ "nodes": [text] }).to_string());
        assert_eq!(graph.to_json(&kinds())["1"]["inputs"], all);
    }
    assert_eq!(dream(json!(null), json!([])), json!({}));
}

#[test]
fn an_upload_is_no_param() {
    // The real kind has a param after `image`, which ComfyUI's has not.
    let mut kinds = kinds();
    let mut load = (**kinds.get("LoadImage").unwrap()).clone();
    let schema = json!({ "type": "object", "properties": {
        "image": { "type": "string", "format": "dw-file" }, "layer": { "type": "string", "default": "" } } });
    load.params = crate::Params::parse(&schema).unwrap().0;
    kinds.insert(load);
    for (values, expected) in [
        (json!(["a.png", "image"]), json!({ "image": "a.png" })),
        (json!(["a.png", "", "image"]), json!({ "image": "a.png", "layer": "" })),
        (json!(["a.png", "image", "z"]), json!({ "image": "a.png", "layer": "z" })),
        (json!(["image"]), json!({ "image": "image" })),
    ] {
        let ui = json!({ "nodes": [{ "id": 1, "type": "LoadImage", "widgets_values": values }] }).to_string();
        let (mut graph, _) = parse(&Source::new("g.json", ui));
        assert!(graph.name_widgets(&kinds).is_empty());
        assert_eq!(graph.to_json(&kinds)["1"]["inputs"], expected);
    }
}

#[test]
fn an_object_counts_only_where_it_is_a_value() {
    let bad = r#"{ "nodes": [{ "id": 1, "type": "LoadImage", "widgets_values": [{ "a": 1 }] }] }"#;
    assert!(codes(bad).contains(&"graph::object_value"));
    let muted = bad.replace("\"id\": 1", "\"id\": 1, \"mode\": 2");
    assert_eq!(codes(&muted), ["graph::no_output"]);
}

#[test]
fn lists_and_nothing_as_widgets_write_them() {
    let sum = |value: Value| {
        let ui = json!({ "nodes": [{ "id": 1, "type": "SumObjective", "widgets_values": [value] }] });
        read(&ui.to_string()).to_json(&kinds())["1"]["inputs"]["weights"]["__value__"].clone()
    };
    assert_eq!(sum(json!("[1, 2.5]")), json!([1, 2.5]));
    assert_eq!(sum(json!("1, 2.5")), json!([1, 2.5]));
    assert_eq!(sum(json!("")), json!([]));
    assert_eq!(sum(json!([3])), json!([3]));
    assert_eq!(sum(json!({ "__value__": [4] })), json!([4]));
    let ui = r#"{ "nodes": [{ "id": 1, "type": "SumObjective", "widgets_values": ["one"] }] }"#;
    assert!(codes(ui).contains(&"graph::param_type"));
}

/// Two dreams in a subgraph of a subgraph.
fn nested() -> Value {
    let inner = json!({ "id": "inner", "name": "Inner",
        "inputs": [{ "name": "picture", "type": "IMAGE" }, { "name": "rate", "type": "FLOAT" }],
        "outputs": [{ "name": "IMAGE", "type": "IMAGE" }],
        "nodes": [{ "id": 7, "type": "GradientAscent", "widgets_values": [3, 1.0, "image", 5], "inputs": [
            { "name": "image", "type": "IMAGE", "link": 1 },
            { "name": "rate", "type": "FLOAT", "widget": { "name": "rate" }, "link": 2 }] }],
        "links": [{ "id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 7, "target_slot": 0 },
            { "id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 7, "target_slot": 1 },
            { "id": 3, "origin_id": 7, "origin_slot": 0, "target_id": -20, "target_slot": 0 }] });
    let outer = json!({ "id": "outer", "name": "Outer",
        "inputs": [{ "name": "image", "type": "IMAGE" }], "outputs": [{ "name": "IMAGE", "type": "IMAGE" }],
        "nodes": [
            { "id": 5, "type": "inner", "widgets_values": [4.5], "inputs": [
                { "name": "picture", "type": "IMAGE", "link": 1 },
                { "name": "rate", "type": "FLOAT", "widget": { "name": "rate" }, "link": null }] },
            { "id": 6, "type": "inner", "inputs": [{ "name": "picture", "type": "IMAGE", "link": 2 }] }],
        "links": [{ "id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 5, "target_slot": 0 },
            { "id": 2, "origin_id": 5, "origin_slot": 0, "target_id": 6, "target_slot": 0 },
            { "id": 3, "origin_id": 6, "origin_slot": 0, "target_id": -20, "target_slot": 0 }] });
    json!({
        "nodes": [photo(), { "id": 12, "type": "outer", "inputs": [{ "name": "image", "type": "IMAGE", "link": 1 }] },
            save(3, 2)],
        "links": [[1, 1, 0, 12, 0, "IMAGE"], [2, 12, 0, 3, 0, "IMAGE"]],
        "definitions": { "subgraphs": [outer, inner] },
    })
}

#[test]
fn subgraphs_are_taken_apart() {
    let dream = |from: &str, rate: f64, first: bool| {
        // A value from outside goes before those of the node itself.
        let inputs = match first {
            true => json!({ "image": [from, 0], "rate": rate, "octaves": 3, "carry": "image", "seed": 5 }),
            false => json!({ "image": [from, 0], "octaves": 3, "rate": rate, "carry": "image", "seed": 5 }),
        };
        json!({ "class_type": "GradientAscent", "inputs": inputs })
    };
    let api = json!({
        "1": api_photo(),
        "12:5:7": dream("1", 4.5, true),
        "12:6:7": dream("12:5:7", 1.0, false),
        "3": api_save("12:6:7", 0),
    });
    is(&nested(), &api);
    // One definition inside of the other, where it is used.
    let mut ui = nested();
    let inner = ui["definitions"]["subgraphs"].as_array_mut().unwrap().pop().unwrap();
    ui["definitions"]["subgraphs"][0]["definitions"] = json!({ "subgraphs": [inner] });
    is(&ui, &api);
}

#[test]
fn a_subgraph_may_show_widgets_of_its_nodes() {
    let mut ui = nested();
    let outer = &mut ui["definitions"]["subgraphs"][0];
    outer["nodes"][1]["properties"] =
        json!({ "proxyWidgets": [["7", "seed"], ["-1", "rate"], ["7", "carry"]] });
    outer["nodes"][1]["widgets_values"] = json!([99, 6.5, null]);
    let inputs = read(&ui.to_string()).to_json(&kinds())["12:6:7"]["inputs"].clone();
    assert_eq!(
        inputs,
        json!({ "image": ["12:5:7", 0], "seed": 99, "rate": 6.5, "octaves": 3, "carry": "image" })
    );
}

#[test]
fn muted_and_bypassed_subgraphs() {
    let mut ui = nested();
    ui["nodes"][1]["mode"] = json!(4);
    ui["nodes"][1]["outputs"] = json!([{ "name": "IMAGE", "type": "IMAGE" }]);
    is(&ui, &json!({ "1": api_photo(), "3": api_save("1", 0) }));
    ui["nodes"][1]["mode"] = json!(2);
    assert!(codes(&ui.to_string()).contains(&"graph::required_input"));
}

/// Subgraphs of which each has the next one in it so many times.
fn tower(levels: usize, each: usize) -> String {
    let name = |level: usize| format!("level{level}");
    let subgraphs: Vec<Value> = (0..levels)
        .map(|level| {
            let kind = if level + 1 == levels { "Blur".to_owned() } else { name(level + 1) };
            let nodes: Vec<Value> = (0..each).map(|id| json!({ "id": id, "type": kind })).collect();
            json!({ "id": name(level), "name": name(level), "nodes": nodes })
        })
        .collect();
    json!({ "nodes": [{ "id": 0, "type": name(0) }], "definitions": { "subgraphs": subgraphs } }).to_string()
}

/// Faults: A23.
#[test]
fn subgraphs_of_subgraphs_are_limited() {
    let found = |text: &str| {
        let (graph, problems) = parse(&Source::new("g.json", text));
        (graph.nodes.len(), problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>())
    };
    assert_eq!(found(&tower(10, 2)), (1024, vec![]));
    assert_eq!(found(&tower(super::MAX_NESTING, 1)), (1, vec![]));
    let deep = format!("subgraphs nested deeper than {}", super::MAX_NESTING);
    assert_eq!(found(&tower(10_000, 1)), (0, vec![deep]));
    let large = "with its subgraphs, the graph has more than 100000 nodes or 16 MiB".to_owned();
    assert_eq!(found(&tower(40, 2)), (0, vec![large.clone()]));
    // Few nodes with long texts.
    let long = tower(10, 4).replace("\"Blur\"", &format!("\"Blur\",\"title\":\"{}\"", "x".repeat(10_000)));
    assert_eq!(found(&long), (0, vec![large]));
}

#[test]
fn to_the_editors_own_form_and_back() {
    let text = r#"{
        "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" }, "_meta": { "title": "Cat" } },
        "7": { "class_type": "GradientAscent", "inputs": { "image": ["photo", "IMAGE"], "octaves": ["n", 0],
            "objective": ["sum", 0], "mask": ["photo", 1], "seed": 18446744073709551615 } },
        "n": { "class_type": "Integer", "inputs": { "value": 3 } },
        "sum": { "class_type": "SumObjective", "inputs": {
            "objectives.5": ["vgg", 0], "objectives.0": ["vgg", 0], "weights": { "__value__": [1, 2] } } },
        "vgg": { "class_type": "VGGFeatures" },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["7", 0] } } }"#;
    let graph = read(text);
    let ui = graph.to_ui(&kinds());
    assert_eq!(ui["version"], json!(0.4));
    let dream = &ui["nodes"][1];
    assert_eq!((&dream["id"], &ui["nodes"][0]["id"]), (&json!(7), &json!("photo")));
    assert_eq!(dream["widgets_values"], json!([4, 1.5, "detail", u64::MAX]));
    assert_eq!(
        dream["inputs"][3],
        json!({ "name": "octaves", "type": "INT", "link": 4, "widget": { "name": "octaves" } })
    );
    assert_eq!(dream["inputs"][0]["type"], "IMAGE,LATENT_W");
    let sum = &ui["nodes"][3];
    assert_eq!(sum["inputs"].as_array().map(Vec::len), Some(super::MANY_SLOTS + 1), "and a widget");
    assert_eq!(sum["widgets_values"], json!(["[1.0,2.0]"]));
    assert_eq!(ui["nodes"][4]["outputs"][0]["links"], json!([5, 6]));
    assert_eq!(ui["nodes"][0]["title"], "Cat");

    let again = read(&ui.to_string());
    let meaning = |graph: &Graph| {
        let (checked, problems) = check(graph, &kinds());
        assert!(problems.is_empty(), "{problems:?}");
        let nodes = checked.unwrap().nodes.into_iter();
        nodes
            .map(|node| {
                (node.id, node.kind.id.clone(), node.title, node.params, node.ports, node.linked_params)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(meaning(&again), meaning(&graph));
    assert_eq!(again.to_ui(&kinds()), ui, "once more, it is the same");
}
