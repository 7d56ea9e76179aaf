//! Errors of a server as diagnostics, at their places in the graph file.
//!
//! Ours say their code. ComfyUI's have types, which become the codes of the same problems; what Python raises in a node is
//! a failure of that node.

use dreamwire_graph::{Class, Code, Diagnostic, Graph, MAX_PROBLEMS, Node, Span};
use serde_json::Value;

/// How many lines of details are shown.
const LINES: usize = 8;

/// Why a graph was not taken, or parts of it: the answer to `POST /prompt`.
pub(super) fn of_answer(graph: &Graph, answer: &Value) -> Vec<Diagnostic> {
    let nodes = answer["node_errors"].as_object().into_iter().flatten();
    let errors = nodes.flat_map(|(id, entry)| {
        let errors = entry["errors"].as_array().into_iter().flatten();
        errors.map(move |error| of_node(graph, id, error))
    });
    let problems: Vec<Diagnostic> = errors.take(MAX_PROBLEMS).collect();
    match &answer["error"] {
        // Those of nodes say more.
        error if problems.is_empty() && error.is_object() => vec![of_graph(graph, error)],
        Value::String(words) if problems.is_empty() => {
            vec![Diagnostic::error(Code::new("server::refused"), Class::Graph, words)]
        }
        _ => problems,
    }
}

fn of_graph(graph: &Graph, error: &Value) -> Diagnostic {
    let (code, class) = judged(error, "");
    let problem = Diagnostic::error(code, class, words(error, "message", "the server refuses the graph"));
    let problem = problem.hint(shown_lines(error["details"].as_str().unwrap_or_default()));
    let node =
        error["extra_info"]["node_id"].as_str().and_then(|id| graph.nodes.iter().find(|node| node.id == id));
    match node {
        Some(node) => problem.label(node.kind_span, "").about(&node.id, ""),
        None => problem,
    }
}

fn of_node(graph: &Graph, id: &str, error: &Value) -> Diagnostic {
    let info = &error["extra_info"];
    let input = info["input_name"].as_str().unwrap_or_default();
    let (code, class) = judged(error, input);
    let message = words(error, "message", "the server refuses this node");
    let details = error["details"].as_str().unwrap_or_default();
    let node = graph.nodes.iter().find(|node| node.id == id);
    let is_ours = info["code"].is_string() || message.starts_with("node `");
    let problem = match node {
        // Ours names the node; its details are a hint.
        _ if is_ours => Diagnostic::error(code, class, message).hint(shown_lines(details)),
        Some(node) => {
            let more = if details.is_empty() { String::new() } else { format!(": {}", shown_lines(details)) };
            Diagnostic::error(code, class, format!("node `{id}` ({}): {message}{more}", node.kind))
        }
        None => Diagnostic::error(code, class, format!("node `{id}`: {message}")),
    };
    at(problem, node, input)
}

/// How a run failed: the data of `execution_error`. The first is the one that the server tells first.
pub(super) fn of_run(graph: &Graph, data: &Value) -> Vec<Diagnostic> {
    let node = data["node_id"].as_str().and_then(|id| graph.nodes.iter().find(|node| node.id == id));
    let ty = data["exception_type"].as_str().unwrap_or_default();
    let message = words(data, "exception_message", "the job failed");
    let input = data["input_name"].as_str().unwrap_or_default();
    let Some(code) = own_code(ty) else {
        let class = if ty.contains("OutOfMemory") { Class::Limit } else { Class::Node };
        let code = Code::new(if class == Class::Limit { "run::limit" } else { "run::failed" });
        let place = node.map_or_else(String::new, |node| format!("node `{}` ({}): ", node.id, node.kind));
        let ty = if ty.is_empty() { String::new() } else { format!(" ({ty})") };
        return vec![at(
            Diagnostic::error(code, class, format!("{place}{}{ty}", message.trim())),
            node,
            input,
        )];
    };
    // The hint of the first, then other problems, each perhaps with its own.
    let mut problems = vec![at(Diagnostic::error(code, class_of(code.as_str()), message), node, input)];
    let trace = data["traceback"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for line in trace.take(2 * MAX_PROBLEMS) {
        match line.strip_prefix("hint: ") {
            Some(hint) => problems = with_hint(problems, hint),
            None => problems.push(Diagnostic::error(code, class_of(code.as_str()), line)),
        }
    }
    problems
}

fn with_hint(mut problems: Vec<Diagnostic>, hint: &str) -> Vec<Diagnostic> {
    if let Some(last) = problems.pop() {
        problems.push(last.hint(hint));
    }
    problems
}

/// At the place of an input, or of the node where it has none.
fn at(problem: Diagnostic, node: Option<&Node>, input: &str) -> Diagnostic {
    let problem = match problem.code.as_str() == "world::file" && problem.hint.is_none() {
        // One that is here was sent.
        true => problem.hint("it is neither beside the graph here nor in the server's input folder"),
        false => problem,
    };
    let Some(node) = node else { return problem };
    let (span, label) = place(node, input);
    problem.label(span, label).about(&node.id, input)
}

/// The place of an input (empty: of the node as a whole) and what to say there: as a run here says it.
pub(super) fn place(node: &Node, input: &str) -> (Span, String) {
    if input.is_empty() {
        return (node.id_span, String::new());
    }
    // A port that takes many links has numbered sockets, and the file may name it without.
    let base = |name: &str| name.rsplit_once('.').map_or(name, |(base, _)| base).to_owned();
    let found =
        node.input(input).or_else(|| node.inputs.iter().find(|other| base(&other.name) == base(input)));
    let span = found.and_then(|found| found.value_span).unwrap_or(node.id_span);
    (span, format!("`{input}` of this node"))
}

/// The code and the class of an error of a prompt.
fn judged(error: &Value, input: &str) -> (Code, Class) {
    // A type that ComfyUI does not have is a code.
    let own = [&error["extra_info"]["code"], &error["type"]];
    if let Some(code) = own.into_iter().filter_map(Value::as_str).find_map(own_code) {
        return (code, class_of(code.as_str()));
    }
    let is_picture = error["extra_info"]["input_config"][1]["image_upload"] == true
        || error["message"].as_str().is_some_and(|words| words.starts_with("Invalid image file"));
    let code = match error["type"].as_str().unwrap_or_default() {
        "missing_node_type" => "graph::unknown_kind",
        "required_input_missing" => "graph::required_input",
        "bad_linked_input" => "graph::not_a_link",
        "return_type_mismatch" => "graph::type_mismatch",
        "invalid_input_type" => "graph::param_type",
        "value_smaller_than_min" | "value_bigger_than_max" => "graph::param_range",
        "value_not_in_list" | "custom_validation_failed" if is_picture || input == "image" => "world::file",
        "value_not_in_list" => "graph::param_choice",
        "custom_validation_failed" => "graph::param_value",
        "dependency_cycle" => "graph::cycle",
        "prompt_no_outputs" => "graph::no_output",
        _ => "server::refused",
    };
    (Code::new(code), class_of(code))
}

/// A code of ours, of a server whose version may know other ones. None for anything that is no code.
fn own_code(text: &str) -> Option<Code> {
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
    let (phase, name) = text.split_once("::")?;
    let is_one = text.len() <= 40 && ["graph", "world", "run"].contains(&phase) && letters(name);
    // A process keeps each code that it reads, of which there are few in an answer.
    is_one.then(|| serde_json::from_value(Value::from(text)).ok()).flatten()
}

/// Whose fault it is, as the phase that finds such a problem says.
fn class_of(code: &str) -> Class {
    match code {
        "graph::unknown_kind" | "run::plugin" => Class::Plugin,
        "world::file" | "run::input" | "run::read" => Class::Input,
        "world::output" | "run::publish" => Class::Output,
        "graph::too_large" | "run::limit" | "run::killed" => Class::Limit,
        "run::timed_out" => Class::Time,
        _ if code.starts_with("run::") => Class::Node,
        _ => Class::Graph,
    }
}

fn words(value: &Value, name: &str, other: &str) -> String {
    value[name].as_str().filter(|text| !text.is_empty()).unwrap_or(other).to_owned()
}

/// The first lines of a text that may be long.
fn shown_lines(text: &str) -> String {
    text.trim().lines().take(LINES).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use dreamwire_graph::{Source, parse};
    use serde_json::json;

    use super::*;

    const TEXT: &str = r#"{ "photo": { "class_type": "LoadImage", "inputs": { "image": "cat.png" } },
        "sum": { "class_type": "Sum", "inputs": { "objectives": ["photo", 0], "rate": 2 } } }"#;

    fn graph() -> Graph {
        parse(&Source::new("g.json", TEXT)).0
    }

    /// Code, class, message, hint, and the text at its place.
    fn shown(problem: &Diagnostic) -> (&'static str, Class, &str, &str, &'static str) {
        let hint = problem.hint.as_ref().map_or("", |hint| hint.text.as_str());
        let place = problem.span().map_or("", |span| &TEXT[span.start..span.end]);
        (problem.code.as_str(), problem.class, &problem.message, hint, place)
    }

    fn node_error(node: &str, error: &Value) -> Value {
        json!({ "error": { "type": "prompt_outputs_failed_validation", "message": "no" },
            "node_errors": { node: { "errors": [error], "class_type": "K" } } })
    }

    /// Faults: V2.
    #[test]
    fn errors_of_our_server_keep_their_codes() {
        let info = json!({ "input_name": "rate", "code": "graph::param_range" });
        let message = "node `sum` (Sum): `rate` is 2, which is out of range";
        let error = json!({ "type": "value_bigger_than_max", "message": message, "details": "allowed: 0 to 1", "extra_info": info });
        let problems = of_answer(&graph(), &node_error("sum", &error));
        assert_eq!(
            shown(&problems[0]),
            ("graph::param_range", Class::Graph, message, "allowed: 0 to 1", "2")
        );
        let info = json!({ "input_name": "objectives.0", "code": "graph::type_mismatch" });
        let error =
            json!({ "type": "return_type_mismatch", "message": "m", "details": "", "extra_info": info });
        let problems = of_answer(&graph(), &node_error("sum", &error));
        assert_eq!(shown(&problems[0]), ("graph::type_mismatch", Class::Graph, "m", "", r#"["photo", 0]"#));
    }

    #[test]
    fn errors_of_comfyui_become_ours() {
        let error = json!({ "type": "value_not_in_list", "message": "Value not in list", "details": "mode: 'x'",
            "extra_info": { "input_name": "mode" } });
        let problems = of_answer(&graph(), &node_error("sum", &error));
        let message = "node `sum` (Sum): Value not in list: mode: 'x'";
        assert_eq!(shown(&problems[0]), ("graph::param_choice", Class::Graph, message, "", "\"sum\""));
        let error = json!({ "type": "custom_validation_failed", "message": "Custom validation failed for node",
            "details": "image - Invalid image file: cat.png", "extra_info": { "input_name": "image" } });
        let problem = &of_answer(&graph(), &node_error("photo", &error))[0];
        assert_eq!((problem.code.as_str(), problem.class), ("world::file", Class::Input));
        let missing = json!({ "error": { "type": "missing_node_type", "message": "node `sum`: unknown kind `Sum`",
            "details": "did you mean `Some`", "extra_info": { "node_id": "sum" } }, "node_errors": {} });
        let problems = of_answer(&graph(), &missing);
        let message = "node `sum`: unknown kind `Sum`";
        let expected = ("graph::unknown_kind", Class::Plugin, message, "did you mean `Some`", "\"Sum\"");
        assert_eq!(shown(&problems[0]), expected);
        assert!(of_answer(&graph(), &json!({ "prompt_id": "j", "node_errors": {} })).is_empty());
        let odd = of_answer(&graph(), &json!({ "error": "No prompt" }));
        assert_eq!((odd[0].code.as_str(), odd[0].message.as_str()), ("server::refused", "No prompt"));
    }

    /// Faults: V2.
    #[test]
    fn a_failed_run_has_its_place_its_hint_and_its_exit_code() {
        let message = "node `photo` (LoadImage): there is no file `cat.png`";
        let data = json!({ "node_id": "photo", "input_name": "image", "exception_type": "world::file",
            "exception_message": message, "traceback": ["hint: did you mean `cats.png`", "another", "hint: so"] });
        let problems = of_run(&graph(), &data);
        let place = "\"cat.png\"";
        assert_eq!(
            shown(&problems[0]),
            ("world::file", Class::Input, message, "did you mean `cats.png`", place)
        );
        assert_eq!(shown(&problems[1]), ("world::file", Class::Input, "another", "so", ""));
        let data = json!({ "node_id": "sum", "exception_type": "ValueError", "exception_message": "bad\n",
            "traceback": ["  File x.py\n"] });
        let problems = of_run(&graph(), &data);
        let message = "node `sum` (Sum): bad (ValueError)";
        assert_eq!(problems.len(), 1);
        assert_eq!(shown(&problems[0]), ("run::failed", Class::Node, message, "", "\"sum\""));
        let data = json!({ "exception_type": "torch.OutOfMemoryError", "exception_message": "no memory" });
        assert_eq!(of_run(&graph(), &data)[0].class, Class::Limit);
    }

    #[test]
    fn only_codes_are_codes() {
        assert_eq!(own_code("run::plugin").map(Code::as_str), Some("run::plugin"));
        for text in [
            "",
            "run::",
            "run",
            "std::bad_alloc",
            "run::Bad",
            "run::a::b",
            &format!("run::{}", "a".repeat(99)),
        ] {
            assert!(own_code(text).is_none(), "{text}");
        }
    }
}
