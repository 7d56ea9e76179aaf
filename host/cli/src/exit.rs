use std::process::{ExitCode, ExitStatus};

use dreamwire_graph::{Class, Diagnostic};

/// An exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(u8);

impl Exit {
    /// Success.
    pub(crate) const OK: Exit = Exit(0);
    /// The command line is wrong; clap uses the same number.
    pub(crate) const USAGE: Exit = Exit(2);
    /// A problem with the graph file.
    pub(crate) const GRAPH: Exit = Exit(3);
    /// A problem with a plugin.
    pub(crate) const PLUGIN: Exit = Exit(4);
    /// A problem with an input file.
    pub(crate) const INPUT: Exit = Exit(5);
    /// Output could not be written.
    pub(crate) const OUTPUT: Exit = Exit(6);
    /// Some rows of a run failed; what others made is there.
    pub(crate) const ROWS: Exit = Exit(9);
    /// Something else is in use that this needs: the same command may work later.
    pub(crate) const TRY_LATER: Exit = Exit(75);
    /// A bug of this program.
    pub(crate) const BUG: Exit = Exit(70);

    /// Stopped by a signal; 0 means Ctrl-C.
    pub(crate) fn signal(number: i32) -> Exit {
        const SIGINT: u8 = 2;
        Exit(128 + u8::try_from(number).ok().filter(|number| (1..128).contains(number)).unwrap_or(SIGINT))
    }

    /// Whether a signal has stopped it.
    pub(crate) fn is_signal(self) -> bool {
        self.0 > 128
    }

    /// The exit code of the first error, if any. The problems are sorted by place.
    pub(crate) fn of(problems: &[Diagnostic]) -> Option<Exit> {
        let error = problems.iter().find(|problem| problem.is_error())?;
        Some(Exit::for_class(error.class))
    }

    /// The exit code for problems of a class.
    pub(crate) fn for_class(class: Class) -> Exit {
        match class {
            Class::Graph => Exit::GRAPH,
            Class::Plugin => Exit::PLUGIN,
            Class::Input => Exit::INPUT,
            Class::Output => Exit::OUTPUT,
            Class::Node => Exit(7),
            Class::Limit => Exit(8),
            Class::Time => Exit(124),
        }
    }

    /// The exit code of another program; that of Ctrl-C if a signal ended it.
    pub(crate) fn like(status: ExitStatus) -> Exit {
        status.code().map_or(Exit::signal(0), |code| u8::try_from(code).map_or(Exit::BUG, Exit))
    }

    /// The code as a number.
    pub(crate) fn code(self) -> u8 {
        self.0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_graph::Code;

    use super::*;

    #[test]
    fn the_first_error_decides() {
        let code = Code::new("graph::test");
        let warning = Diagnostic::warning(code, Class::Graph, "w");
        let input = Diagnostic::error(code, Class::Input, "i");
        let graph = Diagnostic::error(code, Class::Graph, "g");
        assert_eq!(Exit::of(std::slice::from_ref(&warning)), None);
        assert_eq!(Exit::of(&[warning, input, graph]).map(Exit::code), Some(5));
    }
}
