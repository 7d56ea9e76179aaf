use std::io::ErrorKind;
use std::path::Path;

use dreamwire_formats::{self as formats, Archive, Limits};
use dreamwire_graph::{Class, did_you_mean_file};

use crate::exit::Exit;
use crate::output::Refused;

/// A file of weights, read once. Tensors borrow from it.
pub(super) struct File<'p> {
    path: &'p Path,
    pub(super) bytes: Vec<u8>,
}

impl<'p> File<'p> {
    /// Reads the file whole.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not a regular file, or is larger than memory.
    pub(super) fn read(path: &'p Path) -> Result<Self, Refused> {
        let is_device = std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        if is_device {
            // It may never end.
            let message = format!("`{}` is not a regular file", path.display());
            return Err(Refused { message, hint: None, exit: Exit::INPUT });
        }
        let bytes = std::fs::read(path).map_err(|error| {
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
                return missing(path);
            }
            let exit = match error.kind() {
                ErrorKind::OutOfMemory => Exit::for_class(Class::Limit),
                _ => Exit::INPUT,
            };
            Refused { message: format!("cannot read `{}`: {error}", path.display()), hint: None, exit }
        })?;
        Ok(Self { path, bytes })
    }

    /// What it holds.
    ///
    /// # Errors
    ///
    /// If it is another kind of file, damaged, or wants code to be run.
    pub(super) fn archive(&self) -> Result<Archive<'_>, Refused> {
        formats::read(&self.bytes, &Limits::default()).map_err(|error| self.refused(&error))
    }

    /// The refusal of this file for that reason.
    pub(super) fn refused(&self, error: &formats::Error) -> Refused {
        let message = format!("`{}`: {error}", self.path.display());
        Refused { message, hint: error.hint().map(|hint| hint.to_string()), exit: Exit::INPUT }
    }

    /// Its name without folders.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The hash of its bytes.
    pub(super) fn blake3(&self) -> String {
        blake3::hash(&self.bytes).to_hex().to_string()
    }
}

/// The names of built-in networks, which are no files, and where they are used. `graphs/schema.json` has them too.
const BUILT_IN: [(&str, &str); 4] = [
    ("avatars64", "LoadStyleGAN's `weights`"),
    ("relu4_1", "AdaIN's `decoder`"),
    ("squeezenet1_1", "SqueezeNetFeatures' `weights`"),
    ("vgg16", "VGGFeatures' `weights`"),
];

/// The refusal of the name of a built-in network.
fn built_in(name: &str) -> Option<Refused> {
    let (_, used_by) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
    let message = format!("`{name}` is not a file, but the name of a built-in network: {used_by} takes it");
    let hint =
        "`weights` looks at files; `dreamwire nodes KIND` describes a kind and what is built in".to_owned();
    Some(Refused { message, hint: Some(hint), exit: Exit::INPUT })
}

/// The refusal of a file that is not there: a file with a similar name, and where it was looked for.
fn missing(path: &Path) -> Refused {
    const MOST: usize = 10_000;
    if let Some(refused) = path.to_str().and_then(built_in) {
        return refused;
    }
    let message = format!("there is no file `{}`", path.display());
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().unwrap_or(&whole);
    let looked = match folder.is_dir() {
        true => format!("looked for `{}`", whole.display()),
        false => format!("looked for `{}`; there is no folder `{}`", whole.display(), folder.display()),
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST);
    let files = entries.filter(|entry| entry.path().is_file());
    let files: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let hint = match did_you_mean_file("", &name, files.iter().map(String::as_str)) {
        Some(similar) => format!("{similar}\n{looked}"),
        None => looked,
    };
    Refused { message, hint: Some(hint), exit: Exit::INPUT }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_built_in_name_says_where_it_is_used() {
        let refused = File::read(Path::new("avatars64")).err().expect("there is no such file");
        let expected = "`avatars64` is not a file, but the name of a built-in network: LoadStyleGAN's `weights` takes it";
        assert_eq!((refused.message.as_str(), refused.exit), (expected, Exit::INPUT));
    }

    /// What the schema of graph files has, but for words that choose among networks, and patterns.
    #[test]
    fn all_built_in_names_are_known() {
        let text = include_str!("../../../../graphs/schema.json");
        let mut open = vec![serde_json::from_str(text).expect("it is JSON")];
        let mut found = BTreeSet::new();
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::Object(fields) => {
                    let names =
                        fields.get("x-dw-builtin").and_then(|names| names.as_array()).into_iter().flatten();
                    found.extend(names.filter_map(|name| Some(name.as_str()?.to_owned())));
                    open.extend(fields.into_iter().map(|(_, value)| value));
                }
                serde_json::Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        let words = ["", "builtin", "none", "random:*"];
        found.retain(|name| !words.contains(&name.as_str()));
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), BUILT_IN.map(|(name, _)| name));
    }
}
