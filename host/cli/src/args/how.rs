//! The options of a run.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use dreamwire_engine::{Device, Options};
use dreamwire_session::{Limits, Settings};

use super::{Global, GraphArgs, cores, size};
use crate::console::Console;
use crate::exit::Exit;
use crate::open;

/// Options of a run.
#[derive(Args, Clone, Debug)]
pub(crate) struct HowArgs {
    /// The output folder.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(crate) out: PathBuf,
    /// An additional input folder; may be given several times.
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How progress is shown; `json` and `openjd` write lines for programs to standard output.
    #[arg(long, value_enum, default_value_t = Progress::Bar, value_name = "HOW")]
    pub(crate) progress: Progress,
    /// Show pictures in the terminal while they are made.
    #[arg(long)]
    pub(crate) preview: bool,
    /// Say for each step why it runs.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Run plugins in a process of their own, which may crash; `watch` always does unless told otherwise.
    #[arg(long)]
    pub(crate) isolate: bool,
    /// Run plugins in this process.
    #[arg(long, conflicts_with_all = ["isolate", "node_timeout", "memory"])]
    pub(crate) no_isolate: bool,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Options of every step, whoever asks for the run.
#[derive(Args, Clone, Debug)]
pub(crate) struct ComputeArgs {
    /// The device to compute on: auto (the first that works of cuda, metal and cpu), cpu, cuda, cuda:N or metal.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = device)]
    pub(crate) device: DeviceArg,
    /// The number of threads per step [default: one per core].
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Allow NaN and infinity in results.
    #[arg(long)]
    pub(crate) allow_nonfinite: bool,
    /// Write no graph into files, nor what they were made of.
    #[arg(long)]
    pub(crate) no_metadata: bool,
    /// The time that one step may take, in seconds; implies --isolate.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) node_timeout: Option<Duration>,
    /// The memory that plugins may use, such as 4GiB, as address space; implies --isolate.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
}

/// A device that a user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceArg {
    /// The best one that works.
    Auto,
    /// This one or none.
    Only(Device),
}

impl DeviceArg {
    /// The device that it asks for; none if any will do.
    pub(crate) fn asked(self) -> Option<Device> {
        match self {
            Self::Auto => None,
            Self::Only(device) => Some(device),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Bars on a terminal, otherwise a line per step.
    Bar,
    /// One event per line.
    Json,
    /// What runners of Open Job Description read: `openjd_progress`, `openjd_status` and `openjd_fail`.
    Openjd,
    /// None.
    None,
}

impl HowArgs {
    /// The settings of a run.
    pub(crate) fn settings(
        &self,
        graph: &GraphArgs,
        isolated: bool,
        global: &Global,
        console: Console,
    ) -> Result<Settings, Exit> {
        let (options, any_device) = self.compute.options(console)?;
        Ok(Settings {
            graph: open::graph(graph, &self.inputs, console)?,
            out: self.out.clone(),
            options,
            any_device,
            cache: global.cache(),
            replaces: true,
            explain: self.explain,
            isolated,
            limits: self.compute.limits(),
        })
    }

    /// Whether `run` uses a process for plugins: on request, for limits that need one, and where the shell limits the
    /// address space (`ulimit -v`), which only another process survives.
    pub(crate) fn isolates_run(&self) -> bool {
        let needed = self.compute.limits() != Limits::default() || is_address_space_limited();
        self.isolate || (needed && !self.no_isolate)
    }
}

impl ComputeArgs {
    /// The options of a run, and whether its device is still to be chosen.
    pub(crate) fn options(&self, console: Console) -> Result<(Options, bool), Exit> {
        if self.memory.is_some() && !cfg!(target_os = "linux") {
            console.talk("error: --memory: only on Linux the address space of a process can be limited");
            return Err(Exit::USAGE);
        }
        let threads = self.threads.map_or_else(cores, NonZeroUsize::get);
        let asked = self.device.asked();
        let device = asked.unwrap_or(Device::Cpu);
        let (allow_nonfinite, metadata) = (self.allow_nonfinite, !self.no_metadata);
        Ok((Options { device, threads, allow_nonfinite, metadata }, asked.is_none()))
    }

    /// The options as words of a command line, without those that have their default.
    pub(crate) fn words(&self) -> Vec<String> {
        let device = self.device.asked().map(|device| format!("--device={device}"));
        let threads = self.threads.map(|count| format!("--threads={count}"));
        let timeout = self.node_timeout.map(|time| format!("--node-timeout={}", time.as_secs_f64()));
        let memory = self.memory.map(|bytes| format!("--memory={bytes}"));
        let nonfinite = self.allow_nonfinite.then(|| "--allow-nonfinite".to_owned());
        let bare = self.no_metadata.then(|| "--no-metadata".to_owned());
        [device, threads, nonfinite, bare, timeout, memory].into_iter().flatten().collect()
    }

    /// The limits of plugins.
    pub(crate) fn limits(&self) -> Limits {
        Limits { step: self.node_timeout, memory: self.memory }
    }
}

#[cfg(unix)]
fn is_address_space_limited() -> bool {
    rustix::process::getrlimit(rustix::process::Resource::As).current.is_some()
}

#[cfg(not(unix))]
fn is_address_space_limited() -> bool {
    false
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected 1 or more; leave it out for one per core".to_owned())
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "expected a number of seconds above 0".to_owned())
}

pub(crate) fn device(text: &str) -> Result<DeviceArg, String> {
    Ok(DeviceArg::Only(match text {
        "auto" => return Ok(DeviceArg::Auto),
        "cpu" => Device::Cpu,
        "cuda" => Device::Cuda(0),
        "metal" => Device::Metal,
        _ => {
            let ordinal = text.strip_prefix("cuda:").and_then(|ordinal| ordinal.parse().ok());
            ordinal.map(Device::Cuda).ok_or_else(|| "expected auto, cpu, cuda, cuda:N or metal".to_owned())?
        }
    }))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        compute: ComputeArgs,
    }

    #[test]
    fn words_are_read_as_what_they_were_made_of() {
        let words = [
            "--device=cuda:1",
            "--threads=3",
            "--allow-nonfinite",
            "--no-metadata",
            "--node-timeout=1.5",
            "--memory=4096",
        ];
        let line = |words: &[&str]| {
            Line::try_parse_from([&["run"], words].concat()).expect("they are options").compute.words()
        };
        assert_eq!(line(&words), words);
        assert!(line(&[]).is_empty());
    }

    #[test]
    fn values_are_read_or_refused() {
        assert_eq!(device("cuda:1"), Ok(DeviceArg::Only(Device::Cuda(1))));
        assert_eq!(device("cuda"), Ok(DeviceArg::Only(Device::Cuda(0))));
        assert_eq!(device("auto"), Ok(DeviceArg::Auto));
        assert!(device("gpu").is_err() && device("cuda:x").is_err());
        assert!(threads("0").unwrap_err().starts_with("expected 1 or more"));
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for text in ["0", "-1", "NaN", "inf", "1e30", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
