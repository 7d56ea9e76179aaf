//! `dreamwire farm`: has the rows of a graph run on several machines, by engines that exist for that.
//!
//! A file for an engine has the command line of `dreamwire run`, but the engine chooses the rows. It can be started again
//! at any time: rows that are done are skipped (`--overwrite stale`).

mod job;
mod openjd;
mod parallel;
mod rows;
mod slurm;

use std::io::Write;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use job::Job;
use rows::Looked;

use crate::args::{ExportCommand, FarmArgs, FarmCommand, Global, JobArgs, PartArgs};
use crate::console::{Console, with_hint};
use crate::exit::Exit;
use crate::output::{Output, Refused};
use crate::shell::quoted;

/// The most parts: Slurm's arrays have at most 1,000 elements unless told otherwise (`MaxArraySize` 1001).
const MAX_PARTS: u64 = 1000;

/// `dreamwire farm`.
pub(crate) fn farm(args: &FarmArgs, global: &Global, console: Console) -> Exit {
    let FarmCommand::Export(command) = &args.command;
    let exported = match command.as_ref() {
        ExportCommand::Openjd(args) => {
            let engine = Engine { ending: ".openjd.json", starts: "openjd run" };
            let parts = |rows: u64| rows.div_ceil(args.chunk.get());
            export(&args.job, &engine, global, console, parts, |job, _, place| {
                openjd::template(job, args, place.parent().unwrap_or(place))
            })
        }
        ExportCommand::Slurm(args) => {
            let engine = Engine { ending: ".slurm.sh", starts: "sbatch" };
            export(&args.job, &engine, global, console, parts(args), |job, parts, _| {
                let script = slurm::script(job, parts, args.jobs)?;
                slurm::make_log_folder(job)?;
                Ok(script)
            })
        }
        ExportCommand::Parallel(args) => {
            let engine = Engine { ending: ".parallel.sh", starts: "bash" };
            export(&args.job, &engine, global, console, parts(args), |job, parts, _| {
                Ok(parallel::script(job, parts, args.jobs))
            })
        }
    };
    exported.err().unwrap_or(Exit::OK)
}

/// What starts the rows.
struct Engine {
    /// The end of the name of its files.
    ending: &'static str,
    /// The command that takes such a file.
    starts: &'static str,
}

/// Into how many parts rows are cut.
fn parts(args: &PartArgs) -> impl Fn(u64) -> u64 {
    let (chunk, shards) = (args.chunk.get(), args.shards.map(NonZeroU64::get));
    move |rows| shards.unwrap_or_else(|| rows.div_ceil(chunk)).min(rows).clamp(1, MAX_PARTS)
}

/// Writes the file that `write` makes of the job, its number of parts and the place of the file, and says how it is used.
fn export(
    args: &JobArgs,
    engine: &Engine,
    global: &Global,
    console: Console,
    parts: impl FnOnce(u64) -> u64,
    write: impl FnOnce(&Job, u64, &Path) -> Result<String, Refused>,
) -> Result<(), Exit> {
    let tell = |Refused { message, hint, exit }: Refused| {
        console.talk(&with_hint(&format!("error: {message}"), hint.as_deref()));
        exit
    };
    let mut job = Job::of(args, global).map_err(tell)?;
    let path = args.file.clone().unwrap_or_else(|| PathBuf::from(format!("{}{}", job.name, engine.ending)));
    // What can be refused without reading the graph is.
    let output = Output::with_option("-o", path.clone(), &args.graph.path, args.force).map_err(tell)?;
    let place = job::full(&path).map_err(tell)?;
    let looked = Looked::at(args, global, console)?;
    let parts = parts(looked.count);
    looked.in_parts(parts)?;
    job.look(&looked);
    let text = write(&job, parts, &place).map_err(tell)?;
    output.write(|file| file.write_all(text.as_bytes())).map_err(tell)?;
    let (rows, in_parts) = (several(looked.count, "row"), several(parts, "part"));
    console.talk(&format!("wrote {}: {rows} in {in_parts}", path.display()));
    console.talk(&format!("to run it: {} {}", engine.starts, quoted(&path.to_string_lossy())));
    if looked.gathers() && parts > 1 {
        let note = "parts leave out what needs all rows; when they are done, run the whole once: rows that are there \
                    are skipped then";
        console.talk(&format!("note: {note}"));
    }
    Ok(())
}

/// A number of things: "1 part", "2 parts".
fn several(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn rows_are_cut_into_parts() {
        let check = |words: &str, rows: u64, expected: u64| {
            let line = format!("dreamwire farm export slurm g.json {words}");
            let cli = Cli::try_parse_from(line.split_whitespace()).expect("it is a command");
            let Command::Farm(FarmArgs { command: FarmCommand::Export(command) }) = cli.command else {
                panic!("not an export")
            };
            let ExportCommand::Slurm(args) = *command else { panic!("not slurm") };
            assert_eq!(parts(&args)(rows), expected, "{words}");
        };
        check("", 60, 6);
        check("", 61, 7);
        check("--chunk 1", 5, 5);
        check("--shards 4", 60, 4);
        check("--shards 4", 3, 3);
        check("", 1_000_000, 1000);
        let both = "dreamwire farm export slurm g.json --shards 2 --chunk 3".split(' ');
        assert!(Cli::try_parse_from(both).is_err());
    }
}
