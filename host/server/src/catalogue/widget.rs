//! Params as the editor's widgets, ports as its sockets: a *spec* is `[type, options]`.

use dreamwire_graph::{AUTO, Format, Param, ParamType, Port, port_type};
use serde_json::{Map, Value, json};

use super::definition::one_line;
use super::listing::Listing;

/// The largest integer that JavaScript has exactly.
const EXACT: i64 = 9_007_199_254_740_991;

/// What a widget rounds numbers to: far below any step, so that no value of a graph changes.
const ROUND: f64 = 1e-6;

/// Integers that the editor would change after each run, so that nothing is cached, unless it is told not to.
const SEEDS: [&str; 2] = ["seed", "noise_seed"];

/// So many files of weights at most are named in a tooltip.
const NAMED: usize = 12;

/// A port as a socket.
pub(crate) fn port_spec(port: &Port) -> Value {
    json!([port_type(port), { "tooltip": one_line(&port.doc) }])
}

/// A param as a widget.
pub(crate) fn spec(param: &Param, files: &Listing) -> Value {
    let nullable = param.default == Some(Value::Null);
    let (ty, mut options) = match &param.ty {
        ParamType::Integer if !nullable => ("INT", integer(param)),
        ParamType::Number if !nullable => ("FLOAT", number(param)),
        ParamType::Boolean if !nullable => ("BOOLEAN", with_default(param.default.clone())),
        // Their widgets have no state for "not given".
        ParamType::Boolean => ("COMBO", combo(&[AUTO, "true", "false"], Some(json!(AUTO)))),
        ParamType::Integer | ParamType::Number => ("STRING", text(Some(json!("")), false)),
        ParamType::Array(_) => ("STRING", text(Some(list(param)), param.multiline)),
        ParamType::String if !param.choices.is_empty() => {
            ("COMBO", combo(&param.choices, param.default.clone()))
        }
        ParamType::String => match param.format {
            Some(Format::File) if param.name == "image" => ("COMBO", pictures(param, files)),
            Some(Format::Color) => ("COLOR", with_default(param.default.clone())),
            _ => ("STRING", text(Some(words(param)), param.multiline)),
        },
    };
    options.insert("tooltip".to_owned(), json!(tooltip(param, files)));
    if let Some(title) = &param.title {
        options.insert("display_name".to_owned(), json!(title));
    }
    json!([ty, options])
}

fn with_default(default: Option<Value>) -> Map<String, Value> {
    default.map(|default| ("default".to_owned(), default)).into_iter().collect()
}

/// A widget has a range of its own where none is given: 0 to 2048.
fn integer(param: &Param) -> Map<String, Value> {
    let bound =
        |bound: Option<f64>, other: i64| bound.map_or(other, |bound| (bound as i64).clamp(-EXACT, EXACT));
    let min = bound(param.minimum, -EXACT);
    let max = bound(param.maximum, EXACT).max(min);
    let default = param.default.as_ref().and_then(Value::as_i64).unwrap_or_else(|| 0.clamp(min, max));
    let mut options = with_default(Some(json!(default.clamp(min, max))));
    options.insert("min".to_owned(), json!(min));
    options.insert("max".to_owned(), json!(max));
    options.insert("step".to_owned(), json!(param.step.map_or(1, |step| (step as i64).max(1))));
    if SEEDS.contains(&param.name.as_str()) {
        options.insert("control_after_generate".to_owned(), json!(false));
    }
    if param.name == "color" && (min, max) == (0, 0xff_ffff) {
        options.insert("display".to_owned(), json!("color"));
    }
    options
}

fn number(param: &Param) -> Map<String, Value> {
    let min = param.minimum.unwrap_or(-(EXACT as f64));
    let max = param.maximum.unwrap_or(EXACT as f64).max(min);
    let default = param.default.as_ref().and_then(Value::as_f64).unwrap_or_else(|| 0.0_f64.clamp(min, max));
    // A widget shows as many digits as its step has.
    let step = param.step.unwrap_or(if max - min <= 2.0 { 0.01 } else { 0.1 });
    let digits = (1..6).find(|digits| is_multiple(default, 0.1_f64.powi(*digits))).unwrap_or(6);
    let step = if is_multiple(default, step.min(1.0)) { step } else { 0.1_f64.powi(digits) };
    let options = [("default", default), ("min", min), ("max", max), ("step", step), ("round", ROUND)];
    options.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

fn is_multiple(value: f64, step: f64) -> bool {
    let steps = value / step;
    (steps - steps.round()).abs() < 1e-6 * steps.abs().max(1.0)
}

fn text(default: Option<Value>, multiline: bool) -> Map<String, Value> {
    let mut options = with_default(default);
    options.insert("multiline".to_owned(), json!(multiline));
    options
}

/// The default of a text; an empty one is `null` where that may be given.
fn words(param: &Param) -> Value {
    param.default.clone().filter(|default| !default.is_null()).unwrap_or_else(|| json!(""))
}

/// The default of a list, as text.
fn list(param: &Param) -> Value {
    let default = param.default.as_ref().filter(|default| !default.is_null());
    json!(default.map(Value::to_string).unwrap_or_default())
}

fn combo<T: AsRef<str>>(choices: &[T], default: Option<Value>) -> Map<String, Value> {
    let mut options = with_default(default.filter(|default| !default.is_null()));
    options.insert("options".to_owned(), choices.iter().map(|choice| json!(choice.as_ref())).collect());
    options
}

/// Pictures to choose from; the check of a graph takes any file, whether it is in the list or not.
fn pictures(param: &Param, files: &Listing) -> Map<String, Value> {
    let mut options = combo(&files.pictures, param.default.clone());
    options.insert("image_upload".to_owned(), json!(true));
    options
}

fn tooltip(param: &Param, files: &Listing) -> String {
    let mut text = one_line(&param.doc);
    let mut say = |sentence: String| {
        let before = if text.is_empty() { "" } else { " " };
        text += &format!("{before}{sentence}");
    };
    if let Some(unit) = param.unit.as_ref().filter(|unit| !says_unit(&param.doc, unit)) {
        say(format!("In {unit}."));
    }
    if !param.builtin.iter().all(String::is_empty) {
        let names: Vec<&str> =
            param.builtin.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        say(format!("Built in: {}.", names.join(", ")));
    }
    // A text and no list to choose from: a name may have any end, and any file may be typed.
    if param.format == Some(Format::Weights) && !files.weights.is_empty() {
        let more = if files.weights.len() > NAMED { ", ..." } else { "" };
        let names: Vec<&str> = files.weights.iter().take(NAMED).map(String::as_str).collect();
        say(format!("In the input folder: {}{more}.", names.join(", ")));
    }
    if let ParamType::Array(item) = &param.ty {
        let example = if **item == ParamType::String { r#"["a", "b"] or a, b"# } else { "[1, 2] or 1, 2" };
        say(format!("A list: {example}."));
    }
    if param.default == Some(Value::Null) {
        let none = if param.ty == ParamType::Boolean { AUTO } else { "Empty" };
        say(format!("{none}: not given."));
    }
    text
}

/// Whether a text names a unit already, by its sign or in words.
fn says_unit(doc: &str, unit: &str) -> bool {
    let words: &[&str] = match unit {
        "px" => &["pixel"],
        "%" => &["%", "percent"],
        // One that is no part of other words.
        _ if unit.len() > 2 => &[unit],
        _ => &[],
    };
    let doc = doc.to_lowercase();
    let is_sign = |part: &str| part.trim_matches(['.', ',', ';', ':', '(', ')']) == unit;
    doc.split_whitespace().any(is_sign) || words.iter().any(|word| doc.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_graph::Params;

    fn of(name: &str, property: Value) -> Value {
        let schema = json!({ "type": "object", "properties": { name: property } });
        let files = Listing {
            pictures: vec!["cat.png".to_owned(), "sub/dog.jpg".to_owned()],
            weights: vec!["net.pth".to_owned()],
        };
        spec(&Params::parse(&schema).unwrap().0.list[0], &files)
    }

    #[test]
    fn integers_stay_within_what_javascript_has() {
        let seed = of("seed", json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX, "default": 7 }));
        let options = json!({ "default": 7, "min": 0, "max": EXACT, "step": 1, "control_after_generate": false, "tooltip": "" });
        assert_eq!(seed, json!(["INT", options]));
        let value = of("value", json!({ "type": "integer", "minimum": i64::MIN, "default": 0 }));
        assert_eq!((&value[1]["min"], &value[1]["max"]), (&json!(-EXACT), &json!(EXACT)));
        assert!(value[1].get("control_after_generate").is_none());
        let color =
            of("color", json!({ "type": "integer", "minimum": 0, "maximum": 16_777_215, "default": 0 }));
        assert_eq!(color[1]["display"], "color");
    }

    #[test]
    fn numbers_always_have_a_range_and_show_their_default() {
        let alpha = of(
            "alpha",
            json!({ "type": "number", "minimum": 0, "maximum": 1, "default": 1, "title": "Strength" }),
        );
        assert_eq!(
            alpha,
            json!(["FLOAT", { "default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01, "round": ROUND, "tooltip": "",
                "display_name": "Strength" }])
        );
        let open = of("x", json!({ "type": "number", "default": 0.125, "x-dw-step": 0.1 }));
        assert_eq!(open[1]["min"], json!(-9_007_199_254_740_991.0));
        assert!((open[1]["step"].as_f64().unwrap() - 0.001).abs() < 1e-12, "{open}");
        let large = of("x", json!({ "type": "number", "default": 100, "x-dw-step": 5 }));
        assert_eq!(large[1]["step"], json!(5.0));
    }

    #[test]
    fn what_may_be_missing_has_a_state_for_that() {
        let clamp =
            of("clamp", json!({ "type": ["number", "null"], "minimum": 0, "description": "The limit." }));
        let tooltip = "The limit. Empty: not given.";
        assert_eq!(clamp, json!(["STRING", { "default": "", "multiline": false, "tooltip": tooltip }]));
        let lossless = of("lossless", json!({ "type": ["boolean", "null"] }));
        assert_eq!(lossless[0], "COMBO");
        assert_eq!(lossless[1]["options"], json!(["auto", "true", "false"]));
        assert_eq!(lossless[1]["default"], "auto");
        assert_eq!(lossless[1]["tooltip"], "auto: not given.");
        let text = of("text", json!({ "type": ["string", "null"], "x-dw-multiline": true }));
        assert_eq!((&text[1]["default"], &text[1]["multiline"]), (&json!(""), &json!(true)));
    }

    #[test]
    fn lists_are_text() {
        let labels =
            of("labels", json!({ "type": "array", "items": { "type": "string" }, "default": ["a", "b"] }));
        assert_eq!((&labels[0], &labels[1]["default"]), (&json!("STRING"), &json!(r#"["a","b"]"#)));
        assert_eq!(labels[1]["tooltip"], r#"A list: ["a", "b"] or a, b."#);
    }

    #[test]
    fn files_are_chosen_or_typed() {
        let image = of("image", json!({ "type": "string", "format": "dw-file" }));
        assert_eq!(
            image,
            json!(["COMBO", { "options": ["cat.png", "sub/dog.jpg"], "image_upload": true, "tooltip": "" }])
        );
        let weights = of(
            "weights",
            json!({ "type": "string", "format": "dw-weights", "x-dw-builtin": ["vgg16", "random:*"], "default": "vgg16" }),
        );
        let tooltip = "Built in: vgg16, random:*. In the input folder: net.pth.";
        assert_eq!(
            weights,
            json!(["STRING", { "default": "vgg16", "multiline": false, "tooltip": tooltip }])
        );
        let color = of("tint", json!({ "type": "string", "format": "dw-color", "default": "#00ff00" }));
        assert_eq!((&color[0], &color[1]["default"]), (&json!("COLOR"), &json!("#00ff00")));
    }

    #[test]
    fn a_unit_is_said_once() {
        let tooltip = |doc: &str, unit: &str| {
            let spec =
                of("x", json!({ "type": "integer", "default": 0, "description": doc, "x-dw-unit": unit }));
            spec[1]["tooltip"].as_str().unwrap().to_owned()
        };
        assert_eq!(tooltip("Width in pixels.", "px"), "Width in pixels.");
        assert_eq!(tooltip("How much, in percent.", "%"), "How much, in percent.");
        assert_eq!(tooltip("Counter-clockwise, in degrees.", "degrees"), "Counter-clockwise, in degrees.");
        assert_eq!(tooltip("Up to 3 px, or 5.", "px"), "Up to 3 px, or 5.");
        assert_eq!(tooltip("The width.", "px"), "The width. In px.");
        assert_eq!(tooltip("How long it takes.", "s"), "How long it takes. In s.");
    }

    #[test]
    fn choices_are_a_combo() {
        let carry =
            of("carry", json!({ "enum": ["detail", "image"], "default": "image", "x-dw-unit": "px" }));
        assert_eq!(
            carry,
            json!(["COMBO", { "default": "image", "options": ["detail", "image"], "tooltip": "In px." }])
        );
    }
}
