//! Runs of several rows: one graph for the pictures of a folder, the frames of a film, the values of a param, seeds.
//!
//! ```text
//! RowOptions --Rows::of(graph)--> Rows: axes, numbers, names
//!                                   |  for each row: settings, curves and names put in, then as for any run
//!                                   v
//!                          InProcess::run_rows --> Report
//! ```
//!
//! A row is an ordinary run with the same cache, so what does not depend on a row is computed once. Values cross from row
//! to row through nodes that only exist here (module `kept`): `__previous__` and `__rows__` are such nodes.

mod axis;
mod journal;
mod kept;
mod missing;
mod names;
mod prepare;
pub mod range;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;

use axis::{Axis, Step};
use dreamwire_graph::{Class, Code, Diagnostic, Format, Graph, InputValue, Kinds, Varying};
use names::Names;
use serde::{Deserialize, Serialize};

pub use run::{Base, Failed, Report, RowEnd, RowEvent};

/// The code of problems with the rows of a run.
const ROWS: Code = Code::new("run::rows");

/// What to run a graph for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowOptions {
    /// `node.param=DIR|GLOB`: a row for each file.
    pub each: Vec<String>,
    /// `node.param=a,b,c`: a row for each value.
    pub sweep: Vec<String>,
    /// Frames as a range.
    pub frames: Option<String>,
    /// Seeds as a range.
    pub seeds: Option<String>,
    /// Whether axes go together, the first with the first, rather than each with each.
    pub zip: bool,
    /// What to do about input files of frames that are not there.
    pub missing: Missing,
    /// The numbers of the rows to run, as a range; all others are left out.
    pub rows: Option<String>,
    /// Run only part `.0` of `.1` parts.
    pub shard: Option<(usize, usize)>,
    /// Rows that are computed, but not saved, before a row that needs the row before it.
    pub preroll: Option<usize>,
    /// What to do about rows that were done before.
    pub overwrite: Overwrite,
    /// Whether the first failure ends the run.
    pub stop_on_failure: bool,
}

impl RowOptions {
    /// Whether a run has several rows, or could have.
    pub fn is_several(&self) -> bool {
        !self.each.is_empty() || !self.sweep.is_empty() || self.frames.is_some() || self.seeds.is_some()
    }
}

/// What to do about input files of frames that are not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// Refuse the run.
    #[default]
    Error,
    /// Leave out their rows.
    Skip,
    /// Take the file of the frame before.
    Hold,
}

/// What to do about rows that were done before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overwrite {
    /// Leave out rows whose files are there, whatever made them.
    Never,
    /// Leave out rows whose files are there and would come out the same.
    #[default]
    Stale,
    /// Leave out nothing. What is cached is not computed again.
    Always,
}

/// Why rows cannot be run.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// The options are wrong.
    Usage(String),
    /// The graph or its files do not go with them.
    Problem(Box<Diagnostic>),
}

impl Refused {
    fn problem(class: Class, message: impl Into<String>, hint: &str) -> Self {
        Self::Problem(Box::new(Diagnostic::error(ROWS, class, message.into()).hint(hint)))
    }
}

/// One row of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// From 1, in the order of the axes.
    pub number: usize,
    /// What distinguishes it, in words: `a/cat.png, rate=0.5`.
    pub label: String,
    /// Whether no row before it gives it values.
    pub(crate) starts: bool,
    /// Whether it is only there for the rows after it.
    pub(crate) is_preroll: bool,
    frame: i64,
    sets: Vec<(String, String)>,
    /// Files that replace missing ones, by node and param.
    held: Vec<(usize, String, String)>,
    names: Names,
}

/// The rows of a run.
#[derive(Clone, Debug)]
pub struct Rows {
    axes: Vec<Axis>,
    zip: bool,
    total: usize,
    /// The numbers of the rows to run, and whether one is only there for the next.
    selected: Vec<(usize, bool)>,
    left_out: Vec<usize>,
    held: BTreeMap<usize, Vec<(usize, String, String)>>,
    pub(crate) overwrite: Overwrite,
    pub(crate) stop_on_failure: bool,
    /// Whether rows need the value of the row before.
    pub(crate) feedback: bool,
    /// Whether a part of the graph needs the values of all rows, and all rows are run.
    pub(crate) gathers: bool,
    /// Whether that part is left out, because only some rows are run.
    pub is_partial: bool,
}

impl Rows {
    /// The rows of a run of `graph`, which has its overrides. `roots` are the folders of its inputs.
    ///
    /// # Errors
    /// The options do not fit together or do not fit the graph, no file matches, frames are missing, or two rows would
    /// publish files of one name.
    pub fn of(
        options: &RowOptions,
        graph: &Graph,
        kinds: &Kinds,
        roots: &[PathBuf],
    ) -> Result<Self, Refused> {
        refuse_circles(graph)?;
        let axes = axes(options, graph, kinds)?;
        let total = total(&axes, options.zip)?;
        let feedback = graph.varying().any(|place| matches!(place.varying, Varying::Previous { .. }));
        let gathers =
            graph.varying().any(|place| matches!(place.varying, Varying::Rows(_) | Varying::Labels));
        let mut rows = Self {
            axes,
            zip: options.zip,
            total,
            selected: Vec::new(),
            left_out: Vec::new(),
            held: BTreeMap::new(),
            overwrite: options.overwrite,
            stop_on_failure: options.stop_on_failure,
            feedback,
            gathers: false,
            is_partial: false,
        };
        let numbers = selected(options, total).map_err(Refused::Usage)?;
        rows.is_partial = gathers && numbers.len() < total;
        rows.gathers = gathers && !rows.is_partial;
        rows.selected = numbers.into_iter().map(|number| (number, false)).collect();
        if feedback {
            rows.preroll(options.preroll)?;
        }
        rows.find_missing(options.missing, graph, kinds, roots)?;
        rows.refuse_shared_names(graph, kinds)?;
        Ok(rows)
    }

    /// Whether rows need the value of the row before.
    pub fn has_feedback(&self) -> bool {
        self.feedback
    }

    /// How many rows there are in all.
    pub fn total(&self) -> usize {
        self.total
    }

    /// How many of them are to be run.
    pub fn len(&self) -> usize {
        self.selected.iter().filter(|(_, is_preroll)| !is_preroll).count()
    }

    /// Whether none is to be run.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of rows without their input files, which are left out.
    pub fn left_out(&self) -> &[usize] {
        &self.left_out
    }

    /// The rows to run, in order.
    pub fn iter(&self) -> impl Iterator<Item = Row> + '_ {
        self.selected.iter().enumerate().map(|(index, &(number, is_preroll))| {
            let follows = index > 0 && self.selected[index - 1].0 + 1 == number;
            let row = self.row(number);
            // A preroll that is shorter than what was before begins as the first row does.
            Row { is_preroll, starts: row.starts || !follows, ..row }
        })
    }

    fn row(&self, number: usize) -> Row {
        let steps = self.steps(number - 1);
        let mut row = Row {
            number,
            label: String::new(),
            starts: self.starts(number),
            is_preroll: false,
            frame: number as i64,
            sets: Vec::new(),
            held: self.held.get(&number).cloned().unwrap_or_default(),
            names: Names::default(),
        };
        let mut labels = Vec::with_capacity(steps.len());
        for step in steps {
            row.sets.extend(step.sets.iter().cloned());
            for (name, text) in &step.names {
                row.names.texts.entry(name.clone()).or_insert_with(|| text.clone());
            }
            if let Some(frame) = step.frame {
                row.frame = frame;
                row.names.numbers.insert("frame", frame);
            }
            labels.push(step.label.as_str());
        }
        row.names.numbers.insert("row", number as i64);
        if let Some(seed) = row.names.texts.get("seed").and_then(|seed| seed.parse().ok()) {
            row.names.numbers.insert("seed", seed);
        }
        row.label = labels.join(", ");
        row
    }

    /// The place on each axis of a row, by its index; the last axis changes fastest.
    fn steps(&self, index: usize) -> Vec<&Step> {
        if self.zip {
            return self.axes.iter().map(|axis| &axis.steps[index]).collect();
        }
        let mut rest = index;
        let places = self.axes.iter().rev().map(|axis| {
            let place = rest % axis.steps.len();
            rest /= axis.steps.len();
            &axis.steps[place]
        });
        let mut steps: Vec<&Step> = places.collect();
        steps.reverse();
        steps
    }

    /// Rows give values to the next along the last axis.
    fn starts(&self, number: usize) -> bool {
        let length = if self.zip { self.total } else { self.axes.last().map_or(1, |axis| axis.steps.len()) };
        (number - 1).is_multiple_of(length)
    }

    /// Adds the rows that others need before them.
    fn preroll(&mut self, rows: Option<usize>) -> Result<(), Refused> {
        let mut all: Vec<(usize, bool)> = Vec::with_capacity(self.selected.len());
        for &(number, _) in &self.selected {
            let follows = all.last().is_some_and(|(last, _)| last + 1 == number);
            if !follows && !self.starts(number) {
                let Some(rows) = rows else {
                    let message =
                        format!("row {number} needs the value of row {}, which is not run", number - 1);
                    let hint = "run whole sequences, or compute some rows before each part without saving them: --preroll 10";
                    return Err(Refused::problem(Class::Graph, message, hint));
                };
                let mut from = number;
                while number - from < rows
                    && !self.starts(from)
                    && all.last().is_none_or(|(last, _)| *last < from - 1)
                {
                    from -= 1;
                }
                all.extend((from..number).map(|number| (number, true)));
            }
            all.push((number, false));
        }
        self.selected = all;
        Ok(())
    }
}

/// The texts of params of a format that are written in a graph, or are their defaults: node, param and text.
fn texts<'g>(
    graph: &'g Graph,
    kinds: &'g Kinds,
    format: Format,
) -> impl Iterator<Item = (usize, String, String)> + 'g {
    graph.nodes.iter().enumerate().flat_map(move |(index, node)| {
        let params = kinds.get(&node.kind).into_iter().flat_map(|kind| &kind.params.list);
        let params = params.filter(move |param| param.format == Some(format));
        params.filter_map(move |param| {
            let text = match node.input(&param.name) {
                None => param.default.as_ref()?.as_str()?.to_owned(),
                Some(input) => match &input.value {
                    InputValue::Literal(value) => value.as_str()?.to_owned(),
                    _ => return None,
                },
            };
            Some((index, param.name.clone(), text))
        })
    })
}

/// What needs all rows cannot be needed by one of them.
fn refuse_circles(graph: &Graph) -> Result<(), Refused> {
    let after = graph.after_all_rows();
    for place in graph.varying() {
        let (Varying::Previous { of: link, .. } | Varying::Rows(link)) = place.varying else { continue };
        if after.contains(&link.node) {
            let message = format!(
                "`{}` of node `{}` takes a value of `{}`, which is only there after all rows",
                place.input, place.node, link.node
            );
            return Err(Refused::problem(
                Class::Graph,
                message,
                "take it from a node that does not need `__rows__`",
            ));
        }
    }
    Ok(())
}

fn axes(options: &RowOptions, graph: &Graph, kinds: &Kinds) -> Result<Vec<Axis>, Refused> {
    let mut axes = Vec::new();
    for text in &options.each {
        let found = axis::files(text);
        axes.push(found.map_err(|what| match what.contains("node.param=") {
            true => Refused::Usage(what),
            false => Refused::Problem(Box::new(Diagnostic::error(ROWS, Class::Input, what))),
        })?);
    }
    for text in &options.sweep {
        axes.push(axis::values(text).map_err(Refused::Usage)?);
    }
    if let Some(text) = &options.seeds {
        let has_seed = |node: &&dreamwire_graph::Node| {
            kinds.get(&node.kind).is_some_and(|kind| kind.params.get("seed").is_some())
                && node.input("seed").is_none_or(|input| input.value.link().is_none())
        };
        let targets: Vec<String> =
            graph.nodes.iter().filter(has_seed).map(|node| format!("{}.seed", node.id)).collect();
        axes.push(axis::seeds(text, &targets).map_err(Refused::Usage)?);
    }
    if let Some(text) = &options.frames {
        axes.push(axis::frames(text).map_err(Refused::Usage)?);
    }
    let targets = |axis: &Axis| -> Vec<String> {
        axis.steps
            .first()
            .map_or(Vec::new(), |step| step.sets.iter().map(|(target, _)| target.clone()).collect())
    };
    let mut known: Vec<String> = Vec::new();
    for target in axes.iter().flat_map(targets) {
        if known.contains(&target) {
            return Err(Refused::Usage(format!("`{target}` would be set twice in each row")));
        }
        known.push(target);
    }
    let mut trial = graph.clone();
    for axis in &axes {
        // What is wrong with a target or a value is wrong before anything runs.
        for (target, text) in axis.steps.iter().flat_map(|step| &step.sets) {
            trial.set(&format!("{target}={text}"), kinds).map_err(|what| {
                let option = axis.option.split(' ').next().unwrap_or_default();
                Refused::Usage(format!("{option}: {what}"))
            })?;
        }
    }
    Ok(axes)
}

/// How many rows axes make.
fn total(axes: &[Axis], zip: bool) -> Result<usize, Refused> {
    if zip {
        let first = axes.first().map_or(1, |axis| axis.steps.len());
        if let Some(other) = axes.iter().find(|axis| axis.steps.len() != first) {
            let (a, b) = (&axes[0].option, &other.option);
            let message = format!("--zip: `{a}` has {first} rows, but `{b}` has {}", other.steps.len());
            return Err(Refused::Usage(message));
        }
        return Ok(first);
    }
    let total = axes.iter().try_fold(1usize, |total, axis| total.checked_mul(axis.steps.len()));
    match total.filter(|total| *total <= range::MOST) {
        Some(total) => Ok(total),
        None => Err(Refused::Usage(format!("these are more than {} rows", range::MOST))),
    }
}

/// The numbers of the rows to run.
fn selected(options: &RowOptions, total: usize) -> Result<Vec<usize>, String> {
    let mut numbers: Vec<usize> = match &options.rows {
        None => (1..=total).collect(),
        Some(text) => {
            let asked = range::integers(text).map_err(|what| format!("--rows: {what}"))?;
            let mut numbers = Vec::with_capacity(asked.len());
            for number in asked {
                let number = usize::try_from(number).ok().filter(|number| (1..=total).contains(number));
                numbers.push(number.ok_or_else(|| format!("--rows: `{text}`: there are rows 1 to {total}"))?);
            }
            numbers.sort_unstable();
            numbers
        }
    };
    if let Some((part, parts)) = options.shard {
        // Balanced and contiguous; together they are all rows.
        let at = |part: usize| numbers.len() * part / parts;
        numbers = numbers[at(part - 1)..at(part)].to_vec();
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests;
