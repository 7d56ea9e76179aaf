//! The output of a run: bars, lines, JSON or nothing.

mod bar;
mod openjd;
mod plain;
mod preview;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dreamwire_engine::{Batches, Event, Level, Stopped, Summary};
use dreamwire_graph::{Diagnostic, Source, sort};
use dreamwire_session::{End, Job, events};
use serde_json::{Value, json};

use crate::args::Progress;
use crate::console::{Console, clean, log_line};
use crate::exit::Exit;
use crate::{interrupt, render};

pub(crate) use plain::seconds;

/// Shows the progress of a run, from any thread.
pub(crate) struct Listener {
    console: Console,
    form: Form,
    previews: Option<preview::Previews>,
    /// The steps of this run that could not run, by the one that failed.
    skipped: Mutex<plain::Skipped>,
}

enum Form {
    Bar(bar::Bars),
    Plain(plain::Pace),
    Json,
    Openjd(openjd::Report),
    None,
}

impl Listener {
    /// `preview` shows pictures while they are made, on a terminal.
    pub(crate) fn new(progress: Progress, preview: bool, console: Console) -> Self {
        let form = match progress {
            Progress::Bar if console.terminal => Form::Bar(bar::Bars::new()),
            Progress::Bar => Form::Plain(plain::Pace::default()),
            Progress::Json => Form::Json,
            Progress::Openjd => Form::Openjd(openjd::Report::new(console)),
            Progress::None => Form::None,
        };
        let draws = preview && console.terminal && matches!(form, Form::Bar(_) | Form::Plain(_));
        let previews = draws.then(preview::Previews::new);
        Listener { console, form, previews, skipped: Mutex::default() }
    }

    /// Shows an event of a run.
    pub(crate) fn hear(&self, event: &Event) {
        match &self.form {
            Form::Json => self.console.data(&line(&events::event(event))),
            form => {
                match form {
                    Form::Bar(bars) => bars.hear(event),
                    Form::Openjd(report) => report.hear(event),
                    _ => {}
                }
                if let (Some(previews), Event::Preview { image, .. }) = (&self.previews, event)
                    && let Some(picture) = previews.draw(image)
                {
                    self.drawn(&picture);
                }
                if let (Form::Plain(pace), Event::Progress { node, done, total, note }) = (form, event)
                    && pace.is_due(node)
                {
                    self.talk(&plain::progress(node, *done, *total, note));
                }
                if let Event::Skipped { node, failed } = event {
                    self.skipped.lock().unwrap_or_else(PoisonError::into_inner).add(node, failed);
                }
                let quiet = matches!(form, Form::None);
                if let Some(text) = plain::text(event, matches!(form, Form::Bar(_)), quiet, self.console) {
                    self.talk(&text);
                }
            }
        }
    }

    /// Shows an event of a run of several rows: of the steps only the bars, warnings, and what programs read.
    pub(crate) fn hear_in_row(&self, event: &Event) {
        match &self.form {
            Form::Json => self.console.data(&line(&events::event(event))),
            form => {
                match form {
                    Form::Bar(bars) => bars.hear(event),
                    Form::Openjd(report) => report.hear(event),
                    _ => {}
                }
                if matches!(event, Event::Log { .. } | Event::Device { .. })
                    && let Some(text) = plain::text(event, true, matches!(form, Form::None), self.console)
                {
                    self.talk(&text);
                }
            }
        }
    }

    /// Begins to count rows.
    pub(crate) fn rows(&self, count: usize) {
        match &self.form {
            Form::Bar(bars) => bars.rows(count),
            Form::Openjd(report) => report.rows(count),
            _ => {}
        }
    }

    /// Tells which row runs, after so many.
    pub(crate) fn row(&self, done: usize, label: &str) {
        match &self.form {
            Form::Bar(bars) => bars.row(done, label),
            Form::Openjd(report) => report.row(done, label),
            _ => {}
        }
    }

    /// Writes a line for each row where there is no bar.
    pub(crate) fn line(&self, text: &str) {
        if matches!(self.form, Form::Plain(_) | Form::Openjd(_)) {
            self.talk(text);
        }
    }

    /// Writes what is news for people, and not asked for by those who want none.
    pub(crate) fn note(&self, text: &str) {
        if matches!(self.form, Form::Bar(_) | Form::Plain(_) | Form::Openjd(_)) {
            self.talk(text);
        }
    }

    /// Writes a message without damaging a bar.
    pub(crate) fn talk(&self, text: &str) {
        if let (Form::Openjd(report), true) = (&self.form, text.starts_with("error: ")) {
            report.failed(text);
        }
        self.drawn(&clean(text));
    }

    fn drawn(&self, text: &str) {
        match &self.form {
            Form::Bar(bars) => bars.suspend(|| self.console.drawn(text)),
            Form::Openjd(_) => self.console.drawn(&openjd::harmless(text)),
            _ => self.console.drawn(text),
        }
    }

    /// Writes JSON for programs, if requested.
    pub(crate) fn tell(&self, value: &Value) {
        if matches!(self.form, Form::Json) {
            self.console.data(&line(value));
        }
    }

    /// Shows log lines that plugins wrote outside a step.
    pub(crate) fn log(&self, lines: Vec<(Level, String)>) {
        for (level, text) in lines.into_iter().filter(|(level, _)| self.console.shows(*level)) {
            self.talk(&log_line(level, &text));
        }
    }

    /// Shows problems in the order of the file. Returns the exit code if one of them is an error.
    pub(crate) fn problems(&self, source: &Source, problems: &[Diagnostic]) -> Option<Exit> {
        if problems.is_empty() {
            return None;
        }
        let mut problems = problems.to_vec();
        sort(&mut problems);
        for problem in &problems {
            let event = if problem.is_error() { "error" } else { "warning" };
            let mut value = json!({ "event": event });
            if let (Some(all), Value::Object(fields)) = (value.as_object_mut(), render::json(source, problem))
            {
                all.extend(fields);
            }
            self.tell(&value);
        }
        self.drawn(&render::problems(source, &problems, self.console.color));
        if let (Form::Openjd(report), Some(error)) = (&self.form, problems.iter().find(|it| it.is_error())) {
            report.failed(&error.message);
        }
        Exit::of(&problems)
    }

    /// Tells a program that reads along how it ends; nothing may be told after that.
    pub(crate) fn exits(&self, exit: Exit) {
        if let Form::Openjd(report) = &self.form {
            if let Some(error) = Console::first_error() {
                report.failed(error);
            }
            report.end(exit);
        }
    }

    /// Reports the end of a run.
    ///
    /// # Errors
    /// The exit code, if the run failed.
    pub(crate) fn ended(&self, job: &Job, end: &End, elapsed: Duration) -> Result<(), Exit> {
        match end {
            End::Done(summary) => {
                self.done(summary, elapsed);
                Ok(())
            }
            End::Stopped(Stopped::Cancelled) => Err(self.cancelled()),
            End::Refused(_) | End::Stopped(Stopped::Failed(_)) => {
                Err(self.failed(&job.source, &end.problems(job)))
            }
        }
    }

    /// Says what could not run.
    fn tell_skipped(&self) {
        let skipped = std::mem::take(&mut *self.skipped.lock().unwrap_or_else(PoisonError::into_inner));
        if !matches!(self.form, Form::None) {
            skipped.lines().iter().for_each(|line| self.talk(line));
        }
    }

    /// Reports that a run was stopped, and gives the exit code.
    pub(crate) fn cancelled(&self) -> Exit {
        self.tell_skipped();
        self.tell(&json!({ "event": "cancelled" }));
        interrupt::exit()
    }

    /// Reports that a run failed, and gives the exit code: that of the first problem, not of the first in the file.
    pub(crate) fn failed(&self, source: &Source, problems: &[Diagnostic]) -> Exit {
        self.tell_skipped();
        self.problems(source, problems);
        Exit::of(problems).unwrap_or(Exit::BUG)
    }

    /// Reports that a run went well.
    pub(crate) fn done(&self, summary: &Summary, elapsed: Duration) {
        let known = summary.steps.iter().filter(|step| step.ran.is_none());
        // Files of steps that ran were reported when published.
        let files = known.flat_map(|step| step.published.iter().map(move |file| (step, file)));
        for (step, file) in files.filter(|(_, file)| !file.written) {
            self.tell(&events::published(&step.node, file));
            if !matches!(self.form, Form::Json) {
                self.talk(&plain::published(file));
            }
        }
        let mut end = json!({ "event": "done", "ms": elapsed.as_millis() as u64 });
        let Batches { rows, cached } = summary.batches;
        if rows > 0 {
            end["pictures"] = rows.into();
            end["cached"] = cached.into();
        }
        self.tell(&end);
        if !matches!(self.form, Form::Json) {
            self.talk(&plain::done(summary, elapsed));
            let several = summary.steps.iter().filter(|step| step.ran.is_some()).count() > 1;
            if several && matches!(self.form, Form::Bar(_)) {
                self.talk(&plain::table(summary));
            }
        }
    }

    /// Removes the bar after the run.
    pub(crate) fn clear(&self) {
        if let Form::Bar(bars) = &self.form {
            bars.clear();
        }
    }
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}
