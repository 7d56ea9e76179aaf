//! Outputs and disks.

use super::{Group, row, untested};

pub(crate) const OUTPUTS: Group = Group {
    title: "Outputs and disks",
    rows: &[
        row(
            "E1",
            "The disk fills up at any byte.",
            "Old files and those that fitted are whole, nothing else remains. What was needed and what is \
             free are shown. Exit 6.",
        ),
        row(
            "E2",
            "The output folder is missing, or a file is in its place.",
            "It is made if its parent exists, else exit 6, before anything runs.",
        ),
        row(
            "E3",
            "An output folder without permission to write.",
            "Found before the first step, and nothing remains of trying. Exit 6.",
        ),
        row(
            "E4",
            "The program is killed at any moment.",
            "Each file is whole or not there. The next run finishes the rest; one that is at least a minute \
             later removes what was temporary.",
        ),
        row(
            "E5",
            "The power fails.",
            "A file gets its name only after its bytes are flushed to the disk; if they cannot be, exit 6.",
        ),
        row(
            "E6",
            "Two processes write to one folder.",
            "Both succeed: each file gets a number of its own, equal files are saved once. Exit 0.",
        ),
        row(
            "E7",
            "An output would replace an input, or two nodes save under one name.",
            "Each file gets the next free number; inputs are never overwritten. Exit 0.",
        ),
        row(
            "E8",
            "Names with `..`, absolute paths, backslashes, and links that lead elsewhere.",
            "Nothing is written outside the output folder. Names: exit 3. Links: exit 6, before anything \
             runs.",
        ),
        untested(
            "E9",
            "A network disk that fails, or does not tell of changes.",
            "Errors are told as for any disk. `watch` also looks at its files once a second.",
            "Needs a network file system.",
        ),
        row(
            "E10",
            "Outputs on another disk than temporary files.",
            "It does not matter: a file is written beside its final name. Exit 0.",
        ),
        row(
            "E11",
            "Permissions of saved files.",
            "New files follow the umask, a replaced file keeps its mode.",
        ),
        row(
            "E12",
            "A format that cannot hold the picture: JPEG with alpha or 16 bits.",
            "Refused with what the format holds, never reduced silently. Bits: exit 3.",
        ),
        row(
            "E13",
            "Few open files are allowed.",
            "Files are closed at once: 100 pictures need no more than 32 open files. Exit 0.",
        ),
        row(
            "E14",
            "Nobody reads the output (`| head`).",
            "The run ends well and its files are kept; errors keep their exit code.",
        ),
        row(
            "E15",
            "Files that are not to tell how they were made.",
            "With `--no-metadata` no file carries the graph or anything else, whatever is cached.",
        ),
    ],
};
