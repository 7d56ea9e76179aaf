use dreamwire_engine::{FailureKind, Nodes};
use dreamwire_graph::{Checked, Class, Code, Diagnostic, Graph, check};

/// The result of [`understand`].
pub struct Understood {
    /// The part that can run; the whole graph if no problem is an error.
    pub checked: Option<Checked>,
    /// The graph with its overrides, whatever is wrong with it.
    pub graph: Graph,
    /// Errors and warnings, unsorted.
    pub problems: Vec<Diagnostic>,
    /// The graph with its overrides, as strict JSON; published pictures carry it as metadata.
    pub provenance: String,
}

impl Understood {
    /// The whole graph, if it has no errors.
    pub fn whole(&mut self) -> Option<Checked> {
        if self.problems.iter().any(Diagnostic::is_error) { None } else { self.checked.take() }
    }
}

/// Who judges the params of a graph before it runs: code of plugins, which may crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judging {
    /// This process.
    Here,
    /// The process that will run the graph.
    ByTheRunner,
}

/// Names the values of the editor's own form, applies overrides, checks the graph, and lets each kind judge its params.
/// `parsed` is the result of [`parse`](dreamwire_graph::parse).
///
/// # Errors
/// An invalid override.
pub fn understand(
    parsed: (Graph, Vec<Diagnostic>),
    sets: &[String],
    nodes: &dyn Nodes,
    judging: Judging,
) -> Result<Understood, String> {
    let (mut graph, mut problems) = parsed;
    let kinds = nodes.kinds();
    problems.extend(graph.name_widgets(kinds));
    let wrong = sets.iter().filter_map(|assignment| graph.set(assignment, kinds).err());
    let wrong: Vec<String> = wrong.collect();
    // A graph that cannot be parsed is the first thing to fix.
    let understood = !graph.damaged && graph.nodes.iter().all(|node| kinds.get(&node.kind).is_some());
    if let Some(what) = wrong.into_iter().next()
        && understood
    {
        return Err(what);
    }
    let (checked, found) = check(&graph, kinds);
    problems.extend(found);
    if judging == Judging::Here {
        problems.extend(checked.iter().flat_map(|checked| judge(checked, nodes)));
    }
    let provenance = graph.to_json(kinds).to_string();
    Ok(Understood { checked, graph, problems, provenance })
}

/// Problems that kinds find in their params and no schema can state: layer names, values that do not go together.
fn judge(checked: &Checked, nodes: &dyn Nodes) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    // A linked param is not known yet, and the others may depend on it.
    for node in checked.nodes.iter().filter(|node| node.linked_params.is_empty()) {
        let params = serde_json::Value::Object(node.params.clone()).to_string();
        let Err(failure) = nodes.check_params(&node.kind, &params) else { continue };
        if failure.kind == FailureKind::Plugin {
            // Not the params are to blame.
            problems.push(failure.diagnostic(node));
            continue;
        }
        let (span, label) = node.place(&failure.input);
        let message = format!("node `{}` ({}): {}", node.id, node.kind.id, failure.message);
        let problem = Diagnostic::error(Code::new("graph::param_value"), Class::Graph, message)
            .label(span, label)
            .about(&node.id, &failure.input);
        problems.push(match failure.hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_engine::{Failure, Request, Value};
    use dreamwire_graph::{KindInfo, Kinds, Params, Source, parse};

    /// One kind, which refuses odd numbers.
    struct Even(Kinds);

    impl Even {
        fn new() -> Self {
            let schema = r#"{"type": "object", "properties": {"n": {"type": "integer", "default": 0}}}"#;
            let (params, doc) = Params::parse(&serde_json::from_str(schema).unwrap()).unwrap();
            let mut kinds = Kinds::new();
            kinds.insert(KindInfo {
                id: "Even".to_owned(),
                version: 1,
                plugin: String::new(),
                file: String::new(),
                title: String::new(),
                category: String::new(),
                doc,
                inputs: Vec::new(),
                outputs: Vec::new(),
                params,
                pure_: true,
                output: true,
                stateful: false,
            });
            Even(kinds)
        }
    }

    impl Nodes for Even {
        fn kinds(&self) -> &Kinds {
            &self.0
        }

        fn build(&self, _: &str) -> Option<blake3::Hash> {
            None
        }

        fn check_params(&self, _: &KindInfo, params: &str) -> Result<(), Failure> {
            let params: serde_json::Value = serde_json::from_str(params).unwrap();
            if params["n"] == 13 {
                return Err(Failure::new(FailureKind::Plugin, "the plugin is gone"));
            }
            let odd = params["n"].as_i64().unwrap() % 2 != 0;
            let failure = Failure::new(FailureKind::Argument, "`n` is odd").at("n").hint("did you mean 2");
            if odd { Err(failure) } else { Ok(()) }
        }

        fn run(&self, _: &Request<'_>) -> Result<Vec<Value>, Failure> {
            unreachable!("nothing runs here")
        }
    }

    fn read(text: &str, sets: &[&str]) -> Result<Understood, String> {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        understand(parse(&Source::new("g.json", text)), &sets, &Even::new(), Judging::Here)
    }

    #[test]
    fn a_wrong_set_is_not_blamed_on_a_broken_graph() {
        let mut understood = read("{", &["a.b=1"]).expect("the graph is to blame");
        assert!(understood.whole().is_none());
        assert!(!understood.problems.is_empty());
        assert_eq!(read("{}", &["a.b=1"]).err().as_deref(), Some("there is no node `a`"));
    }

    #[test]
    fn a_plugin_that_cannot_judge_is_to_blame() {
        let understood = read(r#"{"a": {"class_type": "Even", "inputs": {"n": 13}}}"#, &[]).unwrap();
        let problem = &understood.problems[0];
        assert_eq!((problem.code.as_str(), problem.class), ("run::plugin", Class::Plugin));
        assert_eq!(problem.message, "node `a` (Even): the plugin is gone");
    }

    #[test]
    fn a_kind_judges_its_params() {
        let text = r#"{"a": {"class_type": "Even", "inputs": {"n": 3}}, "b": {"class_type": "Even"}}"#;
        let mut understood = read(text, &[]).unwrap();
        let problem = &understood.problems[0];
        assert_eq!((problem.code.as_str(), problem.class), ("graph::param_value", Class::Graph));
        assert_eq!(problem.message, "node `a` (Even): `n` is odd");
        assert_eq!(&text[problem.labels[0].span.start..problem.labels[0].span.end], "3");
        assert_eq!(problem.hint.as_ref().unwrap().text, "did you mean 2");
        assert!(understood.whole().is_none());
        assert!(read(text, &["a.n=4"]).unwrap().whole().is_some());
    }
}
