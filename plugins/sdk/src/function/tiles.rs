//! Functions that can be evaluated tile by tile.

use dreamwire_abi as abi;

/// Declares that a function is local, with its receptive field.
///
/// Its value (for FEATURES: a function of each of its outputs) is a mean or a sum over positions, and the
/// term of a position depends on no pixel further than `halo` from its own cell. So the gradient of a large
/// picture can be assembled from overlapping tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// In pixels, at least 1: tiles start at multiples of it, so that pools align as in the whole picture.
    pub stride: u32,
    /// In pixels.
    pub halo: u32,
    /// How positions are reduced to a value.
    pub reduction: TileReduction,
}

/// How the value of a local function depends on its positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileReduction {
    /// The mean over positions: a tile counts by its share of the picture.
    Mean,
    /// The sum over positions.
    Sum,
}

impl Tiles {
    /// In the ABI's form.
    pub(crate) fn to_abi(self) -> abi::Tiles {
        abi::Tiles {
            size: size_of::<abi::Tiles>() as u32,
            stride: self.stride.max(1),
            halo: self.halo,
            reduction: match self.reduction {
                TileReduction::Mean => abi::TILES_MEAN,
                TileReduction::Sum => abi::TILES_SUM,
            },
        }
    }

    /// What another plugin says; `None` where it makes no sense.
    pub(crate) fn from_abi(tiles: abi::Tiles) -> Option<Self> {
        let reduction = match tiles.reduction {
            abi::TILES_MEAN => TileReduction::Mean,
            abi::TILES_SUM => TileReduction::Sum,
            _ => return None,
        };
        (tiles.stride > 0).then_some(Self { stride: tiles.stride, halo: tiles.halo, reduction })
    }
}
