//! Plugins.

use super::{Group, row};

pub(crate) const PLUGINS: Group = Group {
    title: "Plugins",
    rows: &[
        row(
            "B1",
            "A plugin that is missing, cut off or no library.",
            "Named with the system's reason. Exit 4 if `--plugins` or `DREAMWIRE_PLUGINS` asked for it; one \
             that was merely found is a warning.",
        ),
        row(
            "B2",
            "A library without the entry, of another major version, or with an entry that is too small.",
            "Refused with both versions or sizes, exit 4. The other plugins work.",
        ),
        row(
            "B3",
            "A plugin from another compiler or language, or for an older minor version.",
            "It works: only the C interface is shared. Exit 0.",
        ),
        row("B4", "Two plugins with one kind.", "Refused, both files are named. Exit 4."),
        row(
            "B5",
            "Descriptors that lie: null texts, billions of ports, broken schemas.",
            "Each is checked and told, without a crash and without endless output. Exit 4.",
        ),
        row(
            "B6",
            "A Rust plugin panics while a node runs.",
            "The node fails with the text of the panic, exit 7. The program lives on.",
        ),
        row(
            "B7",
            "A plugin panics or fails while it starts, makes a node or destroys one.",
            "The first node of it fails with the reason, exit 4. A panic in a destructor changes nothing.",
        ),
        row(
            "B8",
            "A plugin crashes, overflows its stack or calls `exit`.",
            "With `--isolate` and in `watch`: the node and the signal are named, the other steps run, \
             finished ones are kept. Exit 4. `watch` tries such a step twice. Without a process of its own \
             the crash ends the program, also with exit 4.",
        ),
        row("B9", "A step that never ends.", "`--node-timeout` ends it; the other steps run. Exit 124."),
        row(
            "B10",
            "A step that ignores that it should stop.",
            "After two seconds it is ended: by a signal (exit 130, 143 or 129), or by `watch` for the next \
             edit.",
        ),
        row(
            "B11",
            "A result of another shape or type, null, misaligned or absurdly large.",
            "Checked before it is read; node and plugin are named. Exit 4.",
        ),
        row(
            "B12",
            "A result with NaN or infinity.",
            "The node fails with the number of such values and the first place, exit 7. `--allow-nonfinite` \
             lets them through.",
        ),
        row(
            "B13",
            "A result that is freed twice or never.",
            "The host frees each once, also if it refuses it. Mistakes of the plugin itself are not found.",
        ),
        row(
            "B14",
            "The file of a loaded library is overwritten or truncated.",
            "Nothing happens: a private copy is loaded. A library that changed before it was opened fails \
             its node.",
        ),
        row(
            "B15",
            "A plugin is rebuilt.",
            "A run keeps the build that it has. The next one uses the new build, and only results of the \
             old one are computed again.",
        ),
        row(
            "B16",
            "A plugin prints.",
            "It goes to standard error or becomes a message; it can never pass for an event. Exit 0.",
        ),
        row(
            "B17",
            "A plugin changes the working folder.",
            "The folder is restored and the plugin named; files arrive where they belong. Locales and \
             signal handlers are not restored.",
        ),
        row(
            "B18",
            "A library beside the graph, or one that anyone can write to.",
            "The graph's folder is never searched. Libraries that anyone can write to are a warning.",
        ),
    ],
};
