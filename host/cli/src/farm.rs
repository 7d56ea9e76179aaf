//! `dreamwire farm`: has the rows of a graph run on several machines, by engines that exist for that.
//!
//! A file for an engine is the command line of `dreamwire run` with the words that choose the rows left to the engine.
//! It can be started again at any time: rows that are done are skipped (`--overwrite stale`).

mod count;
mod job;
mod openjd;
mod parallel;
mod shell;
mod slurm;

use std::io::Write;
use std::path::{Path, PathBuf};

use job::Job;

use crate::args::{ExportCommand, FarmArgs, FarmCommand, Global, JobArgs, PartArgs};
use crate::console::{Console, with_hint};
use crate::exit::Exit;
use crate::output::{Output, Refused};

/// The most parts: Slurm's arrays have at most 1,000 elements unless told otherwise (`MaxArraySize` 1001).
const MAX_PARTS: u64 = 1000;

/// `dreamwire farm`.
pub(crate) fn farm(args: &FarmArgs, global: &Global, console: Console) -> Exit {
    let FarmCommand::Export(command) = &args.command;
    let exported = match command.as_ref() {
        ExportCommand::Openjd(args) => {
            let write = |job: &Job, place: &Path| {
                let template = openjd::template(job, args, place.parent().unwrap_or(place))?;
                let tasks = job.rows.div_ceil(args.chunk.get());
                Ok((template, tasks, "openjd run"))
            };
            export(&args.job, ".openjd.json", global, console, write)
        }
        ExportCommand::Slurm(args) => {
            let write = |job: &Job, _: &Path| {
                let parts = parts(args, job.rows);
                Ok((slurm::script(job, parts, args.jobs)?, parts, "sbatch"))
            };
            export(&args.job, ".slurm.sh", global, console, write)
        }
        ExportCommand::Parallel(args) => {
            let write = |job: &Job, place: &Path| {
                let parts = parts(args, job.rows);
                Ok((parallel::script(job, parts, args.jobs), parts, "bash"))
            };
            export(&args.job, ".parallel.sh", global, console, write)
        }
    };
    exported.err().unwrap_or(Exit::OK)
}

/// Into how many parts the rows are cut.
fn parts(args: &PartArgs, rows: u64) -> u64 {
    let wanted =
        args.shards.unwrap_or_else(|| rows.div_ceil(args.chunk.get()).max(1).try_into().expect("at least 1"));
    wanted.get().min(rows).clamp(1, MAX_PARTS)
}

/// Writes the file that `write` makes of the job, and says how it is used.
fn export(
    args: &JobArgs,
    ending: &str,
    global: &Global,
    console: Console,
    write: impl FnOnce(&Job, &Path) -> Result<(String, u64, &'static str), Refused>,
) -> Result<(), Exit> {
    let tell = |Refused { message, hint, exit }: Refused| {
        console.talk(&with_hint(&format!("error: {message}"), hint.as_deref()));
        exit
    };
    let name = job::name(args).map_err(tell)?;
    let path = args.file.clone().unwrap_or_else(|| PathBuf::from(format!("{name}{ending}")));
    // What can be refused without reading the graph is.
    let output = Output::with_option("-o", path.clone(), &args.graph.path, args.force).map_err(tell)?;
    let place = job::full(&path).map_err(tell)?;
    let job = Job::of(args, name, global, console)?.map_err(tell)?;
    let (text, parts, starts) = write(&job, &place).map_err(tell)?;
    output.write(|file| file.write_all(text.as_bytes())).map_err(tell)?;
    let shown = shell::quoted(&path.to_string_lossy());
    let rows = if job.rows == 1 { "1 row" } else { &format!("{} rows", job.rows) };
    let parts = if parts == 1 { "1 part" } else { &format!("{parts} parts") };
    job.notes.iter().for_each(|note| console.talk(&format!("note: {note}")));
    console.talk(&format!("wrote {}: {rows} in {parts}. To run it: {starts} {shown}", path.display()));
    Ok(())
}
