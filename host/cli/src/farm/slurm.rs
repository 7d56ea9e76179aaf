//! A script of a Slurm job array.

use std::num::NonZeroU64;

use super::job::Job;
use super::several;
use crate::console::clean_line;
use crate::exit::Exit;
use crate::output::Refused;
use crate::shell;

/// The script, with an element for each part. At most `jobs` of them run at a time.
///
/// # Errors
/// If Slurm cannot read the name of the folder.
pub(super) fn script(job: &Job, parts: u64, jobs: Option<NonZeroU64>) -> Result<String, Refused> {
    let folder = job.folder.to_string_lossy();
    // It replaces `%j` and the like in the whole path of a log, and reads a script by lines.
    if folder.contains(['\n', '\r', '\0', '%', '\\']) {
        let message = format!(
            "the current folder, `{folder}`, has a `%`, a `\\` or a line break in its name, which Slurm replaces"
        );
        let hint = Some("go to another folder, or make a link to this one".to_owned());
        return Err(Refused { message, hint, exit: Exit::USAGE });
    }
    let at_once = jobs.map(|jobs| format!("%{jobs}")).unwrap_or_default();
    let name = option(&job.name);
    let logs = "log/%x_%A_%a.out";
    Ok(format!(
        "\
#!/bin/sh
# {title} in {in_parts}, each an element of a Slurm job array.
# Written by `dreamwire farm export slurm`. With THIS for this file:
#
#     sbatch THIS               all parts; also again after a failure: rows that are done are skipped
#     sbatch --array=3 THIS     part 3 alone
#
# What is said goes to {folder}/log, which must be there: Slurm makes no folders.
# Options of sbatch go before THIS and win over those below: --time, --partition, --gpus, --mem.
# Exit code 9: some rows have failed, the others are saved. 75: try later; with RequeueExit=75 in
# slurm.conf such an element goes back to the queue by itself.
#SBATCH --job-name={name}
#SBATCH --array=1-{parts}{at_once}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --chdir={chdir}
#SBATCH --output={logs}

{command}
",
        in_parts = several(parts, "part"),
        title = clean_line(&job.title()),
        folder = clean_line(&shell::quoted(&folder)),
        chdir = option(&folder),
        command = job.command(&format!("\"$SLURM_ARRAY_TASK_ID/{parts}\"")),
    ))
}

/// Makes the folder that Slurm writes logs to.
///
/// # Errors
/// If it cannot be made.
pub(super) fn make_log_folder(job: &Job) -> Result<(), Refused> {
    let folder = job.folder.join("log");
    std::fs::create_dir_all(&folder).map_err(|error| {
        let message = format!("the folder for logs, `{}`, cannot be made: {error}", folder.display());
        Refused { message, hint: None, exit: Exit::OUTPUT }
    })
}

/// A value of an option as sbatch reads it in a script: it takes quotes away, and what a backslash protects.
fn option(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let escaped: String = text
        .chars()
        .flat_map(|c| ['\\'].into_iter().filter(move |_| "\\\"'#".contains(c)).chain([c]))
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::super::job::example;
    use super::*;

    #[test]
    fn an_element_runs_its_part() {
        let script = script(&example(), 4, NonZeroU64::new(2)).expect("a script");
        assert!(script.starts_with("#!/bin/sh\n# 12 rows of my graph.json in 4 parts"), "{script}");
        let directives: Vec<&str> = script.lines().filter(|line| line.starts_with("#SBATCH")).collect();
        let expected = [
            "#SBATCH --job-name=\"it\\'s {my} job\"",
            "#SBATCH --array=1-4%2",
            "#SBATCH --requeue",
            "#SBATCH --open-mode=append",
            "#SBATCH --chdir=\"/shows/a b\"",
            "#SBATCH --output=log/%x_%A_%a.out",
        ];
        assert_eq!(directives, expected);
        let expected = "\nexec dreamwire run \\\n    'my graph.json' \\\n    '--set=dream.text=it'\\''s' \\\n    --seeds=1-12 \
                        \\\n    '--in=/in {1}' \\\n    '--out=out put' \\\n    --device=cpu \\\n    \
                        --shard=\"$SLURM_ARRAY_TASK_ID/4\"\n";
        assert!(script.ends_with(expected), "{script}");
    }

    #[test]
    fn what_slurm_would_replace_is_refused() {
        for folder in ["/a%j", "/a\\b", "/a\nb"] {
            let job = Job { folder: folder.into(), ..example() };
            assert_eq!(script(&job, 1, None).expect_err(folder).exit, Exit::USAGE);
        }
    }

    #[test]
    fn nothing_of_the_graph_leaves_its_comment() {
        let job = Job { graph: "a\n#SBATCH --uid=0\nrm -rf /".to_owned(), ..example() };
        let script = script(&job, 4, None).expect("a script");
        // sbatch reads its options up to the first command.
        let head = script.lines().take_while(|line| line.is_empty() || line.starts_with('#'));
        assert_eq!(head.filter(|line| line.starts_with("#SBATCH")).count(), 6);
        assert!(script.contains("'a\n#SBATCH --uid=0\nrm -rf /'"), "{script}");
    }
}
