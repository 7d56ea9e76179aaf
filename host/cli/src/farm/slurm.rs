//! A script of a Slurm job array.

use std::num::NonZeroU64;

use super::job::Job;
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
    if folder.contains(['\n', '\r', '\0']) {
        let message =
            format!("the name of the folder `{}` has a line break, which no #SBATCH line takes", folder);
        return Err(Refused { message, hint: None, exit: Exit::USAGE });
    }
    let at_once = jobs.map(|jobs| format!("%{jobs}")).unwrap_or_default();
    let name = option(&job.name);
    let logs = "log/%x_%A_%a.out";
    Ok(format!(
        "\
#!/bin/sh
# {title} in {parts} parts, each an element of a Slurm job array.
# Written by `dreamwire farm export slurm`. With THIS for this file:
#
#     mkdir -p {folder}/log     once: Slurm writes what is said there, and makes no folders
#     sbatch THIS               all parts; also again after a failure: rows that are done are skipped
#     sbatch --array=3 THIS     part 3 alone
#
# Options of sbatch go before THIS and win over those below: --time, --partition, --gpus, --mem.
# Exit code 9: some rows have failed, the others are saved. 75: try later, such as when the GPU is in use. With
# RequeueExit=75 in slurm.conf such an element goes back to the queue by itself.
#SBATCH --job-name={name}
#SBATCH --array=1-{parts}{at_once}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --chdir={chdir}
#SBATCH --output={logs}

{command}
",
        title = clean_line(&job.title()),
        folder = clean_line(&shell::quoted(&folder)),
        chdir = option(&folder),
        command = job.command(&format!("\"$SLURM_ARRAY_TASK_ID/{parts}\"")),
    ))
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
