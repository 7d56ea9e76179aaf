//! Events as lines for people.

use std::time::Duration;

use dreamwire_engine::{Event, Level, Published, Summary, Why};

use dreamwire_session::events::level_name;

use crate::console::{Console, clean, clean_line};

/// What is said of an event. A bar shows by itself that a step runs; `quiet` leaves only what a user must see.
pub(super) fn text(event: &Event, bar: bool, quiet: bool, console: Console) -> Option<String> {
    match event {
        Event::Log { node, level, message } => console
            .shows(*level)
            .then(|| format!("{}: node `{}`: {}", level_name(*level), clean(node), clean_line(message))),
        Event::Published { file, .. } => Some(published(file)),
        _ if quiet => None,
        Event::Started { node, kind } if !bar => Some(format!("running `{}` ({kind})", clean(node))),
        Event::Finished { node, elapsed } if !bar || console.shows(Level::Info) => {
            Some(format!("finished `{}` in {}", clean(node), seconds(*elapsed)))
        }
        Event::Cached { node, why } if console.shows(Level::Info) => {
            let why = match why {
                Why::Unchanged => "unchanged",
                Why::SameInputs => "its inputs are the same",
            };
            Some(format!("known `{}`: {why}", clean(node)))
        }
        _ => None,
    }
}

/// "saved out/dream_00001_.png".
pub(super) fn published(file: &Published) -> String {
    let what = if file.written { "saved" } else { "unchanged" };
    format!("{what} {}", clean(&file.path.display().to_string()))
}

/// "done in 3.2 s (2 run, 1 known)".
pub(super) fn done(summary: &Summary, elapsed: Duration) -> String {
    let run = summary.steps.iter().filter(|step| step.ran.is_some()).count();
    let known = summary.steps.len() - run;
    format!("done in {} ({run} run, {known} known)", seconds(elapsed))
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Color;

    #[test]
    fn what_is_said() {
        let console = Console::new(Color::Never, 0);
        let started = Event::Started { node: "dream".to_owned(), kind: "GradientAscent".to_owned() };
        assert_eq!(
            text(&started, false, false, console).as_deref(),
            Some("running `dream` (GradientAscent)")
        );
        assert_eq!(text(&started, true, false, console), None);
        assert_eq!(text(&started, false, true, console), None);
        let log = Event::Log { node: "a".to_owned(), level: Level::Warn, message: "odd".to_owned() };
        assert_eq!(text(&log, true, true, console).as_deref(), Some("warning: node `a`: odd"));
        assert_eq!(seconds(Duration::from_millis(42)), "42 ms");
        assert_eq!(seconds(Duration::from_millis(3240)), "3.2 s");
    }
}
