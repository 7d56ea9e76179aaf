//! The syntax tree of a file in the editor's own form to a `Document`.

use std::collections::HashMap;

use jsonc_parser::ast::{Array, Object, Value as Ast};

use super::Types;
use super::document::{Document, Item, Level, Mode, OUTPUTS, Slot, Wire};
use super::widgets::{self, Widgets};
use crate::diagnostic::Diagnostic;
use crate::diagnostics::{duplicate_key, ui_format};
use crate::parse::literal;
use crate::parse::members::{self, Of};
use crate::source::Span;

/// Everything that could be read.
pub(super) fn document(object: &Object<'_>, problems: &mut Vec<Diagnostic>) -> Document {
    let mut document = Document::default();
    let mut objects = vec![object];
    let mut places: HashMap<String, Span> = HashMap::new();
    let mut at = 0;
    while let Some(object) = objects.get(at).copied() {
        let list =
            object.get_object("definitions").and_then(|definitions| definitions.get_array("subgraphs"));
        for subgraph in list.into_iter().flat_map(|list| &list.elements) {
            let Ast::Object(subgraph) = subgraph else {
                problems.push(ui_format::subgraph(members::span(subgraph)));
                continue;
            };
            let Some((id, span)) = subgraph.get("id").and_then(|id| self::id(&id.value)) else {
                problems.push(ui_format::no_id("a subgraph", start(subgraph)));
                continue;
            };
            if let Some(first) = places.get(&id) {
                problems.push(duplicate_key::subgraph(&id, *first, span));
                continue;
            }
            document.subgraphs.insert(id.clone(), objects.len());
            places.insert(id, span);
            objects.push(subgraph);
        }
        at += 1;
    }
    document.levels = objects.into_iter().map(|object| level(object, problems)).collect();
    document
}

fn level(object: &Object<'_>, problems: &mut Vec<Diagnostic>) -> Level {
    let mut level = Level::default();
    for member in members::unique(object, Of::Object, problems) {
        match member.name {
            "name" => level.name = text(member.value).unwrap_or_default(),
            "nodes" => {
                for value in list("nodes", member.value, problems) {
                    nodes(value, &mut level, problems);
                }
            }
            "links" => {
                for value in list("links", member.value, problems) {
                    link(value, &mut level, problems);
                }
            }
            // Of a subgraph.
            "inputs" => {
                let names = list("inputs", member.value, problems).iter().map(|input| {
                    let name = input.as_object().and_then(|input| input.get_string("name"));
                    name.map(|name| name.value.to_string()).unwrap_or_default()
                });
                level.inputs = names.collect();
            }
            _ => {}
        }
    }
    level
}

fn nodes(value: &Ast<'_>, level: &mut Level, problems: &mut Vec<Diagnostic>) {
    let Some(item) = item(value, problems) else { return };
    match level.ids.get(&item.id) {
        Some(&first) => {
            problems.push(duplicate_key::node(&item.id, level.nodes[first].id_span, item.id_span));
        }
        None => {
            level.ids.insert(item.id.clone(), level.nodes.len());
            level.nodes.push(item);
        }
    }
}

fn item(value: &Ast<'_>, problems: &mut Vec<Diagnostic>) -> Option<Item> {
    let Ast::Object(object) = value else {
        problems.push(ui_format::node(members::span(value)));
        return None;
    };
    let Some((id, id_span)) = object.get("id").and_then(|id| self::id(&id.value)) else {
        problems.push(ui_format::no_id("a node", start(object)));
        return None;
    };
    problems.extend(members::unprintable(&id, id_span));
    let span = members::from_range(object.range);
    let mut item = Item {
        id,
        id_span,
        span,
        kind: String::new(),
        kind_span: id_span,
        mode: Mode::Active,
        title: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        widgets: Widgets::default(),
        shown: Vec::new(),
    };
    let before = problems.len();
    for member in members::unique(object, Of::Object, problems) {
        match member.name {
            "type" => {
                item.kind_span = members::span(member.value);
                item.kind = text(member.value).unwrap_or_default();
                problems.extend(members::unprintable(&item.kind, item.kind_span));
            }
            "mode" => {
                item.mode = match number(member.value) {
                    Some(2) => Mode::Muted,
                    Some(4) => Mode::Bypassed,
                    _ => Mode::Active,
                }
            }
            "title" => item.title = text(member.value),
            "inputs" => item.inputs = slots(member.value, problems),
            "outputs" => {
                let outputs = list("outputs", member.value, problems).iter();
                item.outputs =
                    outputs.map(|output| output.as_object().map(types).unwrap_or_default()).collect();
            }
            "widgets_values" => widgets::read(member.value, &mut item.widgets, problems),
            "widgets_values_named" => {
                item.widgets.values.clear();
                widgets::read(member.value, &mut item.widgets, problems);
            }
            "properties" => item.shown = shown(member.value),
            _ => {}
        }
    }
    // Of both, the names are surer, whichever came first.
    if !item.widgets.given.is_empty() {
        item.widgets.values.clear();
    }
    let widgets = item.inputs.iter().filter(|slot| slot.is_widget);
    item.widgets.listed = widgets.map(|slot| (slot.name.clone(), slot.name_span)).collect();
    if item.kind.is_empty() {
        problems.push(ui_format::no_type(&item.id, item.kind_span));
    }
    for problem in &mut problems[before..] {
        if problem.subject.is_none() {
            *problem = problem.clone().about(&item.id, "");
        }
    }
    Some(item)
}

fn slots(value: &Ast<'_>, problems: &mut Vec<Diagnostic>) -> Vec<Slot> {
    let mut slots = Vec::new();
    for value in list("inputs", value, problems) {
        let Some(object) = value.as_object() else {
            problems.push(ui_format::slot(members::span(value)));
            continue;
        };
        let widget = object.get_object("widget");
        let name = widget.and_then(|widget| widget.get_string("name")).or_else(|| object.get_string("name"));
        let Some(name) = name else {
            problems.push(ui_format::slot(start(object)));
            continue;
        };
        let name_span = members::from_range(name.range);
        problems.extend(members::unprintable(&name.value, name_span));
        slots.push(Slot {
            name: name.value.to_string(),
            name_span,
            types: types(object),
            link: object.get("link").and_then(|link| id(&link.value)),
            is_widget: widget.is_some(),
        });
    }
    slots
}

/// A link in either form: `[id, node, output, node, input, type]`, or an object with these names.
fn link(value: &Ast<'_>, level: &mut Level, problems: &mut Vec<Diagnostic>) {
    let fields = match value {
        // Where the editor had a link that is gone.
        Ast::NullKeyword(_) => return,
        Ast::Array(array) => of_array(array),
        Ast::Object(object) => of_object(object),
        _ => None,
    };
    let wire = fields.and_then(|[link, origin, slot, target, input]| {
        let (link, link_span) = id(link)?;
        let ((origin, origin_span), slot_span) = (id(origin)?, members::span(slot));
        let wire = Wire { origin, origin_span, slot: number(slot)?, slot_span };
        Some((link, link_span, wire, id(target)?.0, number(input)))
    });
    let Some((link, link_span, wire, target, input)) = wire else {
        problems.push(ui_format::link(members::span(value)));
        return;
    };
    problems.extend(members::unprintable(&wire.origin, wire.origin_span));
    if let (true, Some(output)) = (target == OUTPUTS, input) {
        level.outputs.insert(output, link.clone());
    }
    match level.links.get(&link) {
        Some(first) if (&first.origin, first.slot) != (&wire.origin, wire.slot) => {
            problems.push(duplicate_key::link(&link, first.origin_span, link_span));
        }
        _ => drop(level.links.insert(link, wire)),
    }
}

fn of_array<'a>(array: &'a Array<'a>) -> Option<[&'a Ast<'a>; 5]> {
    match array.elements.as_slice() {
        [link, origin, slot, target, input, ..] => Some([link, origin, slot, target, input]),
        _ => None,
    }
}

fn of_object<'a>(object: &'a Object<'a>) -> Option<[&'a Ast<'a>; 5]> {
    let field = |name| object.get(name).map(|member| &member.value);
    let (origin, target) = (field("origin_id")?, field("target_id")?);
    Some([field("id")?, origin, field("origin_slot")?, target, field("target_slot")?])
}

fn types(object: &Object<'_>) -> Types {
    match object.get("type").map(|member| &member.value) {
        Some(Ast::StringLit(text)) => Types::of(&text.value),
        // A list of choices, in old files.
        Some(Ast::Array(_)) => Types::of("COMBO"),
        // LiteGraph's own word for anything.
        Some(Ast::NumberLit(_)) => Types::of("*"),
        _ => Types::default(),
    }
}

/// `proxyWidgets` of a node's properties.
fn shown(properties: &Ast<'_>) -> Vec<(String, String)> {
    let list = properties.as_object().and_then(|properties| properties.get_array("proxyWidgets"));
    let pairs = list.into_iter().flat_map(|list| &list.elements).map(|pair| {
        let pair = pair.as_array().map(|pair| pair.elements.as_slice()).unwrap_or_default();
        let [node, name, ..] = pair else { return Default::default() };
        let printable = |name: &String| members::unprintable(name, Span::default()).is_none();
        (id(node).map(|(id, _)| id).unwrap_or_default(), text(name).filter(printable).unwrap_or_default())
    });
    pairs.collect()
}

/// The elements of a list; null is an empty one.
fn list<'a>(name: &str, value: &'a Ast<'a>, problems: &mut Vec<Diagnostic>) -> &'a [Ast<'a>] {
    match value {
        Ast::Array(array) => &array.elements,
        Ast::NullKeyword(_) => &[],
        _ => {
            problems.push(ui_format::not_a_list(name, members::span(value)));
            &[]
        }
    }
}

/// An id as text, and its place.
fn id(value: &Ast<'_>) -> Option<(String, Span)> {
    let text = match value {
        Ast::StringLit(text) => text.value.to_string(),
        Ast::NumberLit(number) => match literal::index(number.value) {
            Some(index) => index.to_string(),
            None => number.value.to_owned(),
        },
        _ => return None,
    };
    Some((text, members::span(value)))
}

fn number(value: &Ast<'_>) -> Option<u64> {
    literal::index(value.as_number_lit()?.value)
}

fn text(value: &Ast<'_>) -> Option<String> {
    value.as_string_lit().map(|text| text.value.to_string())
}

/// The opening brace.
fn start(object: &Object<'_>) -> Span {
    Span::new(object.range.start, object.range.start + 1)
}
