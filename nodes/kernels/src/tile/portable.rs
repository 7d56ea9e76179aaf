use super::{COLUMNS, ROWS, Tile};
use crate::element::Element;

/// Plain loops over 16 columns, which compilers turn into whatever vectors there are.
pub(super) fn multiply<T: Element>(tile: Tile<'_, T>) {
    let mut sums = [[T::ZERO; COLUMNS]; ROWS];
    for (row, sums) in sums[..tile.rows].iter_mut().enumerate() {
        let lhs = &tile.lhs[row * tile.lhs_stride..];
        for (lhs, rhs) in lhs.iter().zip(tile.rhs.as_chunks::<COLUMNS>().0) {
            for (sum, rhs) in sums.iter_mut().zip(rhs) {
                *sum += *lhs * *rhs;
            }
        }
    }
    tile.store(&sums);
}
