use std::collections::HashMap;

use jsonc_parser::ast::{Object, ObjectPropName, Value};
use jsonc_parser::common::{Range, Ranged};

use crate::diagnostic::Diagnostic;
use crate::diagnostics::{duplicate_key, encoding};
use crate::source::Span;

/// One `"name": value` of an object.
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) name_span: Span,
    pub(crate) value: &'a Value<'a>,
}

/// The role of an object, for messages.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// The whole graph: names are node ids.
    Graph,
    /// Anything else.
    Object,
}

/// The members of an object, each name once. JSON parsers silently drop one of two equal keys, and with it a node.
pub(crate) fn unique<'a>(object: &'a Object<'a>, of: Of, problems: &mut Vec<Diagnostic>) -> Vec<Member<'a>> {
    let mut seen: HashMap<&str, Span> = HashMap::with_capacity(object.properties.len());
    let mut members = Vec::with_capacity(object.properties.len());
    for property in &object.properties {
        let (name, name_span) = match &property.name {
            ObjectPropName::String(name) => (name.value.as_ref(), from_range(name.range)),
            ObjectPropName::Word(name) => (name.value, from_range(name.range)),
        };
        problems.extend(unprintable(name, name_span));
        if let Some(first) = seen.get(name) {
            problems.push(match of {
                Of::Graph => duplicate_key::node(name, *first, name_span),
                Of::Object => duplicate_key::key(name, *first, name_span),
            });
            continue;
        }
        seen.insert(name, name_span);
        members.push(Member { name, name_span, value: &property.value });
    }
    members
}

/// Refuses characters that would break a line or control a terminal: names appear in messages, lists and logs.
pub(crate) fn unprintable(name: &str, span: Span) -> Option<Diagnostic> {
    let bad = name.chars().find(|&c| is_unprintable(c))?;
    Some(if bad == '\0' { encoding::nul(span) } else { encoding::unprintable(span, bad) })
}

/// Control characters, line separators, and bidirectional controls.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(crate) fn from_range(range: Range) -> Span {
    Span::new(range.start, range.end)
}

pub(crate) fn span(value: &Value<'_>) -> Span {
    from_range(match value {
        Value::StringLit(value) => value.range(),
        Value::NumberLit(value) => value.range(),
        Value::BooleanLit(value) => value.range(),
        Value::Object(value) => value.range(),
        Value::Array(value) => value.range(),
        Value::NullKeyword(value) => value.range(),
    })
}
