use dreamwire_sdk::testing::Value;

use super::*;

/// 1000 bytes per pixel, and one for all.
struct Greedy {
    tiles: Option<Tiles>,
}

const LOCAL: Option<Tiles> = Some(Tiles { stride: 8, halo: 16, reduction: TileReduction::Mean });

impl Differentiable for Greedy {
    fn spec(&self) -> FnSpec {
        let spec = FnSpec::new("OBJECTIVE", "greedy").input(TensorSpec::new("image", &[-1, -1, -1, 3]));
        spec.output(TensorSpec::new("value", &[])).scalar()
    }

    fn forward(&self, _: &[Tensor]) -> Result<Vec<Tensor>> {
        Err(Error::failed("nobody asks"))
    }

    fn tiles(&self) -> Option<Tiles> {
        self.tiles
    }

    fn peak(&self) -> Option<Peak> {
        Some(Peak { fixed: 1, outputs: 0, value: 500, gradient: 1000 })
    }
}

fn objective(tiles: Option<Tiles>) -> Objective {
    let Value::Function(function) = Value::function(Greedy { tiles }) else { unreachable!() };
    Objective::new(function, 3, "image").unwrap()
}

fn need(objective: &Objective, batch: usize) -> Need<'_> {
    Need { objective, dims: [batch, 1000, 2000, 3], overlap: None, blurs: false }
}

/// Of a whole picture: 2,000,000 pixels, and ten pictures of 24,000,000 bytes.
const WHOLE: u64 = 1 + 2_000_000_000 + 240_000_000;
/// As much again, but at most this, are spares.
const SPARES: u64 = 768 << 20;

#[test]
fn the_need_of_a_picture_and_of_a_tile() {
    let objective = objective(LOCAL);
    let need = need(&objective, 1);
    assert_eq!(need.bytes(None), Some(WHOLE + SPARES));
    // A tile of 512 sees 32 pixels on each side.
    let tiling = Tiling::new(&objective, 512, None, (1000, 2000)).unwrap().unwrap();
    assert_eq!(need.bytes(Some(&tiling)), Some(2 * (1 + 576 * 576 * 1000 + 240_000_000)));
    let blurred = Need { blurs: true, ..need };
    assert_eq!(blurred.bytes(None), Some(WHOLE + 4 * 24_000_000 + SPARES));
}

/// A tile that is larger than the picture.
const NO_TILES: usize = 2000;

#[test]
fn what_fits_is_not_refused_nor_tiled() {
    let objective = objective(LOCAL);
    for tile in [0, NO_TILES] {
        for available in [Some(WHOLE + SPARES), None] {
            assert_eq!(need(&objective, 1).tiling_within(tile, available).unwrap(), (None, None));
        }
    }
}

/// Tiles of 1024 fit, so there is no reason for smaller ones.
#[test]
fn automatic_tiles_are_the_largest_that_fit() {
    let objective = objective(LOCAL);
    let tiling = |tile| Tiling::new(&objective, tile, None, (1000, 2000)).unwrap();
    let found = |available| need(&objective, 1).tiling_within(0, Some(available)).unwrap();
    assert_eq!(found(WHOLE + SPARES - 1).0, tiling(1024));
    let (tiles, warning) = found(1_328_000_001 + SPARES - 1);
    assert_eq!(tiles, tiling(512));
    assert_eq!(
        warning.as_deref(),
        Some(
            "dreaming in tiles of 512 pixels, because dreaming of 2000x1000 pixels needs 2.8 GiB of memory, 2.0 GiB is \
             available; set `tile` to 512 to get the same dream where there is more memory"
        )
    );
    // What is set is taken, or refused.
    assert_eq!(need(&objective, 1).tiling_within(128, Some(WHOLE)).unwrap(), (tiling(128), None));
    assert!(need(&objective, 1).tiling_within(1024, Some(1 << 30)).is_err());
}

#[track_caller]
fn check(batch: usize, tiles: Option<Tiles>, available: u64, blamed: &str, expected: &str) {
    let objective = objective(tiles);
    let error = need(&objective, batch).tiling_within(NO_TILES, Some(available)).expect_err("refused");
    assert_eq!(error.status(), dreamwire_sdk::abi::E_LIMIT);
    assert_eq!((error.to_string().as_str(), error.input()), (expected, blamed));
}

/// A tile of 1024 sees 1000 x 1088 pixels: 1,328,000,001 bytes. One of 512 needs 571,776,001, and spares as much.
#[test]
fn the_largest_tile_that_fits_is_suggested() {
    let said = "dreaming of 2000x1000 pixels needs 2.8 GiB of memory, ";
    let fits = 1_328_000_001 + SPARES;
    let hint = "set `tile` to 1024, which needs about 2.0 GiB";
    check(1, LOCAL, fits, "tile", &format!("{said}2.0 GiB is available; hint: {hint}"));
    let hint = "set `tile` to 512, which needs about 1.1 GiB";
    check(1, LOCAL, fits - 1, "tile", &format!("{said}2.0 GiB is available; hint: {hint}"));
    let hint = "use a smaller picture (Resize it first), or end other programs";
    let local = format!("not even tiles of 128 pixels fit: {hint}");
    check(1, LOCAL, 100 << 20, "image", &format!("{said}100 MiB is available; hint: {local}"));
    let hint = format!("this objective needs the whole picture at once, so tiles do not help: {hint}");
    check(1, None, 1 << 30, "image", &format!("{said}1.0 GiB is available; hint: {hint}"));
    // Automatic tiles help in neither case.
    for (tiles, available) in [(LOCAL, 100 << 20), (None, 1 << 30)] {
        let objective = objective(tiles);
        let error = need(&objective, 1).tiling_within(0, Some(available)).expect_err("refused");
        assert_eq!(error.input(), "image");
    }
}

/// 6,000,000 pixels: 6.26 GiB with their pictures, and 0.75 GiB of spares.
#[test]
fn a_batch_can_be_made_smaller() {
    let said =
        "dreaming of 3 pictures of 2000x1000 pixels at once needs 7.0 GiB of memory, 1.0 GiB is available";
    let tiles = "this objective needs the whole picture at once, so tiles do not help";
    let hint = format!("{tiles}: use fewer or smaller pictures, or end other programs");
    check(3, None, 1 << 30, "image", &format!("{said}; hint: {hint}"));
}
