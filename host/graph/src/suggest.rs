use strsim::damerau_levenshtein;

/// The names most similar to `word`, best first, at most three; none if nothing is similar.
fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let mut found: Vec<(usize, &str)> = Vec::new();
    for name in names {
        let lower = name.to_lowercase();
        let other = lower.chars().count();
        let allowed = (length.max(other) / 3).max(1);
        if length >= 3 && other >= 3 && (lower.starts_with(&word) || word.starts_with(&lower)) {
            found.push((length.abs_diff(other).min(allowed), name));
        } else if length.abs_diff(other) <= allowed && length.max(other) <= 64 {
            let distance = damerau_levenshtein(&word, &lower);
            // A word with every character changed is not similar: `a` is not a misspelt `b`.
            if distance <= allowed && distance < length {
                found.push((distance, name));
            }
        }
    }
    found.sort();
    found.dedup();
    found.into_iter().take(3).map(|(_, name)| name).collect()
}

/// "did you mean `x`", or nothing.
pub fn did_you_mean<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let found = nearest(word, names);
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
    }

    #[test]
    fn reads_as_a_sentence() {
        assert_eq!(either(&["a"]), "`a`");
        assert_eq!(either(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
