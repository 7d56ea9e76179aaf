/// Rows of a band. The backward pass through a filter computes the rows at the edges of a band twice: longer
/// bands have fewer of them.
const ROWS: usize = 16;

/// Some rows of one image of a map, which one task writes.
pub(super) struct Band<'a, T> {
    pub(super) image: usize,
    pub(super) first_row: usize,
    pub(super) values: &'a mut [T],
}

/// Splits a map, images of `h` rows of `row_len` elements, into bands, by shapes alone, so that results never
/// depend on the threads.
pub(super) fn bands<T>(map: &mut [T], h: usize, row_len: usize) -> Vec<Band<'_, T>> {
    let rows = h.div_ceil(h.div_ceil(ROWS).max(1));
    let images = map.chunks_mut((h * row_len).max(1)).enumerate();
    let bands = images.flat_map(|(image, values)| {
        let bands = values.chunks_mut(rows * row_len).enumerate();
        bands.map(move |(band, values)| Band { image, first_row: band * rows, values })
    });
    bands.collect()
}
