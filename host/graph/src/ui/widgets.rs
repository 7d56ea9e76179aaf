//! The values of widgets: which input each belongs to, and how it differs from the value in a graph of ours.

use std::collections::{HashMap, HashSet};

use jsonc_parser::ast::Value as Ast;
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::diagnostics::{ui_format, widget_count};
use crate::editor;
use crate::graph::{Graph, Input, InputValue, Node};
use crate::kinds::{KindInfo, Kinds};
use crate::params::{Format, Param, ParamType, check_param};
use crate::parse::MAX_ITEMS;
use crate::parse::literal;
use crate::parse::members::{self, Of};
use crate::source::Span;

/// What the editor keeps beside an input that it changes by itself after each run.
const AFTER_RUN: [&str; 5] = ["fixed", "increment", "decrement", "randomize", "increment-wrap"];

/// What its buttons for uploads give.
const UPLOADS: [&str; 3] = ["image", "video", "audio"];

/// What the widget of a boolean shows that may be missing, and is. It has three states, so it is no switch.
pub const AUTO: &str = "auto";

/// The values of a node's widgets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Widgets {
    /// In the order of the widgets.
    pub(super) values: Vec<Widget>,
    /// By name.
    pub(super) given: Vec<(String, Widget)>,
    /// The inputs of the file that belong to widgets: all, or in old files those that were made to take links.
    pub(super) listed: Vec<(String, Span)>,
}

/// The value of a widget.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Widget {
    /// Why it cannot be read is told only if it is needed: widgets of the editor alone give objects too.
    value: Result<Value, Box<Diagnostic>>,
    span: Span,
}

impl Widgets {
    pub(super) fn first(&self) -> Option<&Widget> {
        self.values.first().or_else(|| self.given.first().map(|(_, widget)| widget))
    }
}

impl Widget {
    fn read(value: &Ast<'_>) -> Self {
        let mut problems = Vec::new();
        let read = match value {
            Ast::Object(object) => literal::wrapped(object, &mut problems),
            _ => literal::literal(value, &mut problems),
        };
        let span = members::span(value);
        let unread = || problems.into_iter().next().unwrap_or_else(|| ui_format::widgets(span));
        Widget { value: read.ok_or_else(|| Box::new(unread())), span }
    }

    pub(super) fn is_null(&self) -> bool {
        self.value == Ok(Value::Null)
    }

    fn is_upload(&self) -> bool {
        matches!(&self.value, Ok(Value::String(text)) if UPLOADS.contains(&&**text))
    }

    /// Whether it may be of a widget that the editor adds to those of the kind.
    fn may_be_added(&self) -> bool {
        match &self.value {
            Ok(Value::String(text)) => AFTER_RUN.contains(&&**text) || self.is_upload(),
            Ok(Value::Null) | Err(_) => true,
            Ok(_) => false,
        }
    }

    /// Whether it is of such a widget, after that of one param and where that of another may be.
    fn is_added(&self, before: Option<&Param>, here: Option<&Param>) -> bool {
        let Ok(value) = &self.value else { return true };
        let changes = before.is_none_or(|param| param.ty == ParamType::Integer || !param.choices.is_empty());
        let after_run = value.as_str().is_some_and(|text| AFTER_RUN.contains(&text));
        let fits = here.is_none_or(|param| check_param(param, &from_widget(param, value.clone())).is_ok());
        let of_file = before.is_some_and(|param| param.format == Some(Format::File));
        (after_run && changes) || (of_file && self.is_upload()) || (self.may_be_added() && !fits)
    }
}

/// Reads `widgets_values`: a list in the order of widgets, or an object by their names.
pub(super) fn read(value: &Ast<'_>, widgets: &mut Widgets, problems: &mut Vec<Diagnostic>) {
    match value {
        Ast::Array(array) => widgets.values = array.elements.iter().map(Widget::read).collect(),
        Ast::Object(object) => {
            for member in members::unique(object, Of::Object, problems) {
                widgets.given.push((member.name.to_owned(), Widget::read(member.value)));
            }
        }
        Ast::NullKeyword(_) => {}
        _ => problems.push(ui_format::widgets(members::span(value))),
    }
}

impl Graph {
    /// Makes inputs of the values that a graph in the editor's own form gives by the order of its widgets, and problems
    /// of values that belong to no input. Nodes of unknown kinds stay as they are, and so does a graph of the other form.
    pub fn name_widgets(&mut self, kinds: &Kinds) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for node in &mut self.nodes {
            let Some(kind) = kinds.get(&node.kind) else { continue };
            if let Some(widgets) = node.widgets.take() {
                name(node, *widgets, kind, &mut problems);
            }
        }
        problems
    }

    /// Gives the values that a widget of the editor writes in another way (see [`from_widget`]) the form of a graph file,
    /// for a graph that the editor sent as it queues it.
    pub fn read_widgets(&mut self, kinds: &Kinds) {
        for node in &mut self.nodes {
            let Some(kind) = kinds.get(&node.kind) else { continue };
            for input in &mut node.inputs {
                if let (Some(param), InputValue::Literal(value)) =
                    (kind.params.get(&input.name), &mut input.value)
                {
                    *value = from_widget(param, std::mem::take(value));
                }
            }
        }
    }
}

/// A value and the name that it belongs to; none if it is not known which value that is.
struct Named<'w> {
    name: &'w str,
    span: Span,
    widget: Option<&'w Widget>,
}

fn name(node: &mut Node, widgets: Widgets, kind: &KindInfo, problems: &mut Vec<Diagnostic>) {
    let Widgets { values, given, listed } = widgets;
    let last = values.last().map_or(node.kind_span, |last| last.span);
    let params: Vec<&str> = kind.params.list.iter().map(|param| param.name.as_str()).collect();
    let inputs: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
    // Kinds of ours may have params after those of ComfyUI's, where an upload's word would be taken for one of them.
    let uploads = kind.params.list.iter().any(|param| param.format == Some(Format::File));
    let own = match values.as_slice() {
        [own @ .., last] if uploads && !own.is_empty() && last.is_upload() => own,
        all => all,
    };
    let by_params = || in_order(own, &params, kind);
    let by_inputs = || if inputs.is_empty() { None } else { in_order(&values, &inputs, kind) };
    // Whoever wrote the file knew its kinds better, if all their widgets are among the inputs.
    let found = match values.len() == inputs.len() {
        true => by_inputs().or_else(by_params),
        false => by_params().or_else(by_inputs),
    };
    let in_order = found.unwrap_or_else(|| {
        problems.push(widget_count::new(node, kind, values.len(), last).about(&node.id, ""));
        // They are given, but it is not known which is which.
        params.iter().map(|name| Named { name, span: last, widget: None }).collect()
    });

    let given = given.iter().map(|(name, widget)| Named { name, span: widget.span, widget: Some(widget) });
    let places: HashMap<&str, Span> = listed.iter().map(|(name, span)| (name.as_str(), *span)).collect();
    let mut seen: HashSet<String> = node.inputs.iter().map(|input| input.name.clone()).collect();
    for Named { name, span, widget } in given.chain(in_order) {
        let param = kind.params.get(name);
        // What an editor adds is no news in its own form.
        if (param.is_none() && editor::is_input(name)) || !seen.insert(name.to_owned()) {
            continue;
        }
        let value = match widget.map(|widget| widget.value.clone()) {
            Some(Ok(value)) => InputValue::Literal(match param {
                Some(param) => from_widget(param, value),
                None => value,
            }),
            Some(Err(problem)) => {
                problems.push(problem.about(&node.id, name));
                InputValue::Unread
            }
            None => InputValue::Unread,
        };
        // A name that the file lists has a place of its own.
        let name_span = places.get(name).copied().filter(|_| widget.is_some()).unwrap_or(span);
        let value_span = Some(span);
        node.inputs.push(Input { name: name.to_owned(), name_span, value, value_span });
    }
}

/// The values with the names of these widgets.
fn in_order<'w>(values: &'w [Widget], names: &[&'w str], kind: &KindInfo) -> Option<Vec<Named<'w>>> {
    let params: Vec<Option<&Param>> = names.iter().map(|name| kind.params.get(name)).collect();
    let places = places(values, &params)?;
    let named = names.iter().zip(places).map(|(name, place)| {
        let widget = &values[place];
        Named { name, span: widget.span, widget: Some(widget) }
    });
    Some(named.collect())
}

/// The place of the value of each of these widgets; of one that is no param, nothing is known. There are more values
/// only by what the editor adds: a word after the value that it belongs to, and one at the end for an upload. A list that
/// is too short has the values of the first widgets.
fn places(values: &[Widget], widgets: &[Option<&Param>]) -> Option<Vec<usize>> {
    let mut surplus = values.len().saturating_sub(widgets.len());
    let mut places = Vec::with_capacity(widgets.len().min(values.len()));
    let (mut at, mut before) = (0, None);
    for &param in widgets.iter().take(values.len()) {
        while surplus > 0 && before.is_some_and(|before| values[at].is_added(before, param)) {
            (at, surplus) = (at + 1, surplus - 1);
        }
        places.push(at);
        (at, before) = (at + 1, Some(param));
    }
    values[at..].iter().all(Widget::may_be_added).then_some(places)
}

/// The value of a param, from that of its widget. A widget holds a list as text, `[1, 2]` or `1, 2`, and an empty text
/// where there is no value; a boolean that may be missing says [`AUTO`].
pub fn from_widget(param: &Param, value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    let text = text.trim();
    let is_auto = param.ty == ParamType::Boolean && text == AUTO;
    let none =
        (text.is_empty() || is_auto) && param.nullable() && !param.choices.iter().any(String::is_empty);
    let other = match &param.ty {
        _ if none => Some(Value::Null),
        ParamType::String => None,
        ParamType::Array(item) => items(text, item).map(Value::Array),
        // A number that may be missing has a widget of text.
        _ if param.nullable() => literal::of_text(text),
        _ => None,
    };
    other.unwrap_or(value)
}

/// The items of a list as text.
fn items(text: &str, item: &ParamType) -> Option<Vec<Value>> {
    let list = |text: &str| match literal::of_text(text) {
        Some(Value::Array(items)) => Some(items),
        _ => None,
    };
    let words = || match (text, item) {
        ("", _) => Some(Vec::new()),
        (_, ParamType::String) => Some(text.split(',').map(|word| Value::from(word.trim())).collect()),
        _ => list(&format!("[{text}]")),
    };
    list(text).or_else(words).filter(|items| items.len() <= MAX_ITEMS)
}

/// The value of a param's widget, from that of the param: the other direction of [`from_widget`].
pub fn to_widget(param: &Param, value: &Value) -> Value {
    match (&param.ty, value) {
        (ParamType::Array(_), Value::Array(_)) => Value::String(value.to_string()),
        (ParamType::String | ParamType::Array(_), Value::Null) => Value::String(String::new()),
        (ParamType::Boolean, Value::Null) => Value::String(AUTO.to_owned()),
        (ParamType::Boolean, Value::Bool(_)) if param.nullable() => Value::String(value.to_string()),
        _ => value.clone(),
    }
}
