//! Names of files with a note on their folder, as ComfyUI writes them: `photo.png [input]`.

/// The folder that a name is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// The folders of inputs.
    Input,
    /// The output folder.
    Output,
    /// What only previews leave.
    Temporary,
}

/// Where PreviewImage publishes, below the output folder.
pub const PREVIEWS: &str = "preview";

const NOTES: [(&str, Folder); 3] =
    [("[input]", Folder::Input), ("[output]", Folder::Output), ("[temp]", Folder::Temporary)];

/// A name without its note, and the folder; none if there is no note.
pub fn split(text: &str) -> Option<(&str, Folder)> {
    let (name, folder) = NOTES.iter().find_map(|(note, folder)| Some((text.strip_suffix(note)?, *folder)))?;
    let name = name.trim_end_matches(' ');
    (!name.is_empty()).then_some((name, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_stands_at_the_end() {
        assert_eq!(split("a b.png [input]"), Some(("a b.png", Folder::Input)));
        assert_eq!(split("sub/a.png[output]"), Some(("sub/a.png", Folder::Output)));
        assert_eq!(split("a.png  [temp]"), Some(("a.png", Folder::Temporary)));
        for text in ["a.png", "a [input].png", "[input]", " [temp]", "a.png [inputs]", "a.png [Input]", ""] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
