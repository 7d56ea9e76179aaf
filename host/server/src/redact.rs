//! Words without the places of this machine.

use std::path::Path;

/// Replaces the folders of the server in texts that leave it: nobody needs to know where they lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    /// Absolute paths and what is shown instead, longest first.
    folders: Vec<(String, String)>,
}

impl Redactor {
    /// Shows these folders by name.
    pub(crate) fn new<'a>(folders: impl IntoIterator<Item = (&'a Path, &'a str)>) -> Self {
        let mut known = Vec::new();
        for (folder, name) in folders {
            let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
            let real = folder.canonicalize().unwrap_or_else(|_| absolute.clone());
            for path in [absolute, real] {
                let entry = (path.display().to_string(), name.to_owned());
                // Not the root of the file system, which every path begins with.
                if path.parent().is_some() && !known.contains(&entry) {
                    known.push(entry);
                }
            }
        }
        known.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self { folders: known }
    }

    /// The text without those folders.
    pub(crate) fn text(&self, text: &str) -> String {
        let replaced = |text: String, (path, name): &(String, String)| text.replace(path.as_str(), name);
        self.folders.iter().fold(text.to_owned(), replaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_folders_come_first() {
        let redactor = Redactor::new([(Path::new("/srv"), "home"), (Path::new("/srv/in"), "input")]);
        assert_eq!(redactor.text("cannot read `/srv/in/a.png`: no"), "cannot read `input/a.png`: no");
        assert_eq!(redactor.text("/srv/x"), "home/x");
        assert_eq!(Redactor::new([(Path::new("/"), "root")]).text("/a"), "/a");
    }
}
