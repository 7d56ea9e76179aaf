use dreamwire_sdk::prelude::*;

use crate::objective::Objective;

/// Splits large pictures, so that a network never sees more than a tile and its surroundings.
///
/// A tile's gradient is computed from the tile and `overlap` pixels around it, and only the tile's own pixels
/// of it are kept. If the objective sees `halo` pixels around a position, a pixel's gradient comes from
/// positions up to `halo` away, whose values depend on pixels up to `2 halo` away: with that much overlap the
/// gradient is that of the whole picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tiling {
    /// The objective's grid, in pixels.
    stride: usize,
    /// Side of a tile in pixels, a multiple of the stride.
    tile: usize,
    /// A multiple of the stride too: pools align as in the whole picture.
    overlap: usize,
    reduction: TileReduction,
}

impl Tiling {
    /// Tiles of `tile` pixels that see `overlap` pixels around them (`None`: enough for the exact gradient).
    ///
    /// `None` if pictures of `height` by `width` fit one tile.
    ///
    /// # Errors
    ///
    /// If the objective is not local.
    pub(crate) fn new(
        objective: &Objective,
        tile: usize,
        overlap: Option<usize>,
        (height, width): (usize, usize),
    ) -> Result<Option<Self>> {
        if tile == 0 || height.max(width) <= tile {
            return Ok(None);
        }
        let Some(Tiles { stride, halo, reduction }) = objective.tiles() else {
            let name = objective.name();
            let message = format!("`{name}` depends on the whole picture, so it cannot be tiled");
            return Err(Error::param("tile", message).hint(
                "set `tile` to 0, or make the picture smaller; layers, channels, guides and total variation can be tiled",
            ));
        };
        let stride = stride.max(1) as usize;
        Ok(Some(Self {
            stride,
            tile: (tile / stride).max(1) * stride,
            overlap: overlap.unwrap_or(2 * halo as usize).next_multiple_of(stride),
            reduction,
        }))
    }

    /// The most of a side of `size` pixels that a tile sees.
    pub(crate) fn seen(&self, size: usize) -> usize {
        self.cut(size).map(|span| span.seen_len).max().unwrap_or(0)
    }

    /// As [`Objective::value_and_gradient`], tile by tile. The value of a mean is that of its tiles including
    /// their surroundings: close to that of the whole picture, not equal. A tile's share of the positions is
    /// counted in cells of the stride; a network that rounds its sizes differently has slightly more or
    /// fewer.
    ///
    /// # Errors
    ///
    /// Those of the objective's provider.
    pub(crate) fn value_and_gradient(self, objective: &Objective, image: &Tensor) -> Result<(f64, Tensor)> {
        let (_, height, width, _) = image.dims4()?;
        let (mut value, mut rows) = (0.0, Vec::new());
        for row in self.cut(height) {
            let mut gradients = Vec::new();
            for column in self.cut(width) {
                let seen = image.narrow(1, row.seen, row.seen_len)?;
                let seen = seen.narrow(2, column.seen, column.seen_len)?.contiguous()?;
                let (tile_value, gradient) = objective.value_and_gradient(&seen)?;
                let cells = |size: usize| (size / self.stride).max(1) as f64;
                let around = cells(row.seen_len) * cells(column.seen_len) / (cells(height) * cells(width));
                let own = (row.len * column.len) as f64;
                let (seen_area, area) = ((row.seen_len * column.seen_len) as f64, (height * width) as f64);
                let own_gradient = gradient.narrow(1, row.start - row.seen, row.len)?;
                let own_gradient = own_gradient.narrow(2, column.start - column.seen, column.len)?;
                match self.reduction {
                    TileReduction::Mean => {
                        value += tile_value * own / area;
                        gradients.push((own_gradient * around)?);
                    }
                    TileReduction::Sum => {
                        value += tile_value * own / seen_area;
                        gradients.push(own_gradient.contiguous()?);
                    }
                }
            }
            rows.push(Tensor::cat(&gradients, 2)?);
        }
        Ok((value, Tensor::cat(&rows, 1)?))
    }

    /// The tiles along one side of `size` pixels. All see equally much, also those at the edges, so that
    /// means over tiles have the same number of positions, except for the rest of the last cell.
    fn cut(self, size: usize) -> impl Iterator<Item = Span> {
        let most = self.tile + 2 * self.overlap;
        let last = size.saturating_sub(most) / self.stride * self.stride;
        (0..size).step_by(self.tile).map(move |start| {
            let len = self.tile.min(size - start);
            let seen = start.saturating_sub(self.overlap).min(last);
            let seen_end = if seen == last { size } else { seen + most };
            Span { start, len, seen, seen_len: seen_end - seen }
        })
    }
}

/// A tile along one side: its own pixels, and those that it sees.
struct Span {
    start: usize,
    len: usize,
    seen: usize,
    seen_len: usize,
}

#[cfg(test)]
mod tests;
