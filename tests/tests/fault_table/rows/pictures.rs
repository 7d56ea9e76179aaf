//! Pictures.

use super::{Group, row};

pub(crate) const PICTURES: Group = Group {
    title: "Pictures",
    rows: &[
        row(
            "D1",
            "A picture that is missing, a folder, a named pipe or a device.",
            "Only regular files are read, and nobody waits. The places that were looked at are named. Exit \
             5.",
        ),
        row(
            "D2",
            "A file that is empty, cut or damaged.",
            "An error with its name and format, never half a picture. Exit 5.",
        ),
        row("D3", "A name with the wrong extension.", "The content decides, with a note. Exit 0."),
        row("D4", "A format that is not read.", "It is named, with those that are. Exit 5."),
        row(
            "D5",
            "A few bytes that claim to be enormous, many frames, packed metadata.",
            "Refused by the header before anything is unpacked (exit 8). Of many frames the first is read.",
        ),
        row(
            "D6",
            "A picture that really is very large.",
            "Its size and the limit: 100 megapixels and 32,768 pixels on a side. Exit 8.",
        ),
        row(
            "D7",
            "No pixels, one pixel, one column, prime sizes, less than a layer needs.",
            "No pixels: exit 5. Too small for a layer: exit 7, with the size that it needs. The others \
             work.",
        ),
        row(
            "D8",
            "Grey, palette, 1 to 16 bits, alpha.",
            "Every form becomes colour and mask without loss. Alpha is kept when it is saved, or refused.",
        ),
        row("D9", "EXIF orientation.", "Applied once; what is saved has none."),
        row(
            "D10",
            "A colour profile, or linear OpenEXR.",
            "Converted to sRGB. A broken profile is a warning. Exit 0.",
        ),
        row(
            "D11",
            "OpenEXR with NaN, infinity or values above 1.",
            "Clamped to 0..1, with a warning and the number of samples. Exit 0.",
        ),
        row(
            "D12",
            "A sequence with gaps or mixed sizes.",
            "Missing frames are listed before anything runs, exit 5; `--missing` leaves out their rows or takes the frame \
             before. Sizes may differ; rows that are joined must not.",
        ),
        row(
            "D13",
            "An input changes during a run.",
            "It is read once and known by its hash. The next run sees the new one.",
        ),
        row(
            "D14",
            "A file that is still being copied into a watched folder.",
            "It is read when it is closed, or after two seconds without a change.",
        ),
        row(
            "D15",
            "Names with spaces, quotes, line breaks, commands or accents; names that are too long.",
            "A name is a name, never a command. One that the system does not allow does not exist: exit 5.",
        ),
    ],
};
