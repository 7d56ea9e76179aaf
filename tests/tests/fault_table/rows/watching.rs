//! Watching.

use super::{Group, row};

pub(crate) const WATCHING: Group = Group {
    title: "Watching",
    rows: &[
        row(
            "G1",
            "The ways in which editors save: in place, by renaming, over a backup, with a lock beside it.",
            "Each save runs what it changed, once.",
        ),
        row(
            "G2",
            "A save that empties the file long before it writes.",
            "An empty file is no error: the last result stays and the next save is waited for.",
        ),
        row(
            "G3",
            "A hundred saves per second.",
            "The last one wins; at most one run at a time and one that waits.",
        ),
        row(
            "G4",
            "A save during a run.",
            "A step that is no longer needed is stopped. A run never mixes two graphs or two versions of a \
             file.",
        ),
        row(
            "G5",
            "A broken save, then a good one.",
            "The error is shown once, the last result stays, and the next good save runs.",
        ),
        row(
            "G6",
            "The graph, a picture or its folder is moved, removed or replaced.",
            "It is waited for and runs when it is back. Links are followed at every step of the way.",
        ),
        row("G7", "Files that the graph itself saves in the watched folder.", "They run nothing."),
        row("G8", "The system has no watches left.", "Folders are polled, which is told."),
        row("G9", "Only one param changes.", "Only its node and those after it run."),
        row(
            "G10",
            "A plugin is rebuilt during a watch.",
            "Its nodes run with the new build. One that cannot be loaded is told, and the old one stays in \
             use.",
        ),
    ],
};
