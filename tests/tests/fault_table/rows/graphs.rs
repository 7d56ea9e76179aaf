//! Graph files.

use super::{Group, row};

pub(crate) const GRAPHS: Group = Group {
    title: "Graph files",
    rows: &[
        row(
            "A1",
            "The file is missing, a folder, a named pipe or not readable.",
            "The path and the system's reason are named, and nobody waits. Exit 3.",
        ),
        row(
            "A2",
            "The file is empty, or has nothing but spaces and comments.",
            "It is said to be empty, exit 3. `watch` waits for the next save.",
        ),
        row(
            "A3",
            "The text is not JSON.",
            "Line, column, the text around it, and what was expected there. Exit 3.",
        ),
        row(
            "A4",
            "The file is half written.",
            "As any text that is not JSON, exit 3. `watch` reads it again for 300 ms before it shows an \
             error.",
        ),
        row(
            "A5",
            "A byte order mark, Windows line ends, comments, trailing commas; NaN, hexadecimal numbers, \
             single quotes.",
            "The former are accepted. The latter are refused, each with its place. Exit 3.",
        ),
        row(
            "A6",
            "Bytes that are not UTF-8, NUL, half of a surrogate pair.",
            "Refused with the byte and the line. Exit 3.",
        ),
        row(
            "A7",
            "Millions of nested brackets.",
            "Nesting deeper than 512 is refused, without a crash. Exit 3.",
        ),
        row(
            "A8",
            "A file, a graph or a list that is far too large.",
            "Refused with the limit: 16 MiB (a larger file is not parsed), 100,000 nodes, 2,000,000 values \
             (exit 8); 1024 links into an input (exit 3). Memory stays bounded.",
        ),
        row(
            "A9",
            "Two nodes with one name, or an input that is given twice.",
            "Both places are shown. Exit 3.",
        ),
        row(
            "A10",
            "A field or an input that does not exist.",
            "Refused, with the nearest name if there is one. Fields that start with `x-` are ignored. Exit \
             3.",
        ),
        row(
            "A11",
            "A format version that is newer than the program.",
            "Refused with both versions. Exit 3. There is no older version yet.",
        ),
        row(
            "A12",
            "A kind that does not exist.",
            "The nearest name, the plugin that is known to have the kind, and the folders that were \
             searched. Exit 4.",
        ),
        row(
            "A13",
            "A link to a node or an output that does not exist.",
            "The place of the link, the nearest name, and what there is. Exit 3.",
        ),
        row(
            "A14",
            "A link between types that do not fit.",
            "Both types, and an output that fits or a kind that converts, if there is one. Exit 3.",
        ),
        row(
            "A15",
            "Two links into one input, or a required input without a value.",
            "The node and the input are named, and nothing runs. Exit 3.",
        ),
        row(
            "A16",
            "Nodes that feed each other: one, two or a thousand.",
            "The cycle is shown, without a stack overflow. Exit 3.",
        ),
        row(
            "A17",
            "A param of the wrong type, out of range, not finite, or not among the choices.",
            "Refused with what is allowed, before anything runs. Exit 3.",
        ),
        row(
            "A18",
            "A seed with a fraction, or one that is too large to be exact.",
            "Refused, never rounded. Exit 3.",
        ),
        row(
            "A19",
            "A graph without an output, and nodes that no output needs.",
            "Without an output: exit 3. A node that is not needed is a warning and does not run.",
        ),
        row(
            "A20",
            "A chain of 10,000 nodes, and a result that thousands use.",
            "It runs, in bounded stack. Exit 0.",
        ),
        row(
            "A21",
            "Many mistakes at once.",
            "All are reported in the order of the file, up to 50. Exit 3, or that of the first.",
        ),
        row(
            "A22",
            "A graph from standard input or a pipe of the shell.",
            "It runs as from a file, with the same limits.",
        ),
        row(
            "A23",
            "A graph in the editor's own form that is not as the editor writes it: links to nothing or around in a \
             loop, subgraphs that are missing, contain themselves or grow without end, values that fit no widget.",
            "Each is refused with its place in the file, without a stack overflow and in bounded memory. Exit 3, or 8 \
             for a limit.",
        ),
    ],
};
