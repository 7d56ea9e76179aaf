//! A mask that was painted over a picture: the picture with the alpha of what was painted.

use super::picture;
use super::refusal::Refusal;
use super::view;
use crate::folders::Folders;
use serde::Deserialize;
use std::fs::File;

/// The picture that a mask is for, as the editor names it.
#[derive(Deserialize)]
struct Original {
    filename: String,
    #[serde(default)]
    subfolder: String,
    r#type: Option<String>,
}

/// The PNG of the original picture with the alpha of the uploaded one.
///
/// # Errors
/// 400 if `original` does not name a picture, or the sizes differ; 404 if it is not there; 415 if one of the two cannot
/// be decoded.
pub(super) fn apply(folders: &Folders, original: &str, mask: &File) -> Result<Vec<u8>, Refusal> {
    let unread = |_| Refusal::bad("`original_ref` does not name a picture");
    let original: Original = serde_json::from_str(original).map_err(unread)?;
    let (place, name) = view::find(&original.filename, original.r#type.as_deref(), &original.subfolder)?;
    let colours = picture::decode(folders.place(place).open(&name)?.file)?;
    let mask = picture::decode(mask.try_clone()?)?;
    let joined = picture::with_alpha(colours.pixels, &mask.pixels)?;
    picture::png(&joined, colours.profile)
}

/// The name with the extension of what is written.
pub(super) fn named(filename: &str) -> String {
    let (folder, file) = filename.rsplit_once('/').map_or(("", filename), |(folder, file)| (folder, file));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    if folder.is_empty() { format!("{stem}.png") } else { format!("{folder}/{stem}.png") }
}
