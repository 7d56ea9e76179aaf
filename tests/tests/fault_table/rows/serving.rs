//! The server.

use super::{Group, row};

pub(crate) const SERVING: Group = Group {
    title: "The server",
    rows: &[
        row(
            "H1",
            "It would be reached from other machines.",
            "Only with `--listen` and a token of at least 8 characters. Exit 2.",
        ),
        row(
            "H2",
            "A `Host` that is not one of its own (DNS rebinding).",
            "403, for every route and the websocket.",
        ),
        row(
            "H3",
            "A page of another origin, `Origin: null`, `Sec-Fetch-Site: cross-site`.",
            "403 for whatever is more than opening a page.",
        ),
        row("H4", "A form of another page.", "415: JSON is not taken from forms, and a GET changes nothing."),
        row(
            "H5",
            "`..`, absolute paths, backslashes, NUL, drives and links in names of files.",
            "400 or 403; nothing outside the folders is read or written.",
        ),
        row(
            "H6",
            "A page or an SVG that was uploaded.",
            "Only pictures are taken; whatever else is served is an attachment without a type, and never sniffed.",
        ),
        row(
            "H7",
            "Bodies over the limit, endless, slow, or of another length than they say; headers that never end.",
            "413 or 408; memory stays small.",
        ),
        row("H8", "A compressed body that unpacks to more.", "415: no compressed bodies."),
        row(
            "H9",
            "Thousands of jobs.",
            "All have ids and keep their order. Beyond `--queue-max` 429, with the time to try again.",
        ),
        row(
            "H10",
            "The server is killed with jobs in its queue.",
            "The next one goes on with them. A job during which it ended three times is given up.",
        ),
        row("H11", "The state of a job that does not exist.", "404, or an empty history; never an end."),
        row(
            "H12",
            "A job is cancelled that waits, runs, has ended, or does not exist.",
            "It is removed, stopped, or left as it is; never another one.",
        ),
        row(
            "H13",
            "Sockets that never read, send large messages, or are too many.",
            "Previews are left out, then the socket is closed; 1 MiB at most is taken; others do not notice.",
        ),
        row(
            "H14",
            "A client leaves during an upload or a job.",
            "The partial file is removed; the job goes on.",
        ),
        row(
            "H15",
            "A graph with errors.",
            "The problems that the command line tells, at their nodes and inputs; outputs without errors run.",
        ),
        row(
            "H16",
            "A graph that names files outside the folders, or plugins.",
            "Refused without a word on what exists there.",
        ),
        row("H17", "Line breaks and control characters in names and messages.", "Escaped or refused."),
        row("H18", "The port is in use.", "Exit 75."),
        row("H19", "Two servers with one output folder.", "The second one ends with exit 75."),
        row("H20", "A step that computes for minutes.", "Requests are answered meanwhile."),
    ],
};

pub(crate) const VIA: Group = Group {
    title: "Runs on a server",
    rows: &[
        row(
            "V1",
            "The server of `--via` cannot be reached, or asks for another token.",
            "Exit 75, or 2, with what to do about it. Only http is taken.",
        ),
        row(
            "V2",
            "A graph with errors, and a step that fails on the server.",
            "The problem with its place in the graph file and the exit code of a run here. Of a graph with errors nothing runs.",
        ),
        row(
            "V3",
            "The server names a file like one that is here, or like one outside the output folder.",
            "No file is replaced: it gets another number. Nothing is written outside.",
        ),
        row("V4", "The run is interrupted.", "The job stops on the server too. Exit 130."),
        row(
            "V5",
            "The connection is lost, or the server is started anew.",
            "The run goes on when the server is back within a minute, else exit 75.",
        ),
    ],
};
