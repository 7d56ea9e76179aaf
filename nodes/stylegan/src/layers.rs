//! Layers of a latent as users list them: `coarse, 9`.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use dreamwire_sdk::prelude::*;

use crate::list;

/// Named ranges of layers, by what they determine.
const NAMED: [(&str, Range<usize>); 3] = [("coarse", 0..4), ("middle", 4..8), ("fine", 8..18)];

/// Layers as they are written in a list.
enum Entry<'a> {
    /// One of [`NAMED`].
    Named(Range<usize>),
    /// Numbers, as they are written and what they mean.
    Numbered(&'a str, RangeInclusive<u32>),
}

/// The entries of a list.
fn entries(text: &str) -> std::result::Result<Vec<Entry<'_>>, String> {
    list::pieces(text)?.into_iter().map(entry).collect()
}

fn entry(piece: &str) -> std::result::Result<Entry<'_>, String> {
    if piece == "all" {
        return Ok(Entry::Named(0..usize::MAX));
    }
    match NAMED.iter().find(|(name, _)| *name == piece) {
        Some((_, layers)) => Ok(Entry::Named(layers.clone())),
        None => Ok(Entry::Numbered(piece, list::range(piece)?)),
    }
}

/// The layers of the param `layers`, of `count` in all, each once and sorted.
///
/// # Errors
///
/// If it is no list, or names layers that do not exist, or none: says which there are.
pub(crate) fn parse(text: &str, count: usize) -> Result<Vec<usize>> {
    chosen(text, count).map_err(|error| Error::param("layers", error))
}

/// Rejects lists that cannot be parsed. How many layers there are is known at run time.
///
/// # Errors
///
/// Quotes what is wrong.
pub(crate) fn check(text: &str) -> Result<()> {
    entries(text).map(drop).map_err(|error| {
        Error::param("layers", error)
            .hint("write layers and ranges such as `0-6,9`, or coarse, middle, fine, all")
    })
}

fn chosen(text: &str, count: usize) -> std::result::Result<Vec<usize>, String> {
    let known = |error: String| {
        // The named ranges, as far as these latents have layers.
        let named = NAMED
            .iter()
            .filter(|(_, layers)| layers.start < count)
            .map(|(name, layers)| format!("{name} ({}-{})", layers.start, layers.end.min(count) - 1));
        let (last, named) = (count.saturating_sub(1), named.collect::<Vec<_>>().join(", "));
        format!("{error}; these latents have {count} layers, 0 to {last}, with the named ranges {named}")
    };
    let mut chosen = BTreeSet::new();
    for entry in entries(text).map_err(known)? {
        match entry {
            // A name selects those of its layers that a network of this size has.
            Entry::Named(layers) => chosen.extend(layers.start..layers.end.min(count)),
            Entry::Numbered(piece, layers) if *layers.end() as usize >= count => {
                return Err(known(format!("`{piece}` is beyond the last layer")));
            }
            Entry::Numbered(_, layers) => chosen.extend(layers.map(|layer| layer as usize)),
        }
    }
    if chosen.is_empty() {
        return Err(known(format!("`{text}` selects no layers")));
    }
    Ok(chosen.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_listed_by_number_and_name() {
        let check = |list: &str, count: usize, expected: &[usize]| {
            assert_eq!(chosen(list, count).as_deref(), Ok(expected), "{list}");
        };
        check("coarse", 18, &[0, 1, 2, 3]);
        check("middle", 18, &[4, 5, 6, 7]);
        check("fine", 10, &[8, 9]);
        check("middle", 6, &[4, 5]);
        check("fine, 3-4, 3, coarse", 9, &[0, 1, 2, 3, 4, 8]);
        check("all", 6, &[0, 1, 2, 3, 4, 5]);
        check("9, all", 10, &(0..10).collect::<Vec<_>>());
        check("0-17", 18, &(0..18).collect::<Vec<_>>());
    }

    #[test]
    fn mistakes_say_which_layers_there_are() {
        let check = |list: &str, count: usize, expected: &str| {
            let known = format!(
                "these latents have {count} layers, 0 to {}, with the named ranges coarse (0-3), middle (4-7)",
                count - 1
            );
            assert_eq!(chosen(list, count).unwrap_err(), format!("{expected}; {known}"));
        };
        check("fine", 8, "`fine` selects no layers");
        check("9", 8, "`9` is beyond the last layer");
        check("3-8", 8, "`3-8` is beyond the last layer");
        check("corse", 8, "`corse` is neither a number nor a range such as 3-9");
        check("4-1", 8, "`4-1` is reversed: write 1-4");
        check("", 8, "the list is empty: write numbers and ranges such as 0-8,15");
    }
}
