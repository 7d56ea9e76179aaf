//! The two streams: standard output is data for programs, standard error is talk for people.
//!
//! Errors of writing are ignored: whoever closed the other end (`| head`) has seen enough, and what a run has still to
//! save is more important than what it has to say.

use std::io::{IsTerminal, Write};

use dreamwire_engine::Level;

use crate::args::Color;

/// How to talk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// messages are coloured
    pub(crate) color: bool,
    /// somebody may be looking: bars can be drawn
    pub(crate) terminal: bool,
    verbose: u8,
}

impl Console {
    pub(crate) fn new(color: Color, verbose: u8) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let wanted = || {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            terminal && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        };
        let color = match color {
            Color::Auto => wanted(),
            Color::Always => true,
            Color::Never => false,
        };
        Console { color, terminal, verbose }
    }

    /// Whether a log line of that level is shown.
    pub(crate) fn shows(&self, level: Level) -> bool {
        match level {
            Level::Error | Level::Warn => true,
            Level::Info => self.verbose >= 1,
            Level::Debug => self.verbose >= 2,
            Level::Trace => self.verbose >= 3,
        }
    }

    /// Writes to standard output, as it is.
    pub(crate) fn data(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        // One write for one line: threads do not cut each other's.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Writes a line, or several, to standard error.
    pub(crate) fn talk(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
    }

    /// Writes a list of log lines that came from plugins outside a step.
    pub(crate) fn log(&self, lines: Vec<(Level, String)>) {
        for (level, line) in lines {
            if self.shows(level) {
                self.talk(&log_line(level, &line));
            }
        }
    }
}

/// "warning: ..."
pub(crate) fn log_line(level: Level, line: &str) -> String {
    format!("{}: {}", level_name(level), clean(line))
}

pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// Text from a graph or a plugin with nothing in it that a terminal would obey. As many bytes as before, so that places
/// in it stay where they are.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_control() && !matches!(c, '\n' | '\r' | '\t') { '?' } else { c })
        .collect()
}

/// A fault of this program.
pub(crate) fn bug(what: &str) {
    let text = format!("{what}\nthis is a bug in dreamwire: please report it together with the graph\n");
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        assert_eq!(clean("a\x1b[31mb\nü\x07"), "a?[31mb\nü?");
    }
}
