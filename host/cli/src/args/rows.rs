//! The options that make several runs of one graph.

use std::fmt::Display;

use clap::{Args, ValueEnum};

/// Several runs of one graph, called rows. Each row has values of its own for some params. They are numbered from 1.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RowArgs {
    /// A row for each file of a folder and its sub-folders, or of a pattern; may be given several times.
    #[arg(long, value_name = "NODE.PARAM=DIR|GLOB", help_heading = "Rows")]
    pub(crate) each: Vec<String>,
    /// A row for each of these values; may be given several times.
    #[arg(long, value_name = "NODE.PARAM=A,B,C", help_heading = "Rows")]
    pub(crate) sweep: Vec<String>,
    /// Pair lists, first with first, second with second, instead of a row for each combination.
    #[arg(long, help_heading = "Rows")]
    pub(crate) zip: bool,
    /// A row for each frame: `1-60`, every second of them `1-60:2`, or `1-3,7,9`.
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, help_heading = "Rows")]
    pub(crate) frames: Option<String>,
    /// A row for each seed, such as `0-8`.
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, help_heading = "Rows")]
    pub(crate) seeds: Option<String>,
    /// What a frame without its file means.
    #[arg(long, value_enum, default_value_t, value_name = "WHAT", help_heading = "Rows")]
    pub(crate) missing: MissingArg,
    /// Run only these rows, such as `3,7-9`.
    #[arg(long, value_name = "RANGE", help_heading = "Rows")]
    pub(crate) rows: Option<String>,
    /// Run only the I-th of N parts of the rows: parts are contiguous and differ by at most one row.
    #[arg(long, value_name = "I/N", help_heading = "Rows")]
    pub(crate) shard: Option<String>,
    /// Run so many rows before a part without saving them, where a row needs the result of the one before.
    #[arg(long, value_name = "N", help_heading = "Rows")]
    pub(crate) preroll: Option<u64>,
    /// When a row is made again whose files are there.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", help_heading = "Rows")]
    pub(crate) overwrite: OverwriteArg,
    /// Do not go on with other rows when one has failed.
    #[arg(long, help_heading = "Rows")]
    pub(crate) stop_on_failure: bool,
}

/// What a frame without its file means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MissingArg {
    /// Nothing runs.
    #[default]
    Error,
    /// The frame has no row.
    Skip,
    /// The row takes the file of the frame before.
    Hold,
}

/// When a row is made again whose files are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverwriteArg {
    /// It is not.
    Never,
    /// If they were made of anything else than what they would be made of now, or are damaged.
    #[default]
    Stale,
    /// It always is.
    Always,
}

impl RowArgs {
    /// The options as words of a command line, without those that have their default. Each is one word, so that a value
    /// may start with `-`.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |name: &str, value: &dyn Display| words.push(format!("--{name}={value}"));
        self.each.iter().for_each(|each| add("each", each));
        self.sweep.iter().for_each(|sweep| add("sweep", sweep));
        let ranges = [("frames", &self.frames), ("seeds", &self.seeds), ("rows", &self.rows)];
        for (name, value) in ranges.into_iter().chain([("shard", &self.shard)]) {
            value.iter().for_each(|value| add(name, value));
        }
        if self.missing != MissingArg::default() {
            add("missing", &name(self.missing));
        }
        self.preroll.iter().for_each(|count| add("preroll", count));
        if self.overwrite != OverwriteArg::default() {
            add("overwrite", &name(self.overwrite));
        }
        let flags = [("--zip", self.zip), ("--stop-on-failure", self.stop_on_failure)];
        words.extend(flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.to_owned()));
        words
    }
}

/// The name of a choice on the command line.
fn name(choice: impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        rows: RowArgs,
    }

    #[test]
    fn words_are_read_as_what_they_were_made_of() {
        let words = [
            "--each=photo.image=my photos/*.png",
            "--each=b.image=-x",
            "--sweep=dream.rate=1,2",
            "--frames=-3-5:2",
            "--seeds=0-8",
            "--rows=3,7-9",
            "--shard=1/3",
            "--missing=hold",
            "--preroll=2",
            "--overwrite=always",
            "--zip",
            "--stop-on-failure",
        ];
        let line = Line::try_parse_from(std::iter::once("run").chain(words)).expect("they are options");
        assert_eq!(line.rows.words(), words);
        assert_eq!(line.rows.frames.as_deref(), Some("-3-5:2"));
    }

    #[test]
    fn defaults_need_no_words() {
        assert!(RowArgs::default().words().is_empty());
        let line = Line::try_parse_from(["run"]).expect("all are optional");
        assert!(line.rows.words().is_empty());
    }
}
