//! The kinds of a server, from what it tells editors: enough to name the values of an editor's graph, to type those of
//! `--set`, and to know which are pictures. What a value may be otherwise, the server judges.

use dreamwire_graph::{Format, KindInfo, Kinds, Param, ParamType, Params, Port};
use serde_json::{Map, Value};

/// Integers from here on are no bounds: editors have no larger ones, whatever the kind takes.
const LARGEST: f64 = 9_007_199_254_740_991.0;

/// The kinds of `/object_info`. None if it is something else.
pub(super) fn kinds(definitions: &Value) -> Option<Kinds> {
    let mut kinds = Kinds::new();
    let definitions =
        definitions.as_object().filter(|all| all.values().all(|one| one["input"].is_object()))?;
    for (id, definition) in definitions {
        kinds.insert(kind(id, definition));
    }
    Some(kinds)
}

fn kind(id: &str, definition: &Value) -> KindInfo {
    let (mut inputs, mut list) = (Vec::new(), Vec::new());
    for group in ["required", "optional"] {
        let Some(specs) = definition["input"][group].as_object() else { continue };
        for name in names(&definition["input_order"][group], specs) {
            let Some(spec) = specs.get(name) else { continue };
            match param(name, spec) {
                Some(param) => list.push(param),
                None => inputs.push(Port {
                    name: name.to_owned(),
                    types: spec[0].as_str().unwrap_or_default().split(',').map(str::to_owned).collect(),
                    optional: group == "optional",
                    ..Port::default()
                }),
            }
        }
    }
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap_or("*").to_owned()).collect()
    };
    let types = texts(&definition["output"]);
    let titles = texts(&definition["output_name"]);
    let output = |(place, ty): (usize, String)| {
        let name = titles.get(place).cloned().unwrap_or_else(|| ty.clone());
        Port { name, types: vec![ty], ..Port::default() }
    };
    KindInfo {
        id: id.to_owned(),
        version: 0,
        plugin: String::new(),
        file: String::new(),
        title: definition["display_name"].as_str().unwrap_or_default().to_owned(),
        category: String::new(),
        doc: String::new(),
        inputs,
        outputs: types.into_iter().enumerate().map(output).collect(),
        params: Params { list, ..Params::default() },
        pure_: true,
        output: definition["output_node"] == true,
        stateful: false,
    }
}

/// The names of inputs in the order of the editor's widgets.
fn names<'d>(order: &'d Value, specs: &'d Map<String, Value>) -> Vec<&'d str> {
    match order.as_array() {
        Some(order) => order.iter().filter_map(Value::as_str).collect(),
        None => specs.keys().map(String::as_str).collect(),
    }
}

/// An input that has a widget. None if it is a socket.
fn param(name: &str, spec: &Value) -> Option<Param> {
    let options = &spec[1];
    if options["forceInput"] == true {
        return None;
    }
    let is_picture = options["image_upload"] == true;
    let (ty, choices) = match &spec[0] {
        Value::Array(choices) => (ParamType::String, Some(choices)),
        Value::String(ty) => match ty.as_str() {
            "INT" => (ParamType::Integer, None),
            "FLOAT" => (ParamType::Number, None),
            "BOOLEAN" => (ParamType::Boolean, None),
            "STRING" | "COLOR" => (ParamType::String, None),
            "COMBO" => (ParamType::String, options["options"].as_array()),
            _ => return None,
        },
        _ => return None,
    };
    // Any picture may be named, whether it is in the list or not; and some lists have numbers.
    let texts = |choices: &Vec<Value>| choices.iter().map(|one| one.as_str().map(str::to_owned)).collect();
    let choices: Option<Vec<String>> = choices.filter(|_| !is_picture).and_then(texts);
    let bound = |name: &str| options[name].as_f64().filter(|bound| bound.abs() < LARGEST);
    let is_number = matches!(ty, ParamType::Integer | ParamType::Number);
    Some(Param {
        name: name.to_owned(),
        doc: String::new(),
        ty,
        default: options.get("default").cloned(),
        minimum: bound("min").filter(|_| is_number),
        maximum: bound("max").filter(|_| is_number),
        choices: choices.unwrap_or_default(),
        format: is_picture.then_some(Format::File),
        builtin: Vec::new(),
        list: false,
        step: None,
        unit: None,
        multiline: options["multiline"] == true,
        title: None,
    })
}

#[cfg(test)]
mod tests {
    use dreamwire_graph::{Source, parse};
    use serde_json::json;

    use super::*;

    fn example() -> Kinds {
        let load = json!({
            "input": { "required": { "image": [["a.png"], { "image_upload": true }] } },
            "output": ["IMAGE", "MASK"], "output_name": ["IMAGE", "MASK"], "output_node": false,
        });
        let optional = json!({
            "mode": ["COMBO", { "options": ["soft", "hard"], "default": "soft" }],
            "rate": ["FLOAT", { "default": 1.5, "min": 0, "max": 8 }],
            "seed": ["INT", { "default": 0, "min": 0, "max": 9_007_199_254_740_991u64 }],
            "size": ["INT", { "forceInput": true }],
        });
        let dream = json!({
            "input": { "required": { "image": ["IMAGE", {}] }, "optional": optional },
            "input_order": { "required": ["image"], "optional": ["rate", "mode", "seed", "size"] },
            "output": ["IMAGE"], "output_node": true,
        });
        kinds(&json!({ "LoadImage": load, "Dream": dream })).unwrap()
    }

    #[test]
    fn widgets_are_params_in_their_order_and_the_rest_are_ports() {
        let kinds = example();
        let dream = kinds.get("Dream").unwrap();
        let names: Vec<&str> = dream.params.list.iter().map(|param| param.name.as_str()).collect();
        assert_eq!(names, ["rate", "mode", "seed"]);
        let ports: Vec<&str> = dream.inputs.iter().map(|port| port.name.as_str()).collect();
        assert_eq!((ports, dream.output), (vec!["image", "size"], true));
        assert_eq!(dream.outputs[0].name, "IMAGE");
        let load = kinds.get("LoadImage").unwrap();
        assert_eq!(load.params.list[0].format, Some(Format::File));
        assert!(load.params.list[0].choices.is_empty(), "a picture of this machine is in no list");
        assert!(super::kinds(&json!([])).is_none() && super::kinds(&json!({ "error": "no" })).is_none());
    }

    #[test]
    fn a_graph_gets_its_values_and_its_links_by_number() {
        let kinds = example();
        let text = r#"{ "a": { "class_type": "LoadImage", "inputs": { "image": "cat.png" } },
            "b": { "class_type": "Dream", "inputs": { "image": ["a", "MASK"] } } }"#;
        let (mut graph, problems) = parse(&Source::new("g.json", text));
        assert!(problems.is_empty());
        graph.set("b.rate=2", &kinds).unwrap();
        graph.set("b.seed=18446744073709551615", &kinds).unwrap();
        assert!(graph.set("b.rate=9", &kinds).unwrap_err().contains("out of range"));
        assert!(graph.set("b.mode=odd", &kinds).is_err() && graph.set("b.none=1", &kinds).is_err());
        let sent = graph.to_json(&kinds);
        assert_eq!(sent["b"]["inputs"], json!({ "image": ["a", 1], "rate": 2.0, "seed": u64::MAX }));
    }
}
