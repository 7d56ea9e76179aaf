//! Runs, cache and time.

use super::{Group, row};

pub(crate) const RUNS: Group = Group {
    title: "Runs, cache and time",
    rows: &[
        row(
            "F1",
            "Ctrl-C, SIGTERM or SIGHUP in the middle of a step.",
            "It ends after at most two seconds without an answer; saved files are whole and nothing \
             temporary remains. Exit 130, 143 or 129.",
        ),
        row("F2", "A run after a failure.", "Only what is not finished runs."),
        row(
            "F3",
            "The cache is damaged, removed, of another version, or its disk is full.",
            "The step runs again; a result is never wrong. Exit 0.",
        ),
        row("F4", "Clocks that jump, and modification times that lie.", "Content decides, not time."),
        row(
            "F5",
            "Memory runs out.",
            "A dream that does not fit takes tiles, and says which. Other steps that do not are refused before \
             they start, exit 8. With a process of its own a step whose memory runs out fails with exit 8 and the \
             others run. Tensors that no machine holds are refused before they are read.",
        ),
        row(
            "F6",
            "One bad frame of a thousand.",
            "All others are saved. Exit 9, with a list of what failed and the command that runs it again.",
        ),
        row(
            "F7",
            "A sequence with feedback that is split over machines.",
            "Refused, exit 3, unless `--preroll` says how many rows to compute before each part.",
        ),
        row("F8", "The same graph twice, with one thread or many.", "The same bytes."),
        row(
            "F9",
            "Other languages, time zones and terminals; no home, or one that cannot be written to.",
            "The same bytes. Exit 0.",
        ),
    ],
};
