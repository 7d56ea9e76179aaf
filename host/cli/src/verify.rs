//! `dreamwire verify`: whether a picture would come out the same here.

mod again;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dreamwire_engine::{Event, Plan, Record, Stamps};
use dreamwire_graph::{Checked, Diagnostic, Source, parse, sort};
use dreamwire_session::{Hears, InProcess, Job, Judging, SavedPicture, Settings, understand};

use crate::args::{Global, VerifyArgs, cores};
use crate::console::Console;
use crate::exit::Exit;
use crate::{open, render};
use report::Report;

/// `dreamwire verify`. Writes nothing that stays.
pub(crate) fn verify(args: &VerifyArgs, global: &Global, console: Console) -> Exit {
    Console::keep_standard_output();
    look(args, global, console).unwrap_or_else(|exit| exit)
}

fn look(args: &VerifyArgs, global: &Global, console: Console) -> Result<Exit, Exit> {
    let name = args.picture.display().to_string();
    let picture = SavedPicture::read(&args.picture).map_err(|error| {
        console.talk(&format!("error: cannot read `{name}`: {error}"));
        Exit::INPUT
    })?;
    let allow_nonfinite = picture.record.as_ref().is_some_and(Record::allows_nonfinite);
    // Only to read `name [output]` from it: nothing is published there.
    let out = args.picture.parent().map_or_else(PathBuf::new, Path::to_owned);
    let settings = args.settings(out, allow_nonfinite, console)?;
    let job = job(&settings, picture.record.as_ref(), global, console)?;
    let mut report = Report::new(name, &picture);
    if let Some(record) = &picture.record {
        let (now, unreadable) = InProcess::new(&settings)
            .record(&job, &record.node, &Silent)
            .map_err(|problems| shown(&job.source, problems, console))?;
        match now {
            Some(now) => report.compare(&job.plan, record, &now, &unreadable),
            None => report.add_missing_node(&record.node),
        }
    }
    if args.run {
        report.same_again = Some(again::run(args, &picture, &job, allow_nonfinite, console)?);
    }
    Ok(report.show(args.json, console))
}

/// The part of the graph that made the picture, or all of it if that is not known.
fn job(settings: &Settings, record: Option<&Record>, global: &Global, console: Console) -> Result<Job, Exit> {
    let (source, problems) = settings.graph.read();
    if !problems.is_empty() {
        return Err(shown(&source, problems, console));
    }
    let session = open::session(global, cores(), console)?;
    let understood = understand(parse(&source), &[], &*session.loader, Judging::Here);
    let mut understood = understood.map_err(|_| Exit::BUG)?;
    let Some(checked) = understood.whole() else {
        return Err(shown(&source, understood.problems, console));
    };
    Ok(Job {
        source: Arc::new(source),
        plan: Arc::new(towards(checked, understood.provenance, record)),
        loader: session.loader,
        options: settings.options,
        warnings: Vec::new(),
        texts: BTreeMap::new(),
        cancel: Arc::default(),
    })
}

fn towards(checked: Checked, provenance: String, record: Option<&Record>) -> Plan {
    let node = record.and_then(|record| checked.nodes.iter().position(|node| node.id == record.node));
    let plan = Plan::new(checked, provenance);
    match node {
        Some(node) => plan.towards(&[node]),
        None => plan,
    }
}

/// Shows problems that leave nothing to compare.
fn shown(source: &Source, mut problems: Vec<Diagnostic>, console: Console) -> Exit {
    sort(&mut problems);
    console.drawn(&render::problems(source, &problems, console.color));
    Exit::of(&problems).unwrap_or(Exit::GRAPH)
}

/// Hears nothing.
struct Silent;

impl Hears for Silent {
    fn read(&self, _: Stamps) {}

    fn event(&self, _: Event) {}
}
