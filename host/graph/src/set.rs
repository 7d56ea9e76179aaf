use serde_json::Value;

use crate::diagnostics::missing_node;
use crate::graph::{Graph, Input, InputValue, Node};
use crate::kinds::{KindInfo, Kinds};
use crate::params::{Param, ParamType, check_param};
use crate::suggest::{did_you_mean, lines};

impl Graph {
    /// Applies `--set node.input=value`: replaces or adds a literal. The param's schema decides how the text
    /// is parsed: text verbatim; numbers, booleans and lists as JSON. The error is a message.
    pub fn set(&mut self, assignment: &str, kinds: &Kinds) -> Result<(), String> {
        let Some((target, text)) = assignment.split_once('=') else {
            return Err(format!("`{assignment}` is not of the form node.input=value"));
        };
        let (index, name) = self.target(target, kinds)?;
        let node = &self.nodes[index];
        let kind = kinds.get(&node.kind).ok_or_else(|| unknown_kind(node))?;
        let param = param(kind, name).map_err(|what| format!("`{target}`: {what}"))?;
        let value = read(param, text).map_err(|what| format!("`{target}`: {what}"))?;
        self.put(index, name, value);
        Ok(())
    }

    /// The node and the input of `node.input`. Both may contain dots.
    fn target<'t>(&self, target: &'t str, kinds: &Kinds) -> Result<(usize, &'t str), String> {
        let mut found: Option<(usize, &str)> = None;
        for (dot, _) in target.match_indices('.') {
            let (id, name) = (&target[..dot], &target[dot + 1..]);
            let Some(index) = self.nodes.iter().position(|node| node.id == id) else { continue };
            let fits = kinds.get(&self.nodes[index].kind).is_some_and(|kind| kind.params.get(name).is_some());
            if fits {
                return Ok((index, name));
            }
            found = Some((index, name));
        }
        if let Some(found) = found {
            return Ok(found);
        }
        let Some((id, _)) = target.rsplit_once('.') else {
            return Err(format!("`{target}` is not of the form node.input"));
        };
        let names: Vec<&str> = self.nodes.iter().map(|node| node.id.as_str()).collect();
        let meant = did_you_mean(id, names.iter().copied()).or_else(|| missing_node::list(&names));
        Err(sentence(format!("there is no node `{id}`"), meant))
    }

    fn put(&mut self, index: usize, name: &str, value: Value) {
        let node = &mut self.nodes[index];
        let value = InputValue::Literal(value);
        match node.inputs.iter_mut().find(|input| input.name == name) {
            Some(input) => {
                input.value = value;
                input.value_span = None;
            }
            None => {
                let name_span = node.id_span;
                node.inputs.push(Input { name: name.to_owned(), name_span, value, value_span: None });
            }
        }
    }
}

fn unknown_kind(node: &Node) -> String {
    format!("node `{}` has the unknown kind `{}`", node.id, node.kind)
}

fn param<'k>(kind: &'k KindInfo, name: &str) -> Result<&'k Param, String> {
    if let Some(param) = kind.params.get(name) {
        return Ok(param);
    }
    let base = name.split_once('.').map_or(name, |(base, _)| base);
    if kind.inputs.iter().any(|port| port.name == base) {
        return Err(format!("`{name}` takes a link, not a value"));
    }
    let meant = did_you_mean(name, kind.params.list.iter().map(|param| param.name.as_str()));
    Err(sentence(format!("`{}` has no param `{name}`", kind.id), meant))
}

fn read(param: &Param, text: &str) -> Result<Value, String> {
    let value = match param.ty {
        ParamType::String => Value::String(text.to_owned()),
        _ => serde_json::from_str(text)
            .map_err(|_| format!("`{}` must be {}, but `{text}` is not", param.name, param.ty.one()))?,
    };
    check_param(param, &value).map_err(|problem| {
        // In a file this would be the label of the value.
        let label = Some(problem.label).filter(|label| label.starts_with("allowed"));
        let hint = problem.hint.map(|hint| hint.text);
        sentence(problem.message, Some(lines([label, hint])).filter(|hint| !hint.is_empty()))
    })
}

fn sentence(message: String, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{message} ({})", hint.replace('\n', "; ")),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::kinds;
    use crate::{Source, parse};

    fn set(assignment: &str) -> Result<Value, String> {
        let text = r#"{
            "a.b": { "class_type": "GradientAscent", "inputs": { "octaves": 2 } },
            "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } } }"#;
        let (mut graph, _) = parse(&Source::new("test.json", text));
        graph.set(assignment, &kinds())?;
        let set = graph.nodes.iter().flat_map(|node| &node.inputs).find(|input| input.value_span.is_none());
        match set.map(|input| &input.value) {
            Some(InputValue::Literal(value)) => Ok(value.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_schema_types_the_text() {
        assert_eq!(set("a.b.octaves=5.0"), Ok(json!(5)));
        assert_eq!(set("a.b.rate=2"), Ok(json!(2.0)));
        assert_eq!(set("a.b.seed=18446744073709551615"), Ok(json!(u64::MAX)));
        assert!(set("a.b.seed=18446744073709551616").is_err());
        assert_eq!(set("a.b.carry=image"), Ok(json!("image")));
        assert_eq!(set("photo.image=7"), Ok(json!("7")));
        assert_eq!(set("photo.image=a=b.png"), Ok(json!("a=b.png")));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| set(text).unwrap_err();
        assert_eq!(wrong("octaves"), "`octaves` is not of the form node.input=value");
        assert_eq!(wrong("phto.image=x"), "there is no node `phto` (did you mean `photo`)");
        assert_eq!(wrong("size.width=3"), "there is no node `size` (nodes: `a.b`, `photo`)");
        assert_eq!(
            wrong("a.b.octave=1"),
            "`a.b.octave`: `GradientAscent` has no param `octave` (did you mean `octaves`)"
        );
        assert_eq!(wrong("a.b.mask=x"), "`a.b.mask`: `mask` takes a link, not a value");
        assert_eq!(
            wrong("a.b.octaves=many"),
            "`a.b.octaves`: `octaves` must be an integer, but `many` is not"
        );
        assert_eq!(
            wrong("a.b.octaves=99"),
            "`a.b.octaves`: `octaves` is 99, which is out of range (allowed: 1 to 16)"
        );
    }
}
