//! Temporary.
use dreamwire_graph::{Kinds, Source, check, parse};
use serde_json::{Value, json};

pub(crate) struct Verdict {
    pub(crate) prompt: Value,
    pub(crate) targets: Vec<String>,
    pub(crate) error: Option<Value>,
    pub(crate) node_errors: Value,
}

pub(crate) fn judge(prompt: &Value, targets: Option<&[String]>, kinds: &Kinds) -> Verdict {
    let source = Source::new("prompt", &prompt.to_string());
    let (graph, mut problems) = parse(&source);
    let (checked, more) = check(&graph, kinds);
    problems.extend(more);
    let good: Vec<String> = checked
        .iter()
        .flat_map(|checked| &checked.nodes)
        .filter(|node| node.kind.output && targets.is_none_or(|t| t.contains(&node.id)))
        .map(|node| node.id.clone())
        .collect();
    let error =
        good.is_empty().then(|| json!({"type": "x", "message": "x", "details": "", "extra_info": {}}));
    Verdict { prompt: prompt.clone(), targets: good, error, node_errors: json!({}) }
}
