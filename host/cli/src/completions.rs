use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::console::Console;
use crate::exit::Exit;

/// `dreamwire completions`
pub(crate) fn completions(args: &CompletionsArgs, console: Console) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dreamwire", &mut script);
    console.data(&String::from_utf8_lossy(&script));
    Exit::OK
}
