//! The program `dreamwire`: runs, checks and watches graph files. The only crate of the host that prints.
//!
//! The work is done in `dreamwire_session`; this crate has arguments, bars, messages and exit codes. For the use of
//! standard output and standard error see `console`.

mod args;
mod exit;

mod bench;
mod check;
mod completions;
mod describe;
mod new_plugin;
mod nodes;
mod plugin;
mod plugin_check;
mod run;
mod watch;

mod interrupt;
mod open;

mod console;
mod progress;
mod render;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::console::Console;
use crate::exit::Exit;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|what| console::bug(&what.to_string())));
    let command = || {
        plugin_check::check_one().unwrap_or_else(|| {
            let cli = Cli::parse();
            let console = Console::new(cli.global.color, cli.global.verbose);
            execute(&cli, console)
        })
    };
    let exit = match std::thread::Builder::new()
        .name("main".to_owned())
        .stack_size(dreamwire_session::STACK_BYTES)
        .spawn(command)
    {
        Ok(thread) => thread.join().unwrap_or(Exit::BUG),
        Err(error) => {
            console::bug(&format!("cannot start a thread: {error}"));
            Exit::BUG
        }
    };
    let exit = if exit == Exit::OK && Console::lost() { Exit::OUTPUT } else { exit };
    exit.into()
}

fn execute(cli: &Cli, console: Console) -> Exit {
    let global = &cli.global;
    match &cli.command {
        Command::Run(args) => run::run(args, global, console),
        Command::Check(args) => check::check(args, global, console),
        Command::Describe(args) => describe::describe(args, global, console),
        Command::Nodes(args) => nodes::nodes(args, global, console),
        Command::Watch(args) => watch::watch(args, global, console),
        Command::Plugin(args) => plugin::plugin(args, global, console),
        Command::NewPlugin(args) => new_plugin::new_plugin(args, console),
        Command::Bench(args) => bench::bench(args, console),
        Command::Completions(args) => completions::completions(args, global, console),
    }
}
