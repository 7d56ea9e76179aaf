use clap::CommandFactory;
use clap::builder::PossibleValuesParser;

use crate::args::{Cli, CompletionsArgs, Global, cores};
use crate::console::Console;
use crate::exit::Exit;
use crate::open;

/// `dreamwire completions`.
pub(crate) fn completions(args: &CompletionsArgs, global: &Global, console: Console) -> Exit {
    // Without plugins everything but kinds can still be completed.
    let session = open::session(global, cores(), console);
    let kinds = session.iter().flat_map(|session| session.kinds().iter());
    let kinds = PossibleValuesParser::new(kinds.map(|kind| kind.id.clone()).collect::<Vec<_>>());
    let mut command = Cli::command()
        .mut_subcommand("nodes", |nodes| nodes.mut_arg("kind", |kind| kind.value_parser(kinds)));
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "dreamwire", &mut script);
    console.data(&String::from_utf8_lossy(&script));
    Exit::OK
}
