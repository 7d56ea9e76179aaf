use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Args, Debug)]
pub(crate) struct WeightsArgs {
    #[command(subcommand)]
    pub(crate) command: WeightsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WeightsCommand {
    /// Show what a file of network weights is, which networks it holds, and where they can be used.
    Info(InfoArgs),
    /// List the tensors of a file.
    List(ListArgs),
    /// Read everything in a file and check it.
    Verify(VerifyArgs),
    /// Write a network of a file as safetensors, whatever program made it.
    Import(ImportArgs),
    /// Write a network of a file as safetensors, with the tensor names of another program.
    Export(ExportArgs),
}

#[derive(Args, Debug)]
pub(crate) struct InfoArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Show the smallest and the largest number of each tensor, the mean, and how many are NaN or infinite.
    #[arg(long)]
    pub(crate) stats: bool,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Whose tensor names.
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub(crate) to: Program,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Which network is written, and where.
#[derive(Args, Debug)]
pub(crate) struct OutputArgs {
    /// The file to write [default: beside FILE, by its name].
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Which network of a file with several, such as G_ema or D [default: the one that is used].
    #[arg(long, value_name = "NAME")]
    pub(crate) part: Option<String>,
    /// Replace the file if it exists.
    #[arg(long)]
    pub(crate) force: bool,
}

/// A program that names tensors in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Program {
    /// stylegan2-pytorch of Kim Seonghyeon.
    Rosinality,
    /// stylegan2-ada-pytorch and stylegan3.
    Nvidia,
}
