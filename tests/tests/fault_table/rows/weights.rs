//! Weights.

use super::{Group, row, untested};

pub(crate) const WEIGHTS: Group = Group {
    title: "Weights",
    rows: &[
        row(
            "C1",
            "The file is missing.",
            "The places that were looked at and the names that are built in. Exit 5. Nothing is ever \
             downloaded.",
        ),
        row(
            "C2",
            "A file that is cut, too long, damaged or lies about its sizes.",
            "Refused with the size that it must have and the one that it has, without a crash. Exit 5.",
        ),
        untested(
            "C3",
            "A file other than the one that was meant.",
            "It is used if its tensors fit. `describe` shows its hash.",
            "Nothing records which hash a file must have.",
        ),
        row(
            "C4",
            "A web page, a Git LFS pointer, an archive, an ONNX file; a pickle that wants code to be run.",
            "Recognised by its content and named. Pickles are read as data, and nothing in them is executed. Exit 5.",
        ),
        row(
            "C5",
            "Tensors that are missing or have another shape.",
            "The first of them with the shapes that are expected and found. Exit 5.",
        ),
        row(
            "C6",
            "Numbers of another type.",
            "f16, bf16 and f64 are read as f32; other types are refused by name. Exit 0 or 5.",
        ),
        row(
            "C7",
            "NaN or infinity in weights.",
            "The tensors are named when they are read: a feature extractor warns, a generator or decoder is refused. Exit 0 \
             or 5.",
        ),
        row(
            "C8",
            "The file changes while it is used.",
            "Nothing happens: a run reads each file once, into memory.",
        ),
        row(
            "C9",
            "Weights of another architecture.",
            "The architecture is named, if it is known, and the kind that takes it. Exit 5.",
        ),
        untested(
            "C10",
            "A download that is interrupted.",
            "There are no downloads.",
            "Nothing is downloaded yet.",
        ),
        row(
            "C11",
            "A device that does not exist.",
            "`--device cuda` and `metal` are refused before anything runs if a plugin of the graph was not built for it, \
             or if it does not work, with the reason: exit 4; if its memory is used up: exit 8. `auto` takes what works.",
        ),
        row(
            "C12",
            "Results that differ between devices.",
            "Results of one device are promised by F8, none are across devices. Keys hold the class of the device, so a \
             result of another is never used.",
        ),
    ],
};
