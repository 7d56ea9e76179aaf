use candle_core::{Result, Tensor};

/// How often the constant that a picture begins with is repeated across and down, so that the picture becomes wider and
/// higher.
///
/// Convolutions take maps of any size, so that nothing but the constant says how large a picture is. All tiles are of the
/// same styles; they differ at the outer borders, where maps are padded with zeros, and where the noise does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiles {
    columns: usize,
    rows: usize,
}

impl Tiles {
    /// A single one: pictures of the network's own size.
    pub const ONE: Self = Self { columns: 1, rows: 1 };
    /// The largest number across, and down.
    pub const MOST: usize = 8;

    /// That many across and down; none unless both numbers are 1 to [`Tiles::MOST`].
    pub fn new(columns: usize, rows: usize) -> Option<Self> {
        let fits = |count: usize| (1..=Self::MOST).contains(&count);
        (fits(columns) && fits(rows)).then_some(Self { columns, rows })
    }

    /// Height and width of a map whose tiles have this side.
    pub fn size(self, side: usize) -> [usize; 2] {
        [self.rows * side, self.columns * side]
    }

    /// All of them.
    pub fn count(self) -> usize {
        self.columns * self.rows
    }

    /// A map that is a tile, repeated; its rows are dimension `rows`, its columns the next one.
    pub(crate) fn repeated(self, tile: &Tensor, rows: usize) -> Result<Tensor> {
        if self == Self::ONE {
            return Ok(tile.clone());
        }
        let row = Tensor::cat(&vec![tile; self.columns], rows + 1)?;
        Tensor::cat(&vec![&row; self.rows], rows)?.contiguous()
    }
}
