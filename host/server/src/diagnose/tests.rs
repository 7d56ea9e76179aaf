use dreamwire_graph::{Class, Code, Hint, Setting, Source, check, parse};

use super::*;
use crate::catalogue::tests::kinds;

fn judged(prompt: &Value, targets: Option<&[&str]>) -> Verdict {
    let (graph, mut problems) = parse(&Source::new("prompt", prompt.to_string()));
    let (checked, found) = check(&graph, &kinds());
    problems.extend(found);
    let targets: Option<Vec<String>> = targets.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
    diagnose(&graph, checked.as_ref(), &problems, &kinds(), targets.as_deref())
}

fn node(kind: &str, inputs: Value) -> Value {
    json!({ "class_type": kind, "inputs": inputs })
}

/// The one error of node `n`, which a SaveImage needs.
#[track_caller]
fn only(kind: &str, inputs: Value) -> Value {
    let verdict = judged(
        &json!({
            "p": node("LoadImage", json!({ "image": "a.png" })),
            "v": node("VGGFeatures", json!({})),
            "n": node(kind, inputs),
            "save": node("SaveImage", json!({ "images": ["n", 0] })),
        }),
        None,
    );
    let found = &verdict.node_errors["n"];
    assert_eq!(
        (&found["class_type"], &found["dependent_outputs"]),
        (&json!(kind), &json!(["save"])),
        "{verdict:?}"
    );
    assert_eq!(verdict.error.as_ref().unwrap()["type"], "prompt_outputs_failed_validation");
    assert_eq!((verdict.good.len(), verdict.bad.as_slice()), (0, &["save".to_owned()][..]));
    let errors = found["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].clone()
}

fn dream(name: &str, value: Value) -> Value {
    let mut inputs = json!({ "image": ["p", 0], "objective": ["v", 0] });
    inputs[name] = value;
    inputs
}

#[test]
fn each_problem_has_its_type_and_marks_its_input() {
    for (name, value, ty) in [
        ("octaves", json!(99), "value_bigger_than_max"),
        ("octaves", json!(0), "value_smaller_than_min"),
        ("octaves", json!("four"), "invalid_input_type"),
        ("octaves", json!([1, 2, 3]), "invalid_input_type"),
        ("octaves", json!({ "x": 1 }), "invalid_input_type"),
        ("carry", json!("detial"), "value_not_in_list"),
        ("image", json!([1, 2, 3]), "bad_linked_input"),
        ("image", json!("cat.png"), "bad_linked_input"),
        ("image", json!(["p", 7]), "bad_linked_input"),
        ("image", json!(["nobody", 0]), "bad_linked_input"),
        ("image", json!(["p", -1]), "bad_linked_input"),
        ("mask", json!(["p", 0]), "return_type_mismatch"),
    ] {
        let error = only("GradientAscent", dream(name, value.clone()));
        assert_eq!(
            (&error["type"], &error["extra_info"]["input_name"]),
            (&json!(ty), &json!(name)),
            "{error}"
        );
        let is_unread = value.is_object() || value == json!(["p", -1]);
        let received = if is_unread { Value::Null } else { value };
        assert_eq!(error["extra_info"]["received_value"], received, "{error}");
        assert!(error["message"].is_string() && error["details"].is_string(), "{error}");
    }
}

#[test]
fn an_error_says_what_the_input_takes() {
    let error = only("GradientAscent", dream("octaves", json!(99)));
    let config = &error["extra_info"]["input_config"];
    assert_eq!((&config[0], &config[1]["min"], &config[1]["max"]), (&json!("INT"), &json!(1), &json!(16)));
    assert_eq!(error["details"], "allowed: 1 to 16");
    let error = only("GradientAscent", dream("carry", json!("detial")));
    assert_eq!(error["message"], "`carry` has no choice `detial`");
    assert_eq!(error["details"], "did you mean `detail`\nchoices: `detail`, `image`");
    assert_eq!(error["extra_info"]["input_config"][1]["options"], json!(["detail", "image"]));
    let error = only("GradientAscent", dream("mask", json!(["p", 0])));
    let info = &error["extra_info"];
    assert_eq!((&info["received_type"], &info["linked_node"]), (&json!("IMAGE"), &json!(["p", 0])));
    assert_eq!(info["input_config"][0], "MASK");
}

#[test]
fn a_missing_input_is_named_as_its_socket() {
    let error = only("Blur", json!({}));
    assert_eq!(error["type"], "required_input_missing");
    assert_eq!(error["extra_info"], json!({ "code": "graph::required_input", "input_name": "image" }));
    let verdict = judged(
        &json!({
            "p": node("LoadImage", json!({ "image": "a.png" })),
            "sum": node("SumObjective", json!({})),
            "dream": node("GradientAscent", json!({ "image": ["p", 0], "objective": ["sum", 0] })),
            "save": node("SaveImage", json!({ "images": ["dream", 0] })),
        }),
        None,
    );
    assert_eq!(verdict.node_errors["sum"]["errors"][0]["extra_info"]["input_name"], "objectives.0");
    assert_eq!(verdict.node_errors.len(), 1);
}

#[test]
fn a_node_of_unknown_kind_refuses_the_prompt() {
    let mut prompt = json!({
        "p": node("LoadImag", json!({ "image": "a.png" })),
        "save": node("SaveImage", json!({ "images": ["p", 0] })),
    });
    prompt["p"]["_meta"] = json!({ "title": "Cat" });
    let verdict = judged(&prompt, None);
    let error = verdict.error.unwrap();
    assert_eq!(error["type"], "missing_node_type");
    assert_eq!(error["details"], "did you mean `LoadImage`");
    assert_eq!(error["extra_info"], json!({ "node_id": "p", "class_type": "LoadImag", "node_title": "Cat" }));
    assert!(verdict.node_errors.is_empty() && verdict.good.is_empty());
    let verdict = judged(&json!({ "a": { "inputs": {} } }), None);
    assert_eq!(verdict.error.unwrap()["type"], "missing_node_type");
}

#[test]
fn good_outputs_run_although_others_are_bad() {
    let prompt = json!({
        "p": node("LoadImage", json!({ "image": "a.png" })),
        "one": node("Blur", json!({ "image": ["two", 0] })),
        "two": node("Blur", json!({ "image": ["one", 0] })),
        "round": node("SaveImage", json!({ "images": ["two", 0] })),
        "bare": node("SaveImage", json!({})),
        "good": node("SaveImage", json!({ "images": ["p", 0] })),
        "unused": node("Blur", json!({})),
    });
    let verdict = judged(&prompt, None);
    assert!(verdict.error.is_none(), "{verdict:?}");
    assert_eq!(
        (verdict.good.as_slice(), verdict.bad.as_slice()),
        (&["good".to_owned()][..], &["round".to_owned(), "bare".to_owned()][..])
    );
    assert_eq!(verdict.node_errors.keys().collect::<Vec<_>>(), ["one", "bare"]);
    let cycle = &verdict.node_errors["one"]["errors"][0];
    assert_eq!(cycle["type"], "dependency_cycle");
    assert_eq!(
        cycle["extra_info"],
        json!({ "code": "graph::cycle", "node_id": "one", "cycle_nodes": ["one", "two"] })
    );
    assert_eq!(verdict.node_errors["bare"]["dependent_outputs"], json!(["bare"]));

    let map = prompt.as_object().unwrap();
    assert_eq!(needed(map, &verdict.good).keys().collect::<Vec<_>>(), ["p", "good"]);
    assert_eq!(needed(map, &["round".to_owned()]).keys().collect::<Vec<_>>(), ["one", "two", "round"]);
}

#[test]
fn only_what_was_asked_for_is_judged() {
    let prompt = json!({
        "p": node("LoadImage", json!({ "image": "a.png" })),
        "good": node("SaveImage", json!({ "images": ["p", 0] })),
        "bad": node("SaveImage", json!({})),
    });
    let verdict = judged(&prompt, Some(&["good"]));
    assert!(
        verdict.good == ["good"] && verdict.bad.is_empty() && verdict.node_errors.is_empty(),
        "{verdict:?}"
    );
    let verdict = judged(&prompt, Some(&["bad"]));
    assert!(verdict.good.is_empty() && verdict.bad == ["bad"], "{verdict:?}");
    assert_eq!(verdict.error.unwrap()["type"], "prompt_outputs_failed_validation");
    for targets in [&["p"][..], &["nobody"], &[]] {
        assert_eq!(judged(&prompt, Some(targets)).error.unwrap()["type"], "prompt_no_outputs", "{targets:?}");
    }
    let verdict = judged(&json!({ "p": node("LoadImage", json!({ "image": "a.png" })) }), None);
    let error = verdict.error.unwrap();
    assert_eq!(error["type"], "prompt_no_outputs");
    assert!(error["details"].as_str().unwrap().contains("`SaveImage`"), "{error}");
    assert_eq!(judged(&json!({}), None).error.unwrap()["type"], "prompt_no_outputs");
}

/// Problems that name a folder, as a run finds them.
#[test]
fn no_error_names_a_folder() {
    let prompt = json!({
        "p": node("LoadImage", json!({ "image": "a.png" })),
        "save": node("SaveImage", json!({ "images": ["p", 0] })),
    });
    let (graph, _) = parse(&Source::new("prompt", prompt.to_string()));
    let (checked, _) = check(&graph, &kinds());
    let code = Code::new("world::file");
    for hint in [
        Hint::from("did you mean `b.png`\nlooked for `/home/someone/in/a.png`"),
        Hint::with("add the folder of the file, `/home/someone`, as an input folder", Setting::InputFolder),
    ] {
        let problem =
            Diagnostic::error(code, Class::Input, "there is no file `a.png`").hint(hint).about("p", "image");
        let verdict = diagnose(&graph, checked.as_ref(), &[problem], &kinds(), None);
        assert!(verdict.good.is_empty());
        let error = &verdict.node_errors["p"]["errors"][0];
        assert_eq!(error["type"], "custom_validation_failed");
        assert_eq!(error["message"], "Invalid image file: there is no file `a.png`");
        let text = json!({ "error": verdict.error, "node_errors": verdict.node_errors }).to_string();
        assert!(!text.contains("/home/"), "{text}");
    }
    let unknown = judged(&json!({ "a": node("Nothing", json!({})) }), None);
    assert!(!unknown.error.unwrap().to_string().contains("/home/"));
}

#[test]
fn a_chain_of_ten_thousand_nodes() {
    let mut prompt = Map::new();
    prompt.insert("n0".to_owned(), node("LoadImage", json!({})));
    for index in 1..10_000 {
        prompt.insert(format!("n{index}"), node("Blur", json!({ "image": [format!("n{}", index - 1), 0] })));
    }
    prompt.insert("save".to_owned(), node("SaveImage", json!({ "images": ["n9999", 0] })));
    let verdict = judged(&Value::Object(prompt.clone()), None);
    assert_eq!(verdict.node_errors["n0"]["dependent_outputs"], json!(["save"]));
    assert_eq!(needed(&prompt, &["save".to_owned()]).len(), 10_001);
}

/// Time grows with the size of a prompt, not with its square.
#[test]
fn many_faults_of_many_nodes() {
    let mut prompt = Map::new();
    for index in 0..5000 {
        let link = json!({ "images": [format!("b{index}"), 0], "filename_prefix": [1, 2, 3] });
        prompt.insert(format!("s{index}"), node("SaveImage", link));
        prompt.insert(format!("b{index}"), node("Blur", json!({ "image": ["nobody", 0] })));
    }
    let start = std::time::Instant::now();
    let verdict = judged(&Value::Object(prompt), None);
    assert_eq!((verdict.node_errors.len(), verdict.bad.len()), (MAX_PROBLEMS, 5000));
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn what_another_row_gives_is_needed_too() {
    let prompt = json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
        "unused": { "class_type": "LoadImage", "inputs": { "image": "b.png" } },
        "zoom": { "class_type": "Blur", "inputs": {
            "image": { "__previous__": ["zoom", 0], "first": ["photo", 0] } } },
        "save": { "class_type": "SaveImage", "inputs": { "images": { "__rows__": ["zoom", 0] } } },
    });
    let needed = needed(prompt.as_object().unwrap(), &["save".to_owned()]);
    assert_eq!(needed.keys().collect::<Vec<_>>(), ["photo", "zoom", "save"]);
}
