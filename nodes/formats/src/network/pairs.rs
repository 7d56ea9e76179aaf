//! Tables of names: what each tensor of a network is called in files of another program.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::tensor::Tensor;

use super::change::Change;

/// Levels of resolution that are looked for: 4 px times 2 to the power of 15.
pub(super) const MOST_BLOCKS: usize = 16;
/// Layers of a mapping network that are looked for.
pub(super) const MOST_LAYERS: usize = 64;

/// The tensors of a network by the names that they have in its file.
pub(super) type Named<'a> = IndexMap<String, Tensor<'a>>;

/// The names of the tensors of a network, in a file and here.
#[derive(Default)]
pub(super) struct Pairs(Vec<Pair>);

struct Pair {
    file: String,
    own: String,
    change: Change,
}

impl Pairs {
    pub(super) fn add(&mut self, file: impl Into<String>, own: impl Into<String>, change: Change) {
        self.0.push(Pair { file: file.into(), own: own.into(), change });
    }

    /// Adds `FILE.weight` and `FILE.bias`, which are the same here.
    pub(super) fn add_both(&mut self, file: &str, own: &str) {
        for end in ["weight", "bias"] {
            self.add(format!("{file}.{end}"), format!("{own}.{end}"), Change::None);
        }
    }

    /// The tensors of a file by the names that they have here. What the table does not know keeps its name, so that
    /// nothing is lost without a word.
    pub(super) fn read<'a>(&self, file: &Named<'a>) -> Named<'a> {
        let mut own = Named::new();
        for pair in &self.0 {
            if let Some(tensor) = file.get(&pair.file) {
                own.entry(pair.own.clone()).or_insert_with(|| pair.change.read(tensor));
            }
        }
        let known: HashSet<&str> = self.0.iter().map(|pair| pair.file.as_str()).collect();
        for (name, tensor) in file.iter().filter(|(name, _)| !known.contains(name.as_str())) {
            own.entry(name.clone()).or_insert_with(|| tensor.clone());
        }
        own
    }

    /// The tensors that a file of these names has. What it has no name for is left out.
    pub(super) fn write<'a>(&self, own: &Named<'a>) -> Named<'a> {
        let named = |pair: &Pair| Some((pair.file.clone(), pair.change.write(own.get(&pair.own)?)));
        self.0.iter().filter_map(named).collect()
    }
}

/// One more than the largest number that follows `start` in the names, before a dot or slash; at most `most`.
pub(super) fn count(names: &Named<'_>, start: &str, most: usize) -> usize {
    let number = |name: &String| {
        let rest = name.strip_prefix(start)?;
        let end = rest.find(['.', '/'])?;
        rest.get(..end)?.parse::<usize>().ok().filter(|number| *number < most)
    };
    names.keys().filter_map(number).max().map_or(0, |largest| largest + 1)
}

/// The blocks up to the largest resolution in names such as `synthesis.b64.conv0.weight`, which stands between `start`
/// and `end`.
pub(super) fn blocks(names: &Named<'_>, start: &str, end: &str) -> usize {
    let level = |name: &String| {
        let rest = name.strip_prefix(start)?;
        let size: usize = rest.get(..rest.find(end)?)?.parse().ok()?;
        let level = size.checked_ilog2().filter(|level| size == 1usize << *level)?;
        usize::try_from(level.checked_sub(1)?).ok().filter(|blocks| (1..=MOST_BLOCKS).contains(blocks))
    };
    names.keys().filter_map(level).max().unwrap_or(0)
}

/// The resolution of block number `index`, the first of 4 px.
pub(super) fn resolution(index: usize) -> usize {
    4 << index.min(MOST_BLOCKS)
}
