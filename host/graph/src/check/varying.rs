//! Inputs that differ from row to row, as a run of one row has them.

use serde_json::{Number, Value, json};

use super::Checker;
use super::inputs::Given;
use crate::checked::Link;
use crate::diagnostics::{param_type, varying as wrong};
use crate::graph::{Input, Node};
use crate::kinds::Port;
use crate::params::{Param, ParamType, check_param};
use crate::varying::{Curve, Varying};

impl Checker<'_> {
    /// The output that a port takes in a run of one row. That of the row before must fit as well.
    pub(super) fn varying_port(
        &mut self,
        node: &Node,
        input: &Input,
        varying: &Varying,
        port: &Port,
    ) -> Option<Link> {
        match varying {
            Varying::Previous { of, first } => {
                let before = self.port_link(node, input, of, port);
                self.port_link(node, input, first, port).filter(|_| before.is_some())
            }
            Varying::Rows(link) => self.port_link(node, input, link, port),
            Varying::Curve(_) | Varying::Labels => {
                self.problems.push(wrong::not_a_value(input.place(), &port.name));
                None
            }
        }
    }

    /// The value or link of a param in a run of one row.
    pub(super) fn varying_param(
        &mut self,
        node: &Node,
        input: &Input,
        varying: &Varying,
        param: &Param,
    ) -> Option<Given> {
        match varying {
            Varying::Previous { of, first } => {
                let before = self.param_link(node, input, of, param);
                self.param_link(node, input, first, param).filter(|_| before.is_some()).map(Given::Link)
            }
            Varying::Rows(link) => self.param_link(node, input, link, param).map(Given::Link),
            Varying::Labels => match &param.ty {
                ParamType::Array(item) if **item == ParamType::String => Some(Given::Value(json!([]))),
                other => {
                    self.problems.push(wrong::not_a_list(input.place(), &param.name, &other.one()));
                    None
                }
            },
            Varying::Curve(curve) => self.curve(input, curve, param),
        }
    }

    /// Every key must be a value of the param: what lies between two of them is then one too.
    fn curve(&mut self, input: &Input, curve: &Curve, param: &Param) -> Option<Given> {
        if !matches!(param.ty, ParamType::Integer | ParamType::Number) {
            self.problems.push(wrong::not_a_number(input.place(), &param.name, &param.ty.one()));
            return None;
        }
        for (frame, _) in &curve.keys {
            if let Err(problem) = check_param(param, &curve.value(*frame, &param.ty)) {
                self.problems.push(param_type::from_problem(problem, input));
                return None;
            }
        }
        Some(Given::Value(check_param(param, &curve.value(curve.frames().0, &param.ty)).ok()?))
    }
}

impl Curve {
    /// The value of a param at a frame: rounded for one that takes integers.
    pub(crate) fn value(&self, frame: i64, ty: &ParamType) -> Value {
        let value = self.at(frame);
        match ty {
            // Params beyond 2^53 have no curves that are exact there.
            ParamType::Integer if value.round().abs() < 9e15 => json!(value.round() as i64),
            _ => Number::from_f64(value).map_or(Value::Null, Value::Number),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{kinds, one};
    use crate::{Source, check, parse};

    fn graph(octaves: &str, image: &str) -> String {
        format!(
            r#"{{ "photo": {{ "class_type": "LoadImage", "inputs": {{ "image": "a.png" }} }},
            "dream": {{ "class_type": "GradientAscent", "inputs": {{
                "image": {image}, "objective": ["vgg", 0], "octaves": {octaves} }} }},
            "vgg": {{ "class_type": "VGGFeatures" }},
            "save": {{ "class_type": "SaveImage", "inputs": {{ "images": ["dream", 0] }} }} }}"#
        )
    }

    #[test]
    fn a_run_of_one_row_has_the_first_of_everything() {
        let text = graph(
            r#"{"__curve__": {"1": 2.6, "9": 5}}"#,
            r#"{"__previous__": ["dream", 0], "first": ["photo", "IMAGE"]}"#,
        );
        let (graph, problems) = parse(&Source::new("g.json", text));
        assert!(problems.is_empty(), "{problems:?}");
        let (checked, problems) = check(&graph, &kinds());
        assert!(problems.is_empty(), "{problems:?}");
        let checked = checked.expect("the row before is no cycle");
        assert_eq!(checked.nodes[1].params["octaves"], 3);
        assert_eq!(checked.nodes[1].ports[0][0].node, 0);
        assert_eq!(graph.varying().count(), 2);
    }

    #[test]
    fn every_key_is_a_value_of_the_param() {
        let photo = r#"["photo", 0]"#;
        let text = graph(r#"{"__curve__": {"1": 2, "5": 99, "9": 3}}"#, photo);
        assert_eq!(
            one(&text, "graph::param_range").labelled,
            [r#"{"__curve__": {"1": 2, "5": 99, "9": 3}}"#]
        );
        let text = graph("4", r#"{"__curve__": {"1": 2, "9": 3}}"#);
        assert_eq!(one(&text, "graph::varying").message, "`image` takes a link, not a curve or labels");
        let text = r#"{ "photo": { "class_type": "LoadImage",
            "inputs": { "image": {"__curve__": {"1": 0, "2": 1}} } } }"#;
        assert_eq!(one(text, "graph::varying").message, "`image` is a string, which has no curve");
    }

    #[test]
    fn the_row_before_must_fit_too() {
        let text = graph("4", r#"{"__previous__": ["vgg", 0], "first": ["photo", 0]}"#);
        one(&text, "graph::type_mismatch");
        let text = graph("4", r#"{"__previous__": ["nothing", 0], "first": ["photo", 0]}"#);
        one(&text, "graph::missing_node");
    }
}
