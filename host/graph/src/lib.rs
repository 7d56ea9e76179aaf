//! Parses and checks graph files.
//!
//! ```text
//! Source --parse--> Graph --name_widgets(kinds)--> Graph --check(kinds)--> Checked
//!    |                |                              |                       |
//!    +---- spans -----+------------------ diagnostics +-----------------------+
//! ```
//!
//! Each arrow is one function that reports every problem, not only the first, together with what it could
//! make of the rest:
//!
//! 1. [`parse`] knows the syntax of the file: JSON with comments, nodes with a `class_type` and `inputs`,
//!    links as `["node", "output"]`. It knows no kinds.
//!    It also reads the editor's own form, lists of nodes and links, which becomes the same `Graph`.
//! 2. [`Graph::name_widgets`] finds the inputs of the values that the editor's own form gives by their order alone.
//!    For another graph it does nothing.
//! 3. [`Graph::set`] replaces values, typed by the kind's schema: `--set dream.octaves=5`.
//!    An input may differ from row to row of a run ([`Varying`]); the rows are made elsewhere, and what
//!    is checked here is the graph as a run of one row has it.
//! 4. [`check`] knows the [`Kinds`] of the plugins. It resolves links, compares types, fills in defaults
//!    (here and nowhere else), checks values with [`check_param`], fills `%node.param%` into the names of
//!    outputs ([`prefix`]), finds an order, and warns about nodes that are not run and about what only
//!    ComfyUI needs.
//!
//! A [`Diagnostic`] has a stable [`Code`], places in the source, and a hint. [`sort`] puts the problems of
//! all steps in the order of the file. The kinds of problems are in `diagnostics/`, one file each: what it
//! is, an example, its message, and a test. When parsing could not read something, the graph is `damaged`:
//! checking still covers the rest, but does not report what may only be unread.
//!
//! ```
//! use dreamwire_graph::{Kinds, Source, check, parse};
//!
//! let source = Source::new("cat.json", r#"{ "photo": { "class_type": "LoadImage" } }"#);
//! let (graph, problems) = parse(&source);
//! assert!(problems.is_empty());
//! let (checked, problems) = check(&graph, &Kinds::new());
//! assert!(checked.is_none());
//! assert_eq!(problems[0].message, "unknown kind `LoadImage`");
//! assert_eq!(source.slice(problems[0].labels[0].span), "\"LoadImage\"");
//! ```
//!
//! This crate opens no file (missing pictures are reported by the engine), loads no plugin, prints nothing,
//! and never changes a user's text. Nothing in it recurses over nodes: a chain may be as long as a graph may
//! be large.

mod source;

mod graph;
mod parse;
mod row;
mod set;
mod ui;

mod kinds;
mod params;

mod check;
mod checked;

mod diagnostic;
mod diagnostics;
mod hint;
mod suggest;
mod varying;

mod editor;
mod effective;
mod file_schema;
pub mod prefix;
pub mod reference;

#[cfg(test)]
mod testing;

pub use check::check;
pub use checked::{Checked, CheckedNode, Link};
pub use diagnostic::{Class, Code, Diagnostic, Label, MAX_PROBLEMS, Severity, Subject, sort};
pub use file_schema::file_schema;
pub use graph::{Beside, Form, Graph, Input, InputValue, LinkRef, Node, OutputRef};
pub use hint::{Hint, Setting};
pub use kinds::{KindInfo, Kinds, Port};
pub use params::{Format, Param, ParamType, Params, Problem, bound, bound_value, check_param};
pub use parse::parse;
pub use row::OutputName;
pub use source::{MAX_BYTES, Source, Span};
pub use suggest::{did_you_mean, did_you_mean_file};
pub use ui::{MANY_SLOTS, from_widget, port_type, to_widget};
pub use varying::{Curve, Ease, Place, Varying};
