//! Options of runs of several rows.

use std::fmt::Display;

use clap::{Args, ValueEnum};
use dreamwire_session::sequence::{Missing, Overwrite, RowOptions};

/// What to run the graph for: each file, value, seed or frame is a row. Several of these multiply.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of runs of several rows")]
pub(crate) struct RowArgs {
    /// A row for each picture of a folder and the folders in it, or for each file that fits a pattern such as `in/*.png`;
    /// may be given several times. Names of outputs may have {stem} and {dir}.
    #[arg(long, value_name = "NODE.PARAM=DIR|GLOB")]
    pub(crate) each: Vec<String>,
    /// A row for each of these values, or of a JSON list; may be given several times. Names of outputs may have
    /// {node.param}.
    #[arg(long, value_name = "NODE.PARAM=A,B,C")]
    pub(crate) sweep: Vec<String>,
    /// A row for each seed, such as 0-8: all params `seed` of the graph have it. Names of outputs may have {seed}.
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub(crate) seeds: Option<String>,
    /// A row for each frame, such as 1-60, 1-60:2 or 1-3,7: curves have their values there. Paths may have {frame:04} or
    /// ####.
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub(crate) frames: Option<String>,
    /// Pair the first with the first, the second with the second, and so on, instead of each with each.
    #[arg(long)]
    pub(crate) zip: bool,
    /// What to do about input files of frames that are missing: refuse the run, leave out their rows, or take the file
    /// of the frame before.
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub(crate) missing: MissingArg,
    /// Run only these rows, by number from 1, such as 3,7-9.
    #[arg(long, value_name = "RANGE")]
    pub(crate) rows: Option<String>,
    /// Run only part I of N parts of the rows, as one of several machines.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<(usize, usize)>,
    /// Compute N rows without saving them before the first row of a part that needs the row before it.
    #[arg(long, value_name = "N")]
    pub(crate) preroll: Option<usize>,
    /// Which rows to run whose files are there: `never` any, `stale` those that would come out differently, `always` all.
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    pub(crate) overwrite: OverwriteArg,
    /// Stop at the first row that fails, instead of going on with the others.
    #[arg(long)]
    pub(crate) stop_on_failure: bool,
    /// Print how many rows there are, and run none.
    #[arg(long)]
    pub(crate) count_rows: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MissingArg {
    #[default]
    Error,
    Skip,
    Hold,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverwriteArg {
    Never,
    #[default]
    Stale,
    Always,
}

impl RowArgs {
    /// The options; none if the run is an ordinary one.
    pub(crate) fn options(&self) -> Option<RowOptions> {
        let options = RowOptions {
            each: self.each.clone(),
            sweep: self.sweep.clone(),
            frames: self.frames.clone(),
            seeds: self.seeds.clone(),
            zip: self.zip,
            missing: match self.missing {
                MissingArg::Error => Missing::Error,
                MissingArg::Skip => Missing::Skip,
                MissingArg::Hold => Missing::Hold,
            },
            rows: self.rows.clone(),
            shard: self.shard,
            preroll: self.preroll,
            overwrite: match self.overwrite {
                OverwriteArg::Never => Overwrite::Never,
                OverwriteArg::Stale => Overwrite::Stale,
                OverwriteArg::Always => Overwrite::Always,
            },
            stop_on_failure: self.stop_on_failure,
        };
        (options != RowOptions::default() || self.count_rows).then_some(options)
    }

    /// The options as words of a command line, without those that have their default, and without `--count-rows`. Each is
    /// one word, so that a value may start with `-`.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |name: &str, value: &dyn Display| words.push(format!("--{name}={value}"));
        self.each.iter().for_each(|each| add("each", each));
        self.sweep.iter().for_each(|sweep| add("sweep", sweep));
        let ranges = [("seeds", &self.seeds), ("frames", &self.frames), ("rows", &self.rows)];
        for (name, value) in ranges {
            value.iter().for_each(|value| add(name, value));
        }
        self.shard.iter().for_each(|(part, parts)| add("shard", &format!("{part}/{parts}")));
        self.preroll.iter().for_each(|count| add("preroll", count));
        if self.missing != MissingArg::default() {
            add("missing", &name(self.missing));
        }
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

/// `I/N`, from 1.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts =
        text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
    parts
        .filter(|&(part, parts)| (1..=parts).contains(&part))
        .ok_or_else(|| "expected I/N with I from 1 to N, such as 1/3".to_owned())
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
            "--seeds=0-8",
            "--frames=-3-5:2",
            "--rows=3,7-9",
            "--shard=1/3",
            "--preroll=2",
            "--missing=hold",
            "--overwrite=always",
            "--zip",
            "--stop-on-failure",
        ];
        let line =
            |words: &[&str]| Line::try_parse_from([&["run"], words].concat()).expect("they are options").rows;
        assert_eq!(line(&words).words(), words);
        assert_eq!(line(&words).frames.as_deref(), Some("-3-5:2"));
        assert!(line(&["--count-rows"]).words().is_empty());
    }

    #[test]
    fn shards_are_read_or_refused() {
        assert_eq!(shard("2/3"), Ok((2, 3)));
        for text in ["0/3", "4/3", "1/0", "1", "a/b", "-1/3", "1/3/5"] {
            assert!(shard(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_ordinary_run_has_no_rows() {
        assert_eq!(RowArgs::default().options(), None);
        let options =
            RowArgs { seeds: Some("1-2".into()), ..RowArgs::default() }.options().expect("several rows");
        assert_eq!(options.seeds.as_deref(), Some("1-2"));
    }
}
