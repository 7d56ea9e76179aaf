//! Ways to connect a kind: which of its inputs, and with what.

use crate::probe::{Host, HostFunction, Supply};
use crate::supply::{self, Features};
use dreamwire_graph::{KindInfo, Port};
use serde_json::{Map, Value};

/// One way to run a kind.
#[derive(Clone)]
pub(crate) struct Attempt {
    /// For messages.
    pub(crate) name: &'static str,
    pub(crate) params: Map<String, Value>,
    /// One per input port.
    pub(crate) inputs: Vec<Supply>,
}

impl Attempt {
    /// The params as a run gets them.
    pub(crate) fn json(&self) -> String {
        Value::Object(self.params.clone()).to_string()
    }

    /// The checker's functions among the inputs.
    pub(crate) fn functions(&self) -> Vec<HostFunction> {
        let mut found = Vec::new();
        self.inputs.iter().for_each(|supply| collect(supply, &mut found));
        found
    }
}

fn collect(supply: &Supply, found: &mut Vec<HostFunction>) {
    match supply {
        Supply::Function(function) => found.push(*function),
        Supply::Many(many) => many.iter().for_each(|one| collect(one, found)),
        _ => {}
    }
}

/// Which of the types of a port is used.
#[derive(Clone, Copy)]
enum Type {
    First,
    Last,
}

/// All ways that may make a difference, the simplest first.
pub(crate) fn attempts(host: &Host, kind: &KindInfo, params: &Map<String, Value>) -> Vec<Attempt> {
    let attempt = |name, optional, ty, features| {
        let inputs =
            kind.inputs.iter().zip(1..).map(|(port, seed)| connect(host, port, optional, ty, features, seed));
        Attempt { name, params: params.clone(), inputs: inputs.collect() }
    };
    let has = |test: fn(&Port) -> bool| kind.inputs.iter().any(test);
    let mut attempts = vec![attempt("required inputs", false, Type::First, Features::Layers)];
    if has(|port| port.optional) {
        attempts.push(attempt("all inputs", true, Type::First, Features::Layers));
    }
    if has(|port| port.types.len() > 1) {
        attempts.push(attempt("all inputs, of other types", true, Type::Last, Features::Layers));
    }
    if has(|port| port.types.iter().any(|ty| ty == "FEATURES")) {
        attempts.push(attempt("features of classes", false, Type::First, Features::Classes));
    }
    attempts
}

fn connect(host: &Host, port: &Port, optional: bool, ty: Type, features: Features, seed: u64) -> Supply {
    if port.optional && !optional {
        return Supply::None;
    }
    let ty = match ty {
        Type::First => port.types.first(),
        Type::Last => port.types.last(),
    };
    let make = |seed| ty.and_then(|ty| supply::value(host, ty, features, seed)).unwrap_or(Supply::None);
    match port.many {
        true => Supply::Many(vec![make(seed), make(seed + 50)]),
        false => make(seed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(types: &[&str], optional: bool, many: bool) -> Port {
        let types = types.iter().map(|ty| (*ty).to_owned()).collect();
        Port { types, optional, many, ..Port::default() }
    }

    #[test]
    fn optional_and_many_ports_are_wired_as_they_should() {
        let wired =
            |port: &Port, optional| connect(&Host::new(), port, optional, Type::First, Features::Layers, 1);
        assert!(matches!(wired(&port(&["MASK"], true, false), false), Supply::None));
        assert!(matches!(wired(&port(&["MASK"], true, false), true), Supply::Tensor(_)));
        assert!(matches!(wired(&port(&["INT"], false, false), false), Supply::Int(1)));
        let many = wired(&port(&["OBJECTIVE", "FEATURES"], false, true), false);
        let attempt = Attempt { name: "", params: Map::new(), inputs: vec![many, Supply::None] };
        assert_eq!(attempt.functions().len(), 2);
    }
}
