//! Objects that vary from row to row: `__curve__`, `__previous__`, `__rows__`.

use jsonc_parser::ast::{Object, Value as Ast};
use serde_json::Value;

use super::{literal, members};
use crate::diagnostic::Diagnostic;
use crate::diagnostics::varying as wrong;
use crate::graph::{InputValue, LinkRef};
use crate::source::Span;
use crate::varying::{Curve, Ease, Varying};

/// The input that an object stands for, if it is one of these. `None` inside: it is, but it is wrong, which is reported.
pub(super) fn read(object: &Object<'_>, problems: &mut Vec<Diagnostic>) -> Option<Option<Varying>> {
    let has = |name: &str| object.properties.iter().any(|property| property.name.as_str() == name);
    let read = if has("__curve__") {
        curve
    } else if has("__previous__") {
        previous
    } else if has("__rows__") {
        rows
    } else {
        return None;
    };
    let before = problems.len();
    let found = read(object, problems);
    Some(found.filter(|_| problems.len() == before))
}

/// The value of a member; others than `known` are refused.
fn member<'o, 'a>(
    object: &'o Object<'a>,
    name: &str,
    known: &[&str],
    problems: &mut Vec<Diagnostic>,
) -> Option<&'o Ast<'a>> {
    for property in &object.properties {
        if !known.contains(&property.name.as_str()) {
            let span = members::from_range(property.range);
            problems.push(wrong::member(span, property.name.as_str(), known));
        }
    }
    object.properties.iter().find(|property| property.name.as_str() == name).map(|found| &found.value)
}

fn span_of(object: &Object<'_>) -> Span {
    members::from_range(object.range)
}

fn curve(object: &Object<'_>, problems: &mut Vec<Diagnostic>) -> Option<Varying> {
    let known = ["__curve__", "ease"];
    let keys = member(object, "__curve__", &known, problems)?;
    let Ast::Object(keys) = keys else {
        problems.push(wrong::curve(members::span(keys), "a curve is an object of frames and values"));
        return None;
    };
    let mut found: Vec<(i64, f64)> = Vec::with_capacity(keys.properties.len());
    for key in members::unique(keys, members::Of::Object, problems) {
        let Ok(frame) = key.name.trim().parse::<i64>() else {
            problems.push(wrong::frame(key.name_span, key.name));
            continue;
        };
        match literal::literal(key.value, problems) {
            Some(Value::Number(number)) => found.extend(number.as_f64().map(|value| (frame, value))),
            Some(_) => problems.push(wrong::curve(members::span(key.value), "a curve has numbers")),
            None => {}
        }
    }
    found.sort_by_key(|key| key.0);
    if let Some(twice) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        problems.push(wrong::curve(span_of(keys), &format!("frame {} is there twice", twice[0].0)));
    }
    if keys.properties.len() < 2 {
        problems.push(wrong::few(span_of(keys), keys.properties.len()));
    }
    let ease = match object.properties.iter().find(|property| property.name.as_str() == "ease") {
        None => Ease::default(),
        Some(ease) => {
            let named = ease.value.as_string_lit().and_then(|name| Ease::named(&name.value));
            if named.is_none() {
                problems.push(wrong::ease(members::span(&ease.value), &Ease::NAMES));
            }
            named?
        }
    };
    Some(Varying::Curve(Curve { keys: found, ease }))
}

fn link(value: &Ast<'_>, problems: &mut Vec<Diagnostic>) -> Option<LinkRef> {
    let before = problems.len();
    match literal::input(value, problems) {
        InputValue::Link(link) => Some(link),
        _ => {
            if problems.len() == before {
                problems.push(wrong::no_link(members::span(value)));
            }
            None
        }
    }
}

fn previous(object: &Object<'_>, problems: &mut Vec<Diagnostic>) -> Option<Varying> {
    let known = ["__previous__", "first"];
    let of = link(member(object, "__previous__", &known, problems)?, problems);
    let Some(first) = object.properties.iter().find(|property| property.name.as_str() == "first") else {
        problems.push(wrong::no_first(span_of(object)));
        return None;
    };
    let first = link(&first.value, problems)?;
    Some(Varying::Previous { of: of?, first })
}

fn rows(object: &Object<'_>, problems: &mut Vec<Diagnostic>) -> Option<Varying> {
    let value = member(object, "__rows__", &["__rows__"], problems)?;
    match value {
        Ast::StringLit(text) if text.value == "labels" => Some(Varying::Labels),
        other => link(other, problems).map(Varying::Rows),
    }
}
