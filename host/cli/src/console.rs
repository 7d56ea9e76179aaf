//! The two streams: standard output is data for programs, standard error is talk for people.
//!
//! Whoever closed the other end (`| head`) has seen enough. Any other error of standard output is told, and makes the
//! exit code of the program; what a run has still to save is saved all the same.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use dreamwire_engine::Level;
use dreamwire_session::events::level_name;

use crate::args::Color;

/// Standard output could not be written. There is one of it, so this is one too.
static LOST: AtomicBool = AtomicBool::new(false);

/// How messages are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// Messages are coloured.
    pub(crate) color: bool,
    /// Standard error is a terminal: bars can be drawn.
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
        // One write per line, so that threads do not interleave.
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
            && !LOST.swap(true, Ordering::Relaxed)
        {
            self.talk(&format!("error: cannot write to standard output: {error}"));
        }
    }

    /// Whether something of standard output was lost, other than by a reader that had seen enough.
    pub(crate) fn lost() -> bool {
        LOST.load(Ordering::Relaxed)
    }

    /// Writes a line, or several, to standard error, with nothing in it that a terminal would obey.
    pub(crate) fn talk(&self, text: &str) {
        self.drawn(&clean(text));
    }

    /// Writes what was drawn with colours to standard error; its parts are clean already.
    pub(crate) fn drawn(&self, text: &str) {
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
    format!("{}: {}", level_name(level), clean_line(line))
}

/// A message, and below it what to do about it.
pub(crate) fn with_hint(message: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{message}\n\nhint: {hint}"),
        None => message.to_owned(),
    }
}

/// Text from a graph or a plugin without control characters for a terminal. It keeps its length in bytes, so
/// that places in it stay valid.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let kept = match c {
            '\n' | '\t' => true,
            // A line ending; alone it would go back to the start of the line.
            '\r' => chars.peek() == Some(&'\n'),
            _ => !is_obeyed(c),
        };
        match kept {
            true => cleaned.push(c),
            false => cleaned.extend(std::iter::repeat_n('?', c.len_utf8())),
        }
    }
    cleaned
}

/// Text that must stay on its line: a message, a name.
pub(crate) fn clean_line(text: &str) -> String {
    clean(text).replace(['\n', '\r', '\t'], " ")
}

/// Control characters (C0, DEL, C1), line separators, and what changes the direction of writing.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Reports a bug of this program.
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
        assert_eq!(clean("a\u{9b}31m\u{202e}b\u{2066}"), "a??31m???b???");
        assert_eq!(clean("a\rb\r\nc"), "a?b\r\nc");
        assert_eq!(clean_line("a\r\nb\tc"), "a  b c");
    }
}
