use strsim::damerau_levenshtein;

/// The names most similar to `word`, best first, at most three; none if nothing is similar.
fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    best(names.filter_map(|name| Some((slips(word, name).or_else(|| cut(word, name))?, name))))
}

/// The three best of names, each with its distance.
fn best<'a>(found: impl Iterator<Item = (usize, &'a str)>) -> Vec<&'a str> {
    let mut found: Vec<(usize, &str)> = found.collect();
    found.sort();
    found.dedup();
    found.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The characters to change of a misspelt name; `None` if they are too many for that.
fn slips(word: &str, name: &str) -> Option<usize> {
    let (word, name) = (word.to_lowercase(), name.to_lowercase());
    let (length, other) = (word.chars().count(), name.chars().count());
    let allowed = (length.max(other) / 3).max(1);
    if length.abs_diff(other) > allowed || length.max(other) > 64 {
        return None;
    }
    let distance = damerau_levenshtein(&word, &name);
    // A word with every character changed is not similar: `a` is not a misspelt `b`.
    (distance <= allowed && distance < length).then_some(distance)
}

/// A distance for a name that is the beginning of the word, and at least half of it, or the other way round.
fn cut(word: &str, name: &str) -> Option<usize> {
    let (word, name) = (word.to_lowercase(), name.to_lowercase());
    let (length, other) = (word.chars().count(), name.chars().count());
    let begins = name.starts_with(&word) || (word.starts_with(&name) && 2 * other >= length);
    (length.min(other) >= 3 && begins).then(|| length.abs_diff(other).min((length.max(other) / 3).max(1)))
}

/// "did you mean `x`", or nothing.
pub fn did_you_mean<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let found = nearest(word, names);
    if found.is_empty() { None } else { Some(format!("did you mean {}", either(&found))) }
}

/// "did you mean `folder/x.png`", if one of these files of the folder has nearly that name; `folder` is as the user wrote
/// it, with its last `/`. What follows the last point of a name makes no two names similar.
pub fn did_you_mean_file<'a>(
    folder: &str,
    name: &str,
    files: impl Iterator<Item = &'a str>,
) -> Option<String> {
    fn stem(name: &str) -> &str {
        name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
    }
    let found = best(files.filter_map(|file| Some((slips(stem(name), stem(file))?, file))));
    let found: Vec<String> = found.into_iter().map(|file| format!("{folder}{file}")).collect();
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    if found.is_empty() { None } else { Some(format!("did you mean {}", either(&found))) }
}

/// "`a`", "`a` or `b`", "`a`, `b` or `c`".
pub(crate) fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// The non-empty parts, one per line.
pub(crate) fn lines(parts: impl IntoIterator<Item = Option<String>>) -> String {
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_not_strangers() {
        let names = ["LoadImage", "SaveImage", "LoadImageMask", "Resize", "AdaIN"];
        assert_eq!(nearest("loadimage", names.into_iter()), ["LoadImage", "LoadImageMask"]);
        assert_eq!(nearest("Rezise", names.into_iter()), ["Resize"]);
        assert_eq!(nearest("Adain", names.into_iter()), ["AdaIN"]);
        assert!(nearest("KSampler", names.into_iter()).is_empty());
        assert!(nearest("a", ["b", "c"].into_iter()).is_empty());
        assert_eq!(nearest("LoadImageOutput", names.into_iter()), ["LoadImage"]);
        assert!(nearest("ResizeImageToTotalPixels", names.into_iter()).is_empty());
    }

    #[test]
    fn files_are_near_by_the_names_before_their_endings() {
        let files = ["chelsea.png", "cat.png", "c.png", "vgg19.safetensors", "catalogue_of_all.png"];
        let near = |name: &str| did_you_mean_file("media/", name, files.into_iter());
        assert_eq!(near("chelsae.jpg").as_deref(), Some("did you mean `media/chelsea.png`"));
        assert_eq!(near("vgg19.pth").as_deref(), Some("did you mean `media/vgg19.safetensors`"));
        assert_eq!(near("cats").as_deref(), Some("did you mean `media/cat.png`"));
        for stranger in ["dog.png", "x.png", "photo.png", ".png"] {
            assert_eq!(near(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn reads_as_a_sentence() {
        assert_eq!(either(&["a"]), "`a`");
        assert_eq!(either(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
