//! What an engine is to run: a graph with its rows.

use std::path::{Component, Path, PathBuf};

use super::rows::Looked;
use super::several;
use crate::args::{Global, JobArgs, RowArgs};
use crate::exit::Exit;
use crate::output::Refused;
use crate::shell::quoted;

/// The longest name of a job, in characters: that of Open Job Description.
const MAX_NAME: usize = 128;

/// A graph with its rows, as they are seen from the folder that the command was given in.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its name.
    pub(super) name: String,
    /// The program on the machines of the farm.
    pub(super) program: String,
    /// The folder that relative paths mean: the current one.
    pub(super) folder: PathBuf,
    pub(super) graph: String,
    pub(super) out: String,
    pub(super) inputs: Vec<String>,
    /// Overrides.
    pub(super) sets: Vec<String>,
    /// The options of rows, without a shard: the engine gives that.
    pub(super) row_args: RowArgs,
    /// Overrides and rows for another current folder.
    pub(super) anywhere: (Vec<String>, RowArgs),
    /// How many rows are to be run, and how many there are.
    pub(super) rows: u64,
    pub(super) total: u64,
    /// Other options.
    pub(super) options: Vec<String>,
}

/// The name that a job gets.
///
/// # Errors
/// If engines do not take it.
pub(super) fn name(args: &JobArgs) -> Result<String, Refused> {
    let of_graph = || args.graph.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = args.name.clone().unwrap_or_else(of_graph);
    let wrong = if name.trim().is_empty() {
        "is empty"
    } else if name.chars().count() > MAX_NAME {
        "is longer than 128 characters"
    } else if name.chars().any(char::is_control) {
        "has a control character"
    } else if name.contains(['/', '\\']) {
        "has a slash, and names of files are made of it"
    } else if name.contains("{{") || name.contains("}}") {
        "has two braces, which Open Job Description takes for a variable"
    } else if name.starts_with(['-', '.']) {
        "starts like an option or a hidden file"
    } else {
        return Ok(name);
    };
    let message = format!("the name of the job, `{name}`, {wrong}");
    Err(Refused { message, hint: Some("--name NAME gives another".to_owned()), exit: Exit::USAGE })
}

impl Job {
    /// The job that the arguments describe; its rows are not known yet.
    ///
    /// # Errors
    /// What is wrong with the arguments.
    pub(super) fn of(args: &JobArgs, global: &Global) -> Result<Self, Refused> {
        let name = name(args)?;
        let wrong = |message: &str, hint: &str| {
            Err(Refused { message: message.to_owned(), hint: Some(hint.to_owned()), exit: Exit::USAGE })
        };
        if args.graph.path.as_os_str() == "-" {
            return wrong("GRAPH: a farm cannot read standard input", "save the graph in a file");
        }
        if args.rows.shard.is_some() {
            return wrong(
                "--shard: the engine chooses the rows of a part",
                "--rows chooses those of the whole job",
            );
        }
        if args.program.is_empty() || args.program.contains(char::is_control) {
            return wrong("--program: it is no name of a program", "give a name or a path");
        }
        if args.compute.limits() != dreamwire_session::Limits::default() {
            return wrong("--node-timeout and --memory are for runs of one row", "leave them out");
        }
        let mut options = args.compute.words();
        for plugins in &global.plugins {
            options.push(format!("--plugins={}", text(&full(plugins)?)?));
        }
        if let Some(cache) = &global.cache {
            options.push(format!("--cache={}", text(&full(cache)?)?));
        }
        if global.no_cache {
            options.push("--no-cache".to_owned());
        }
        if global.cache_limit != dreamwire_session::CACHE_LIMIT {
            options.push(format!("--cache-limit={}", global.cache_limit));
        }
        Ok(Self {
            name,
            program: args.program.clone(),
            folder: full(Path::new("."))?,
            graph: text(&args.graph.path)?,
            out: text(&args.out)?,
            inputs: args.inputs.iter().map(|folder| text(folder)).collect::<Result<_, _>>()?,
            sets: args.graph.set.clone(),
            row_args: args.rows.clone(),
            anywhere: (args.graph.set.clone(), args.rows.clone()),
            rows: 0,
            total: 0,
            options,
        })
    }

    /// Takes what the graph says.
    pub(super) fn look(&mut self, looked: &Looked) {
        (self.rows, self.total) = (looked.count, looked.total);
        let (sets, row_args) = &mut self.anywhere;
        sets.iter_mut().for_each(|set| *set = looked.anywhere(set, false));
        row_args.sweep.iter_mut().for_each(|sweep| *sweep = looked.anywhere(sweep, true));
    }

    /// What it is, in words: "60 rows of dream.json".
    pub(super) fn title(&self) -> String {
        format!("{} of {}", several(self.rows, "row"), self.graph)
    }

    /// The graph as a word of a command line that cannot pass for an option.
    pub(super) fn graph_word(&self) -> String {
        if self.graph.starts_with('-') { format!("./{}", self.graph) } else { self.graph.clone() }
    }

    /// The words of the command after the graph, without those that choose a part of the rows.
    pub(super) fn words(&self) -> Vec<String> {
        let sets = self.sets.iter().map(|set| format!("--set={set}"));
        let inputs = self.inputs.iter().map(|folder| format!("--in={folder}"));
        let out = format!("--out={}", self.out);
        sets.chain(self.row_args.words())
            .chain(inputs)
            .chain([out])
            .chain(self.options.iter().cloned())
            .collect()
    }

    /// The command of a part for a shell, one option to a line. `shard` is a word of the shell.
    pub(super) fn command(&self, shard: &str) -> String {
        let mut words = vec!["run".to_owned(), quoted(&self.graph_word())];
        words.extend(self.words().iter().map(|word| quoted(word)));
        words.push(format!("--shard={shard}"));
        format!("exec {} {}", quoted(&self.program), words.join(" \\\n    "))
    }
}

/// The absolute path, from the current folder. `.` and `..` are gone: a link before `..` is followed, any other is kept,
/// because a farm may have it too.
///
/// # Errors
/// If there is no current folder.
pub(super) fn full(path: &Path) -> Result<PathBuf, Refused> {
    let absolute = std::path::absolute(path).map_err(|error| {
        let message = format!("`{}` has no absolute path: {error}", path.display());
        Refused { message, hint: None, exit: Exit::USAGE }
    })?;
    let mut found = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                found = found.canonicalize().unwrap_or(found);
                found.pop();
            }
            Component::CurDir => {}
            other => found.push(other),
        }
    }
    Ok(found)
}

/// The text of a path.
///
/// # Errors
/// If it is none: neither JSON nor a script could have it.
pub(super) fn text(path: &Path) -> Result<String, Refused> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("the path `{}` is not Unicode text", path.display());
        Refused { message, hint: Some("rename it".to_owned()), exit: Exit::USAGE }
    })
}

/// A job with names that need quotes.
#[cfg(test)]
pub(super) fn example() -> Job {
    let row_args = RowArgs { seeds: Some("1-12".to_owned()), ..RowArgs::default() };
    let sets = vec!["dream.text=it's".to_owned()];
    Job {
        name: "it's {my} job".to_owned(),
        program: "dreamwire".to_owned(),
        folder: "/shows/a b".into(),
        graph: "my graph.json".to_owned(),
        out: "out put".to_owned(),
        inputs: vec!["/in {1}".to_owned()],
        anywhere: (sets.clone(), row_args.clone()),
        sets,
        row_args,
        rows: 12,
        total: 12,
        options: vec!["--device=cpu".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command, ExportCommand, FarmCommand};

    fn job(words: &[&str]) -> Result<Job, Refused> {
        let line = [&["dreamwire", "farm", "export", "slurm"], words].concat();
        let cli = Cli::try_parse_from(line).expect("it is a command");
        let Command::Farm(farm) = cli.command else { panic!("not farm") };
        let FarmCommand::Export(command) = farm.command;
        let ExportCommand::Slurm(args) = *command else { panic!("not slurm") };
        Job::of(&args.job, &cli.global)
    }

    #[test]
    fn the_command_is_that_of_run() {
        let job = job(&[
            "./-g.json",
            "--set=a.b=-1",
            "--sweep=a.c=1,2",
            "--in=-x",
            "--device=cpu",
            "--no-cache",
            "--name=it",
        ]);
        let job = job.expect("it is fine");
        assert_eq!(
            job.words(),
            ["--set=a.b=-1", "--sweep=a.c=1,2", "--in=-x", "--out=out", "--device=cpu", "--no-cache"]
        );
        assert_eq!(Job { rows: 1, ..job }.title(), "1 row of ./-g.json");
    }

    #[test]
    fn a_name_is_refused_if_an_engine_would_refuse_it() {
        for good in ["dream", "dream then style", "Träume {1}", "a.b"] {
            assert_eq!(job(&["g.json", "--name", good]).expect("it is a name").name, good);
        }
        let long = "x".repeat(129);
        for bad in ["", " ", "a\nb", "a/b", "a\\b", "{{Param.X}}", "}}", "--name=-x", ".x", &long] {
            let option = if bad.starts_with("--name") { bad.to_owned() } else { format!("--name={bad}") };
            let refused = job(&["g.json", &option]).expect_err(bad);
            assert_eq!(
                (refused.exit, refused.hint.as_deref()),
                (Exit::USAGE, Some("--name NAME gives another"))
            );
        }
        assert_eq!(job(&["x/my graph.json"]).expect("it is a name").name, "my graph");
    }

    #[test]
    fn what_no_farm_can_do_is_refused() {
        let message = |words: &[&str]| job(words).expect_err("refused").message;
        assert!(message(&["-", "--name=x"]).starts_with("GRAPH"));
        assert!(message(&["g.json", "--shard=1/2"]).starts_with("--shard"));
        assert!(message(&["g.json", "--program="]).starts_with("--program"));
        assert!(message(&["g.json", "--memory=1GiB"]).starts_with("--node-timeout"));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_is_absolute_and_links_are_kept_unless_they_are_left_upwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        std::fs::create_dir_all(root.join("a/b")).expect("a folder");
        std::os::unix::fs::symlink(root.join("a/b"), root.join("link")).expect("a link");
        let check = |path: &str, expected: &str| {
            assert_eq!(full(&root.join(path)).expect("a path"), root.join(expected), "{path}");
        };
        check("./link/./x", "link/x");
        check("link/../x", "a/x");
        check("none/../x", "x");
    }
}
