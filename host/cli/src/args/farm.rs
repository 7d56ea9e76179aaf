//! The options of `farm`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ComputeArgs, GraphArgs, RowArgs};

#[derive(Args, Debug)]
pub(crate) struct FarmArgs {
    #[command(subcommand)]
    pub(crate) command: FarmCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FarmCommand {
    /// Write a file with which an engine runs the rows of a graph on several machines.
    #[command(subcommand)]
    Export(Box<ExportCommand>),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// A job template of Open Job Description, for `openjd run` and AWS Deadline Cloud.
    Openjd(OpenjdArgs),
    /// A script of a Slurm job array, for `sbatch`.
    Slurm(PartArgs),
    /// A script for GNU parallel or `xargs -P`, on one machine.
    Parallel(PartArgs),
}

#[derive(Args, Debug)]
pub(crate) struct OpenjdArgs {
    #[command(flatten)]
    pub(crate) job: JobArgs,
    /// How many rows a task has.
    #[arg(long, value_name = "N", default_value_t = ROWS_OF_A_TASK)]
    pub(crate) chunk: NonZeroU64,
    /// How long a task may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = DAY, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
}

#[derive(Args, Debug)]
pub(crate) struct PartArgs {
    #[command(flatten)]
    pub(crate) job: JobArgs,
    /// How many rows a part has at most.
    #[arg(long, value_name = "N", default_value_t = ROWS_OF_A_TASK)]
    pub(crate) chunk: NonZeroU64,
    /// How many parts there are [default: as many as --chunk makes].
    #[arg(long, value_name = "N", conflicts_with = "chunk")]
    pub(crate) shards: Option<NonZeroU64>,
    /// How many parts run at a time [default: slurm as many as there is room for, parallel 2].
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroU64>,
}

/// What is run, and where that is written to.
#[derive(Args, Debug)]
pub(crate) struct JobArgs {
    #[command(flatten)]
    pub(crate) graph: GraphArgs,
    #[command(flatten)]
    pub(crate) rows: RowArgs,
    /// The output folder.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(crate) out: PathBuf,
    /// An additional input folder; may be given several times.
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    /// The name of the job [default: that of the graph].
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The program on the machines of the farm.
    #[arg(long, value_name = "PROGRAM", default_value = "dreamwire")]
    pub(crate) program: String,
    /// The file to write [default: the name of the graph and that of the engine, in the current folder].
    #[arg(short = 'o', long = "file", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Few enough that little is lost with a task, and enough that the start of the program does not matter.
const ROWS_OF_A_TASK: NonZeroU64 = NonZeroU64::new(10).expect("it is not 0");

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;
