//! A script for GNU parallel, or for `xargs -P` where that is not installed.

use std::num::NonZeroU64;

use super::job::Job;
use super::several;
use crate::console::clean_line;
use crate::shell;

/// How many parts run at a time on one machine: one computes while another reads and writes. Steps use all cores.
const JOBS: NonZeroU64 = NonZeroU64::new(2).expect("it is not 0");

/// The script. It is started for all parts, and starts itself for each of them.
pub(super) fn script(job: &Job, parts: u64, jobs: Option<NonZeroU64>) -> String {
    let jobs = jobs.unwrap_or(JOBS);
    let command = job.command(&format!("\"$part/{parts}\""));
    let folder = shell::quoted(&job.folder.to_string_lossy());
    // What the log of another command says is no reason to skip a part.
    let digest = blake3::hash(format!("{folder} {command}").as_bytes()).to_hex();
    let log = shell::quoted(&format!("log/{}-{}.joblog", job.name, &digest[..8]));
    format!(
        "\
#!/usr/bin/env bash
# {title} in {in_parts}, for GNU parallel.
# Written by `dreamwire farm export parallel`. With THIS for this file:
#
#     bash THIS            all parts; also again after a failure, which tries only parts that failed
#     JOBS=4 bash THIS     four at a time
#     bash THIS 3          part 3 alone
#
# All parts without GNU parallel:
#
#     seq {parts} | xargs -P {jobs} -n 1 bash THIS
#
# Exit code 9: some parts have failed, and what is done is saved; the same command tries them again.
set -u
part=${{1-}}
script=$(realpath -- \"$0\") || exit 5
cd -- {folder} || exit 5

if [ -n \"$part\" ]; then
    {command}
fi

command -v parallel >/dev/null || {{
    echo 'GNU parallel is not installed; the head of this script says how xargs does it' >&2
    exit 2
}}
mkdir -p log || exit 6
# Parts that have ended well are in this log. They are all tried again when the graph has changed since, and if it is
# removed, for example because a picture has changed.
log={log}
if [ {graph} -nt \"$log\" ]; then rm -f -- \"$log\"; fi
# In a variable, because GNU parallel would replace some braces in its name.
export FARM_SCRIPT=$script
SHELL=$BASH parallel --joblog \"$log\" --resume-failed --halt never --jobs \"${{JOBS:-{jobs}}}\" \\
    --line-buffer --tagstring 'part {{}}:' 'bash -- \"$FARM_SCRIPT\" {{}}' ::: {{1..{parts}}}
failed=$?
case $failed in
0) exit 0 ;;
# As many have failed; 101 is more than 100.
[1-9] | [1-9][0-9] | 100 | 101)
    echo \"parts that failed: $failed; to try them again: bash $(printf %q \"$script\")\" >&2
    exit 9
    ;;
*) exit \"$failed\" ;;
esac
",
        in_parts = several(parts, "part"),
        title = clean_line(&job.title()),
        graph = shell::quoted(&job.graph_word()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::job::example;
    use super::*;

    #[test]
    fn it_starts_itself_for_each_part() {
        let script = script(&example(), 4, None);
        assert!(script.contains("\ncd -- '/shows/a b' || exit 5\n"), "{script}");
        assert!(script.contains("    exec dreamwire run \\\n    'my graph.json' \\\n"), "{script}");
        assert!(script.contains("    --shard=\"$part/4\"\n"), "{script}");
        assert!(script.contains(" ::: {1..4}\n"), "{script}");
        assert!(script.contains("--jobs \"${JOBS:-2}\""), "{script}");
    }

    #[test]
    fn another_command_has_another_log() {
        let log = |job: &Job, parts| {
            let script = script(job, parts, None);
            script.lines().find(|line| line.starts_with("log=")).expect("it has a log").to_owned()
        };
        let first = log(&example(), 4);
        assert!(first.starts_with(r"log='log/it'\''s {my} job-") && first.ends_with(".joblog'"), "{first}");
        assert_eq!(first, log(&example(), 4));
        assert_ne!(first, log(&example(), 5));
        assert_ne!(first, log(&Job { out: "other".to_owned(), ..example() }, 4));
    }
}
