use std::path::Path;

use super::files::File;

/// Writes a folder with these files: all of them, or nothing.
pub(super) fn write(place: &Path, files: &[File]) -> std::io::Result<()> {
    let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty());
    // Beside its place, so that it can be renamed.
    let temporary = tempfile::Builder::new()
        .prefix(".dreamwire-new-plugin-")
        .tempdir_in(parent.unwrap_or(Path::new(".")));
    // The whole error has the name of the temporary folder.
    let temporary = temporary.map_err(|error| std::io::Error::from(error.kind()))?;
    // A folder in it, because the temporary one is closed to other users.
    let made = temporary.path().join("made");
    for File { path, text } in files {
        let path = made.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&made))?;
        std::fs::write(path, text)?;
    }
    std::fs::rename(&made, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_written_whole_or_not_at_all() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("it");
        let file = |path| File { path, text: "text".to_owned() };
        let left = || std::fs::read_dir(parent.path()).unwrap().count();
        // A file cannot be a folder, too.
        write(&place, &[file("a".to_owned()), file("a/b".to_owned())]).unwrap_err();
        assert_eq!(left(), 0);
        write(&place, &[file("a".to_owned()), file("src/b".to_owned())]).unwrap();
        assert_eq!(std::fs::read_to_string(place.join("src/b")).unwrap(), "text");
        // It exists now and is not replaced.
        write(&place, &[file("c".to_owned())]).unwrap_err();
        assert_eq!((left(), place.join("c").exists()), (1, false));
        let refused = write(&parent.path().join("none/it"), &[file("c".to_owned())]).unwrap_err().to_string();
        assert!(!refused.contains("dreamwire"), "{refused}");
    }
}
