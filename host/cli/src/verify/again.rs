//! Making a picture again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dreamwire_engine::{Event, Stamps};
use dreamwire_loader::take_log;
use dreamwire_session::{End, Hears, InProcess, Job, Runner, SavedPicture};

use super::shown;
use crate::args::{Progress, VerifyArgs};
use crate::console::Console;
use crate::exit::Exit;
use crate::progress::Listener;
use crate::{interrupt, run};

/// Runs the graph in a temporary folder, without the cache; whether the picture comes out.
pub(super) fn run(
    args: &VerifyArgs,
    picture: &SavedPicture,
    job: &Job,
    allow_nonfinite: bool,
    console: Console,
) -> Result<bool, Exit> {
    let folder = tempfile::tempdir().map_err(|error| {
        console.talk(&format!("error: cannot create a temporary folder: {error}"));
        Exit::OUTPUT
    })?;
    let settings = args.settings(folder.path().join("out"), allow_nonfinite, console)?;
    let listener = Arc::new(Listener::new(Progress::Bar, false, console));
    let (flag, told) = (Arc::clone(&job.cancel), Arc::clone(&listener));
    interrupt::on_signal(move || {
        flag.store(true, Ordering::Relaxed);
        told.talk("stopping; interrupt again to stop at once");
    });
    run::report_crashes();
    let end = InProcess::new(&settings).run(job, &Ears(&listener));
    listener.clear();
    listener.log(take_log());
    let End::Done(summary) = end else {
        let problems = end.problems(job);
        return Err(if problems.is_empty() {
            interrupt::exit()
        } else {
            shown(&job.source, problems, console)
        });
    };
    let is_it = |path: &Path| SavedPicture::read(path).is_ok_and(|made| picture.was(&made));
    Ok(match &picture.record {
        Some(record) => {
            let step = summary.steps.iter().find(|step| step.node == record.node);
            step.and_then(|step| step.published.get(record.index)).is_some_and(|file| is_it(&file.path))
        }
        None => summary.steps.iter().flat_map(|step| &step.published).any(|file| is_it(&file.path)),
    })
}

/// Shows what happens, except that files are published, which do not stay.
struct Ears<'a>(&'a Listener);

impl Hears for Ears<'_> {
    fn read(&self, _: Stamps) {}

    fn event(&self, event: Event) {
        if !matches!(event, Event::Published { .. }) {
            self.0.hear(&event);
        }
    }
}
