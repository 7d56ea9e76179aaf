use jsonc_parser::ast::{Array, NumberLit, Object, Value as Ast};
use serde_json::{Number, Value};

use super::{MAX_ITEMS, members, syntax, text, varying};
use crate::diagnostic::Diagnostic;
use crate::diagnostics::{encoding, not_a_link, number, object_value, too_large};
use crate::graph::{InputValue, LinkRef, OutputRef};

/// Parses the value of an input: a link, or a literal.
pub(super) fn input(value: &Ast<'_>, problems: &mut Vec<Diagnostic>) -> InputValue {
    let read = match value {
        Ast::Array(array) => return link(array, problems),
        Ast::Object(object) => match varying::read(object, problems) {
            Some(varying) => {
                return varying.map_or(InputValue::Unread, |varying| InputValue::Varying(Box::new(varying)));
            }
            None => wrapped(object, problems),
        },
        plain => literal(plain, problems),
    };
    read.map_or(InputValue::Unread, InputValue::Literal)
}

/// A link: `["node", "output"]`, `["node", 0]` or `["node", 0.0]`. Every other array is a list.
fn link(array: &Array<'_>, problems: &mut Vec<Diagnostic>) -> InputValue {
    let [Ast::StringLit(node), output @ (Ast::StringLit(_) | Ast::NumberLit(_))] = array.elements.as_slice()
    else {
        return list(array, problems).map_or(InputValue::Unread, InputValue::List);
    };
    problems.extend(members::unprintable(&node.value, members::from_range(node.range)));
    let output_span = members::span(output);
    let output = match output {
        Ast::StringLit(name) => {
            problems.extend(members::unprintable(&name.value, output_span));
            OutputRef::Name(name.value.to_string())
        }
        Ast::NumberLit(lit) => match index(lit.value) {
            Some(index) => OutputRef::Index(index),
            None => {
                problems.push(not_a_link::index(output_span, lit.value));
                return InputValue::Unread;
            }
        },
        _ => return InputValue::Unread,
    };
    let node_span = members::from_range(node.range);
    InputValue::Link(LinkRef { node: node.value.to_string(), node_span, output, output_span })
}

pub(crate) fn index(text: &str) -> Option<u64> {
    match text.parse::<u64>() {
        Ok(index) => Some(index),
        Err(_) => {
            let real = text.parse::<f64>().ok()?;
            (real.fract() == 0.0 && (0.0..1e9).contains(&real)).then_some(real as u64)
        }
    }
}

/// The list in `{"__value__": [...]}`, which is never a link.
pub(crate) fn wrapped(object: &Object<'_>, problems: &mut Vec<Diagnostic>) -> Option<Value> {
    match object.properties.as_slice() {
        [only] if only.name.as_str() == "__value__" => literal(&only.value, problems),
        _ => {
            problems.push(object_value::new(members::from_range(object.range)));
            None
        }
    }
}

pub(crate) fn literal(value: &Ast<'_>, problems: &mut Vec<Diagnostic>) -> Option<Value> {
    match value {
        Ast::NullKeyword(_) => Some(Value::Null),
        Ast::BooleanLit(lit) => Some(Value::Bool(lit.value)),
        Ast::NumberLit(lit) => finite(lit, problems),
        Ast::StringLit(lit) if lit.value.contains('\0') => {
            problems.push(encoding::nul(members::from_range(lit.range)));
            None
        }
        Ast::StringLit(lit) => Some(Value::String(lit.value.to_string())),
        Ast::Array(array) => list(array, problems).map(Value::Array),
        Ast::Object(object) => {
            problems.push(object_value::new(members::from_range(object.range)));
            None
        }
    }
}

/// The value that a text is, within the limits of a file. Its numbers are exact.
pub(crate) fn of_text(text: &str) -> Option<Value> {
    text::check(text).ok()?;
    let value = syntax::parse(text).ok()??;
    literal(&value, &mut Vec::new())
}

fn list(array: &Array<'_>, problems: &mut Vec<Diagnostic>) -> Option<Vec<Value>> {
    if array.elements.len() > MAX_ITEMS {
        problems.push(too_large::items(members::from_range(array.range), array.elements.len()));
        return None;
    }
    let mut list = Vec::with_capacity(array.elements.len());
    let mut whole = true;
    for element in &array.elements {
        match literal(element, problems) {
            Some(element) => list.push(element),
            None => whole = false,
        }
    }
    whole.then_some(list)
}

/// A number that can be represented exactly. JSON parsers silently round integers that are too large to a float.
fn finite(lit: &NumberLit<'_>, problems: &mut Vec<Diagnostic>) -> Option<Value> {
    let text = lit.value;
    let number = if text.contains(['.', 'e', 'E']) {
        text.parse::<f64>().ok().and_then(Number::from_f64)
    } else if let Ok(integer) = text.parse::<i64>() {
        Some(Number::from(integer))
    } else {
        text.parse::<u64>().ok().map(Number::from)
    };
    if number.is_none() {
        problems.push(number::new(members::from_range(lit.range), text));
    }
    number.map(Value::Number)
}
