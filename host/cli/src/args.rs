mod farm;
mod how;
mod rows;
mod serve;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dreamwire_session::CacheFolder;
pub(crate) use dreamwire_session::machine::cores;

pub(crate) use farm::{ExportCommand, FarmArgs, FarmCommand, JobArgs, OpenjdArgs, PartArgs};
pub(crate) use how::{ComputeArgs, DeviceArg, HowArgs, Progress};
pub(crate) use rows::RowArgs;
pub(crate) use serve::ServeArgs;
pub(crate) use verify::VerifyArgs;

use crate::new_plugin::NewPluginArgs;
use crate::via::{Address, address};
use crate::weights::WeightsArgs;

/// Executes JSON node graphs that make pictures.
#[derive(Debug, Parser)]
#[command(name = "dreamwire", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// A plugin, or a folder of plugins; may be given several times.
    #[arg(long, global = true, value_name = "DIR|FILE")]
    pub(crate) plugins: Vec<PathBuf>,
    /// When to colour messages.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Show more log lines; may be repeated.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The folder of cached results [default: the user's cache folder, or DREAMWIRE_CACHE].
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Keep no results between runs, and use none.
    #[arg(long, global = true, conflicts_with = "cache")]
    pub(crate) no_cache: bool,
    /// The size of the cache; the least recently used results are removed.
    #[arg(long, global = true, value_name = "SIZE", default_value = "8GiB", value_parser = size)]
    pub(crate) cache_limit: u64,
}

impl Global {
    /// The cache folder, if results are to be cached. `DREAMWIRE_CACHE` may name one, or be `off`.
    pub(crate) fn cache(&self) -> Option<CacheFolder> {
        if self.no_cache {
            return None;
        }
        let variable = std::env::var_os("DREAMWIRE_CACHE").filter(|value| !value.is_empty());
        let folder = match (&self.cache, variable) {
            (Some(folder), _) => Some(CacheFolder::at(folder.clone())),
            (None, Some(value)) if is_off(&value) => None,
            (None, Some(value)) => Some(CacheFolder::at(value.into())),
            (None, None) => CacheFolder::of_user(),
        };
        folder.map(|folder| folder.limit(self.cache_limit))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a graph.
    Run(Box<RunArgs>),
    /// Check graphs without running them.
    Check(CheckArgs),
    /// Show what a run of a graph would read, use and publish, without running it.
    Describe(DescribeArgs),
    /// Write a graph in the editor's own form as a graph file, or the other way round.
    Convert(ConvertArgs),
    /// Run a graph, and rerun what a change of its file, an input or a plugin affects.
    Watch(WatchArgs),
    /// Run graphs that come over HTTP: from a browser, ComfyUI's editor and its clients.
    Serve(Box<ServeArgs>),
    /// Have the rows of a graph run on several machines.
    Farm(FarmArgs),
    /// Say whether a picture would come out the same here, and what differs.
    Verify(VerifyArgs),
    /// List the kinds of nodes, or describe one.
    Nodes(NodesArgs),
    /// List or check plugins.
    Plugin(PluginArgs),
    /// Write a new plugin to start from.
    NewPlugin(NewPluginArgs),
    /// Look at files of network weights, check and convert them.
    Weights(WeightsArgs),
    /// Measure how long networks take on this machine.
    #[command(disable_help_flag = true)]
    Bench(BenchArgs),
    /// Show or empty the cache of results.
    Cache(CacheArgs),
    /// List the devices that plugins can compute on, and why others are not there.
    Devices(DevicesArgs),
    /// Show what this installation has, and what a graph lacks.
    Doctor(DoctorArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
}

/// The graph and its overrides.
#[derive(Args, Clone, Debug)]
pub(crate) struct GraphArgs {
    /// The graph file; `-` reads standard input.
    #[arg(value_name = "GRAPH")]
    pub(crate) path: PathBuf,
    /// Replace or add a param; may be given several times.
    #[arg(long, value_name = "NODE.INPUT=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) graph: GraphArgs,
    #[command(flatten)]
    pub(crate) how: HowArgs,
    /// Rules of Open Job Description (pathmapping-1.0) for absolute paths that were given on another machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) path_map: Option<PathBuf>,
    /// Run it on a server instead of here, and fetch its files: one of `dreamwire serve`, or any that speaks ComfyUI's
    /// protocol.
    #[arg(long, value_name = "URL", value_parser = address, conflicts_with_all = OF_THIS_MACHINE)]
    pub(crate) via: Option<Address>,
    /// The token of the server of --via [default: the variable DREAMWIRE_TOKEN].
    #[arg(long, value_name = "TOKEN", requires = "via")]
    pub(crate) token: Option<String>,
    #[command(flatten)]
    pub(crate) rows: RowArgs,
}

/// What a server decides for itself.
const OF_THIS_MACHINE: [&str; 26] = [
    "isolate",
    "no_isolate",
    "explain",
    "device",
    "threads",
    "allow_nonfinite",
    "no_metadata",
    "node_timeout",
    "memory",
    "plugins",
    "cache",
    "no_cache",
    "cache_limit",
    "each",
    "sweep",
    "seeds",
    "frames",
    "zip",
    "missing",
    "rows",
    "shard",
    "preroll",
    "overwrite",
    "stop_on_failure",
    "count_rows",
    "path_map",
];

#[derive(Args, Debug)]
pub(crate) struct WatchArgs {
    /// The graph file.
    #[arg(value_name = "GRAPH")]
    pub(crate) path: PathBuf,
    /// Replace or add a param; may be given several times.
    #[arg(long, value_name = "NODE.INPUT=VALUE")]
    pub(crate) set: Vec<String>,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The graph files; `-` reads standard input.
    #[arg(value_name = "GRAPH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Replace or add a param of every graph; may be given several times.
    #[arg(long, value_name = "NODE.INPUT=VALUE")]
    pub(crate) set: Vec<String>,
    /// A device that every plugin of the graphs must have been built for: cpu, cuda, cuda:N or metal.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = how::device)]
    pub(crate) device: DeviceArg,
    /// How problems are shown; `json` writes a list to standard output.
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "HOW")]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct DescribeArgs {
    #[command(flatten)]
    pub(crate) graph: GraphArgs,
    /// An additional input folder; may be given several times.
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The device that a run is to use: auto, cpu, cuda, cuda:N or metal.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = how::device)]
    pub(crate) device: DeviceArg,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub(crate) graph: GraphArgs,
    /// The form to write: that of ComfyUI's editor, with places on a canvas, or that of graph files and programs
    /// [default: the other one than the file has].
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) to: Option<FormArg>,
    /// The file to write [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

/// A form of graph files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormArg {
    Ui,
    Api,
}

#[derive(Args, Debug)]
pub(crate) struct NodesArgs {
    /// The kind to describe; if omitted, all are listed.
    #[arg(value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Write everything as JSON.
    #[arg(long, group = "form")]
    pub(crate) json: bool,
    /// Write the node reference as Markdown.
    #[arg(long, group = "form")]
    pub(crate) markdown: bool,
    /// Write the JSON Schema of graph files.
    #[arg(long, group = "form", conflicts_with = "kind")]
    pub(crate) schema: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PluginArgs {
    #[command(subcommand)]
    pub(crate) command: PluginCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List the plugins that were found.
    List {
        /// Write the list as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check that plugins keep the contract, each check in its own process.
    Check(PluginCheckArgs),
}

#[derive(Args, Debug)]
pub(crate) struct PluginCheckArgs {
    /// A library, the id of a plugin that was found, or `all` that were found.
    #[arg(value_name = "FILE|ID|all", required_unless_present = "list")]
    pub(crate) what: Vec<PathBuf>,
    /// Run only this check; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// The time limit of one check, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
    /// Run a kind with this value or file for a param, instead of its default; may be given several times.
    #[arg(long, value_name = "KIND.PARAM=VALUE")]
    pub(crate) set: Vec<String>,
    /// Write the results as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// List the checks.
    #[arg(long)]
    pub(crate) list: bool,
}

/// The command line of a child of `plugin check`, which does one check. Internal, so not part of `Cli`.
#[derive(Debug, Parser)]
pub(crate) struct PluginCheckOneArgs {
    /// The check.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The library.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// As for `check`.
    #[arg(long, value_name = "KIND.PARAM=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// What to measure and how; `dreamwire bench --help` lists it.
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

impl WatchArgs {
    /// The graph and its overrides.
    pub(crate) fn graph(&self) -> GraphArgs {
        GraphArgs { path: self.path.clone(), set: self.set.clone() }
    }
}

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// A graph to look at.
    #[arg(value_name = "GRAPH")]
    pub(crate) graph: Option<PathBuf>,
    /// Replace or add a param of the graph; may be given several times.
    #[arg(long, value_name = "NODE.INPUT=VALUE")]
    pub(crate) set: Vec<String>,
    /// The output folder of the graph.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(crate) out: PathBuf,
    /// An additional input folder; may be given several times.
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DevicesArgs {
    /// Write the list as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Show where the cache is and how much it holds.
    Info {
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove everything from the cache.
    Clear,
}

/// Whether a value of `DREAMWIRE_CACHE` means none; a folder of such a name can be given as `./off`.
fn is_off(value: &std::ffi::OsStr) -> bool {
    let value = value.to_string_lossy().to_lowercase();
    ["off", "none", "no", "false", "0"].contains(&&value[..])
}

/// A size in bytes, with or without a unit: `500MB`, `4GiB`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size such as 500MB or 4GiB".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<f64>().map_err(|_| wrong())? * factor as f64;
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use dreamwire_engine::Device;
    use dreamwire_session::CACHE_LIMIT;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_are_read() {
        let words = "dreamwire run g.json --set a.b=-1 --set a.c=x --device cuda:1 --in x --plugins p -v";
        let cli = Cli::parse_from(words.split(' '));
        let Command::Run(args) = cli.command else { panic!("not run") };
        assert_eq!(args.graph.set, ["a.b=-1", "a.c=x"]);
        assert_eq!(args.how.compute.device, how::DeviceArg::Only(Device::Cuda(1)));
        assert_eq!((cli.global.verbose, cli.global.plugins.len(), args.how.inputs.len()), (1, 1, 1));
    }

    #[test]
    fn what_a_server_decides_is_refused_with_via() {
        let parse = |words: &str| {
            let words = format!("dreamwire run g.json --via http://farm:8188 {words}");
            Cli::try_parse_from(words.split_whitespace())
        };
        assert!(parse("--token abcdefgh --out x --in y --set a.b=1 --progress json --preview").is_ok());
        for option in OF_THIS_MACHINE {
            let value = match option {
                "device" => " cpu",
                "threads" | "node_timeout" | "memory" | "cache_limit" | "plugins" | "cache" => " 1",
                "each" | "sweep" => " a.b=1",
                "seeds" | "frames" | "rows" | "preroll" | "path_map" => " 1",
                "shard" => " 1/2",
                "missing" => " skip",
                "overwrite" => " never",
                _ => "",
            };
            let words = format!("--{}{value}", option.replace('_', "-"));
            let error = parse(&words).expect_err(option).to_string();
            assert!(error.contains("cannot be used with") && error.contains("--via"), "{option}: {error}");
        }
        assert!(Cli::try_parse_from(["dreamwire", "run", "g.json", "--token", "abcdefgh"]).is_err());
        assert!(Cli::try_parse_from(["dreamwire", "run", "g.json", "--via", "https://farm"]).is_err());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("8GiB"), Ok(CACHE_LIMIT));
        assert_eq!(size("1.5 kb"), Ok(1500));
        assert_eq!(size("4096"), Ok(4096));
        for text in ["", "0", "GiB", "4 apples", "-1", "1e9", "9999999999TiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_cache_is_where_it_is_told_to_be() {
        let cache = |words: &str| {
            let cli = Cli::parse_from(format!("dreamwire cache info {words}").split_whitespace());
            cli.global.cache()
        };
        let named = cache("--cache /x --cache-limit 1MiB").unwrap();
        assert_eq!((named.path(), named.limit_bytes()), (std::path::Path::new("/x"), 1 << 20));
        assert_eq!(cache("--no-cache"), None);
    }

    #[test]
    fn what_comes_after_bench_is_handed_on() {
        let check = |words: &str, expected: &str| {
            let cli = Cli::parse_from(words.split(' '));
            let Command::Bench(args) = cli.command else { panic!("not bench") };
            let expected: Vec<OsString> = expected.split(' ').map(OsString::from).collect();
            assert_eq!(args.arguments, expected, "{words}");
        };
        check("dreamwire bench vgg16 --size 64 --json", "vgg16 --size 64 --json");
        check("dreamwire bench --help", "--help");
        check("dreamwire bench dream --help -h", "dream --help -h");
    }
}
