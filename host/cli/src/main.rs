//! The program `dreamwire`: runs, checks and watches graph files. The only crate of the host that prints.
//!
//! The work is done in `dreamwire_session`; this crate has arguments, bars, messages and exit codes. For the use of
//! standard output and standard error see `console`.

mod args;
mod exit;

mod bench;
mod cache;
mod check;
mod completions;
mod convert;
mod describe;
mod devices;
mod doctor;
mod farm;
mod new_plugin;
mod nodes;
mod plugin;
mod plugin_check;
mod run;
mod serve;
mod verify;
mod via;
mod watch;
mod weights;

mod interrupt;
mod open;
mod output;

mod console;
mod progress;
mod render;
mod shell;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use dreamwire_loader::{LEARN, PluginIndex};

use crate::args::{Cli, Command};
use crate::console::Console;
use crate::exit::Exit;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|what| console::bug(&what.to_string())));
    let command = || {
        plugin_check::check_one().or_else(worker).unwrap_or_else(|| {
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

/// Serves jobs or learns of a library, if this process was started for that. Internal, so not part of `Cli`.
fn worker() -> Option<Exit> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    match &words[..] {
        [worker, index, folder, library] if [worker, index] == LEARN => {
            let learnt = PluginIndex::learn(Path::new(folder), Path::new(library));
            Some(if learnt.is_ok() { Exit::OK } else { Exit::PLUGIN })
        }
        [worker] if worker == LEARN[0] => {
            Some(if dreamwire_worker::serve() == 0 { Exit::OK } else { Exit::USAGE })
        }
        _ => None,
    }
}

fn execute(cli: &Cli, console: Console) -> Exit {
    let global = &cli.global;
    if let Some((name, value, allowed)) = dreamwire_engine::misspelt_variable() {
        let allowed = allowed.join(", ");
        console.talk(&format!("error: environment variable {name}: `{value}` is not one of: {allowed}"));
        return Exit::USAGE;
    }
    match &cli.command {
        Command::Run(args) => run::run(args, global, console),
        Command::Check(args) => check::check(args, global, console),
        Command::Convert(args) => convert::convert(args, global, console),
        Command::Describe(args) => describe::describe(args, global, console),
        Command::Serve(args) => serve::serve(args, global, console),
        Command::Farm(args) => farm::farm(args, global, console),
        Command::Verify(args) => verify::verify(args, global, console),
        Command::Nodes(args) => nodes::nodes(args, global, console),
        Command::Watch(args) => watch::watch(args, global, console),
        Command::Plugin(args) => plugin::plugin(args, global, console),
        Command::NewPlugin(args) => new_plugin::new_plugin(args, console),
        Command::Weights(args) => weights::weights(args, console),
        Command::Bench(args) => bench::bench(args, console),
        Command::Devices(args) => devices::devices(args, global, console),
        Command::Doctor(args) => doctor::doctor(args, global, console),
        Command::Cache(args) => cache::cache(args, global, console),
        Command::Completions(args) => completions::completions(args, global, console),
    }
}
