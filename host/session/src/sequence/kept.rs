//! Values that cross from row to row.
//!
//! They travel through nodes that are in no file: `$keep X` takes the value of the output X in each row, `$given X` gives
//! one back, with its content as a param, so that keys and caches work as for any other node.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use blake3::Hash;
use dreamwire_engine::{Device, Failure, FailureKind, Input, Nodes, Request, Tensor, Value};
use dreamwire_graph::{
    Graph, InputValue, KindInfo, Kinds, LinkRef, OutputName, OutputRef, Params, Port, Varying,
};

use super::Row;

/// What the names of these nodes and kinds begin with; no node of a file may.
pub(super) const OURS: char = '$';

/// What is kept of the rows so far.
#[derive(Default)]
pub(super) struct Kept {
    /// By output: of the last row, and of all if they are needed.
    values: HashMap<String, Vec<Value>>,
}

impl Kept {
    fn last(&self, output: &str) -> Option<&Value> {
        self.values.get(output)?.last()
    }

    /// Takes what a row has kept.
    pub(super) fn take(&mut self, row: HashMap<String, Value>, all: bool) {
        for (output, value) in row {
            let values = self.values.entry(output).or_default();
            if !all {
                values.clear();
            }
            values.push(value);
        }
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    /// The bytes of one row.
    pub(super) fn bytes_of_row(&self) -> u64 {
        self.values.values().filter_map(|values| values.last()).map(Value::bytes).sum()
    }

    /// The values of all rows as one: tensors along their first axis.
    fn joined(&self, output: &str) -> Result<Value, Failure> {
        let values = self.values.get(output).map_or(&[][..], Vec::as_slice);
        match values {
            [] => Err(failed(format!("no row gave `{output}`"))),
            [only] => Ok(only.clone()),
            [first, ..] => join(output, first, values),
        }
    }
}

fn failed(message: String) -> Failure {
    Failure::new(FailureKind::Shape, message)
}

fn join(output: &str, first: &Value, values: &[Value]) -> Result<Value, Failure> {
    let Value::Tensor(first) = first else {
        return Err(failed(format!(
            "`{output}` is no picture or latent: the values of rows cannot be joined"
        )));
    };
    let size = |tensor: &Tensor| tensor.shape().get(1..).map(<[i64]>::to_vec).unwrap_or_default();
    let mut rows = 0;
    let mut bytes = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let Value::Tensor(tensor) = value else {
            return Err(failed(format!("`{output}` is empty in a row")));
        };
        if tensor.dtype() != first.dtype() || size(tensor) != size(first) {
            let message = format!(
                "the rows differ: `{output}` is {:?} in the first and {:?} in row {} of those that were run",
                first.shape(),
                tensor.shape(),
                index + 1
            );
            return Err(failed(message).hint("resize them to one size before"));
        }
        rows += tensor.shape().first().copied().unwrap_or(1);
        bytes.extend_from_slice(tensor.bytes());
    }
    let shape = [&[rows][..], &size(first)].concat();
    let joined = Tensor::copied(first.dtype(), shape, bytes);
    joined.map(Value::Tensor).ok_or_else(|| failed(format!("`{output}` cannot be joined")))
}

/// The outputs that cross from row to row in a graph.
pub(super) struct Crossing {
    outputs: Vec<(LinkRef, OutputName)>,
    /// All kinds, and those of the nodes that are only here.
    pub(super) kinds: Kinds,
}

impl Crossing {
    pub(super) fn of(graph: &Graph, kinds: &Kinds) -> Self {
        let mut outputs: Vec<(LinkRef, OutputName)> = Vec::new();
        for place in graph.varying() {
            let (Varying::Previous { of: link, .. } | Varying::Rows(link)) = place.varying else { continue };
            if let Some(output) = graph.output(link, kinds)
                && outputs.iter().all(|(_, known)| *known != output)
            {
                outputs.push((link.clone(), output));
            }
        }
        let mut kinds = kinds.clone();
        for (_, output) in &outputs {
            let port =
                |name: &str| Port { name: name.to_owned(), types: output.types.clone(), ..Port::default() };
            kinds.insert(kind(keep(&output.name), vec![port("value")], Vec::new(), false));
            kinds.insert(kind(given(&output.name), Vec::new(), vec![port("value")], true));
        }
        Self { outputs, kinds }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Puts what crosses into the graph of a row. The nodes that need all rows must have been removed.
    pub(super) fn connect(&self, graph: &mut Graph, row: &Row, kept: &Kept) {
        let outputs: Vec<_> = self.outputs.iter().filter(|(link, _)| has(graph, &link.node)).collect();
        for (link, output) in outputs {
            let inputs = vec![("value".to_owned(), InputValue::Link(link.clone()))];
            graph.add_node(&keep(&output.name), &keep(&output.name), link.node_span, inputs);
        }
        let mut needed = Vec::new();
        let found = graph.clone();
        graph.replace_varying(|varying| match varying {
            Varying::Previous { first, .. } if row.starts => Some(InputValue::Link(first.clone())),
            Varying::Previous { of, .. } => {
                let output = found.output(of, &self.kinds)?;
                needed.push((output.name.clone(), of.clone()));
                Some(link(&output.name, of))
            }
            _ => None,
        });
        for (output, of) in needed {
            self.give(graph, &output, &of, kept.last(&output).and_then(Value::content));
        }
    }

    /// Puts the values of all rows into the graph of the part that needs them.
    pub(super) fn gather(&self, graph: &mut Graph, labels: &[String], kept: &Kept) -> Result<(), Failure> {
        let mut needed = Vec::new();
        let found = graph.clone();
        graph.replace_varying(|varying| match varying {
            Varying::Rows(of) => {
                let output = found.output(of, &self.kinds)?;
                needed.push((output.name.clone(), of.clone()));
                Some(link(&output.name, of))
            }
            Varying::Labels => {
                Some(InputValue::List(labels.iter().map(|label| label.as_str().into()).collect()))
            }
            Varying::Previous { first, .. } => Some(InputValue::Link(first.clone())),
            Varying::Curve(_) => None,
        });
        for (output, of) in needed {
            let value = kept.joined(&output)?;
            self.give(graph, &output, &of, value.content());
        }
        Ok(())
    }

    fn give(&self, graph: &mut Graph, output: &str, of: &LinkRef, content: Option<Hash>) {
        let name = given(output);
        if !has(graph, &name) {
            let content = content.map_or_else(|| "none".to_owned(), |hash| hash.to_hex().to_string());
            let content = InputValue::Literal(content.into());
            graph.add_node(&name, &name, of.node_span, vec![("content".to_owned(), content)]);
        }
    }
}

fn has(graph: &Graph, id: &str) -> bool {
    graph.nodes.iter().any(|node| node.id == id)
}

fn keep(output: &str) -> String {
    format!("{OURS}keep {output}")
}

fn given(output: &str) -> String {
    format!("{OURS}given {output}")
}

fn link(output: &str, of: &LinkRef) -> InputValue {
    let output_name = OutputRef::Name("value".to_owned());
    InputValue::Link(LinkRef { node: given(output), output: output_name, ..of.clone() })
}

fn kind(id: String, inputs: Vec<Port>, outputs: Vec<Port>, pure_: bool) -> KindInfo {
    let schema = match pure_ {
        true => {
            serde_json::json!({ "type": "object", "properties": { "content": { "type": "string", "default": "" } } })
        }
        false => serde_json::json!({ "type": "object", "properties": {} }),
    };
    let params = Params::parse(&schema).map(|(params, _)| params).unwrap_or_default();
    KindInfo {
        id,
        version: 1,
        plugin: String::new(),
        file: String::new(),
        title: String::new(),
        category: String::new(),
        doc: String::new(),
        inputs,
        outputs,
        params,
        pure_,
        output: !pure_,
        stateful: false,
    }
}

/// The nodes of the plugins, and these.
pub(super) struct WithKept<'a> {
    pub(super) nodes: &'a dyn Nodes,
    pub(super) crossing: &'a Crossing,
    pub(super) kept: &'a Kept,
    /// Whether a value is that of all rows.
    pub(super) gathers: bool,
    /// What this row keeps.
    pub(super) row: Mutex<HashMap<String, Value>>,
}

impl WithKept<'_> {
    /// What the row has kept.
    pub(super) fn into_row(self) -> HashMap<String, Value> {
        self.row.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Nodes for WithKept<'_> {
    fn kinds(&self) -> &Kinds {
        &self.crossing.kinds
    }

    fn build(&self, kind: &str) -> Option<Hash> {
        if kind.starts_with(OURS) { Some(blake3::hash(kind.as_bytes())) } else { self.nodes.build(kind) }
    }

    fn device(&self, kind: &str, device: Device) -> Device {
        if kind.starts_with(OURS) { Device::Cpu } else { self.nodes.device(kind, device) }
    }

    fn check_params(&self, kind: &KindInfo, params: &str) -> Result<(), Failure> {
        if kind.id.starts_with(OURS) { Ok(()) } else { self.nodes.check_params(kind, params) }
    }

    fn run(&self, request: &Request<'_>) -> Result<Vec<Value>, Failure> {
        let Some(name) = request.kind.id.strip_prefix(OURS) else { return self.nodes.run(request) };
        if let Some(output) = name.strip_prefix("given ") {
            let value = match self.gathers {
                true => self.kept.joined(output)?,
                false => {
                    let last = self.kept.last(output).cloned();
                    last.ok_or_else(|| failed(format!("the row before gave no `{output}`")))?
                }
            };
            return Ok(vec![value]);
        }
        let output = name.strip_prefix("keep ").unwrap_or(name);
        let value = match request.inputs.first() {
            Some(Input::One(value)) if value.content().is_some() => value.clone(),
            _ => {
                let message = format!("`{output}` is a function, which cannot cross from row to row");
                return Err(Failure::new(FailureKind::Argument, message));
            }
        };
        let mut row = self.row.lock().unwrap_or_else(PoisonError::into_inner);
        row.insert(output.to_owned(), value);
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_engine::Dtype;

    fn tensor(fill: u8, shape: &[i64]) -> Value {
        let count = shape.iter().product::<i64>() as usize;
        Value::Tensor(Tensor::copied(Dtype::U8, shape.to_vec(), vec![fill; count]).unwrap())
    }

    fn kept(values: Vec<Value>) -> Kept {
        let mut kept = Kept::default();
        values.into_iter().for_each(|value| kept.take(HashMap::from([("a.X".to_owned(), value)]), true));
        kept
    }

    #[test]
    fn rows_are_joined_along_the_first_axis() {
        let joined = kept(vec![tensor(1, &[1, 2]), tensor(2, &[2, 2])]).joined("a.X").unwrap();
        let Value::Tensor(joined) = joined else { panic!("no tensor") };
        assert_eq!((joined.shape(), joined.bytes()), (&[3, 2][..], &[1, 1, 2, 2, 2, 2][..]));
        let wrong = kept(vec![tensor(1, &[1, 2]), tensor(2, &[1, 3])]).joined("a.X").err().unwrap();
        assert!(wrong.message.contains("[1, 2]") && wrong.message.contains("[1, 3]"), "{}", wrong.message);
        assert!(kept(vec![]).joined("a.X").is_err());
        assert!(kept(vec![Value::Int(1), Value::Int(2)]).joined("a.X").is_err());
    }

    #[test]
    fn only_the_last_is_kept_unless_all_are_needed() {
        let mut kept = Kept::default();
        for fill in 1..4 {
            kept.take(HashMap::from([("a.X".to_owned(), tensor(fill, &[1]))]), false);
        }
        assert_eq!(kept.values["a.X"].len(), 1);
        assert_eq!(kept.last("a.X").and_then(Value::content), tensor(3, &[1]).content());
        assert_eq!(kept.bytes_of_row(), 1);
    }
}
