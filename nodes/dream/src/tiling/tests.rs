use dreamwire_sdk::testing::{Value, in_call};

use super::*;
use crate::fixtures::{LogSum, assert_close};

/// `f = mean or sum over pixels of (sum of the 3x3 pixels around)^2`: local, with a halo of one pixel.
struct Neighbours {
    reduction: TileReduction,
    stride: u32,
}

const MEAN: Neighbours = Neighbours { reduction: TileReduction::Mean, stride: 1 };
const SUM: Neighbours = Neighbours { reduction: TileReduction::Sum, stride: 4 };

impl Differentiable for Neighbours {
    fn spec(&self) -> FnSpec {
        let spec = FnSpec::new("OBJECTIVE", "neighbours").input(TensorSpec::new("image", &[-1, -1, -1, 1]));
        spec.output(TensorSpec::new("value", &[])).scalar()
    }

    fn tiles(&self) -> Option<Tiles> {
        Some(Tiles { stride: self.stride, halo: 1, reduction: self.reduction })
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let ones = Tensor::ones((1, 1, 3, 3), DType::F32, &Device::Cpu)?;
        let around = x[0].permute((0, 3, 1, 2))?.contiguous()?.conv2d(&ones, 1, 1, 1, 1)?.sqr()?;
        let per_image = around.flatten_from(1)?;
        let values = match self.reduction {
            TileReduction::Mean => per_image.mean(1)?,
            TileReduction::Sum => per_image.sum(1)?,
        };
        Ok(vec![values.sum_all()?])
    }
}

fn objective(function: impl Differentiable) -> Objective {
    let Value::Function(function) = Value::function(function) else { unreachable!() };
    Objective::new(function, 1, "image").unwrap()
}

fn picture(height: usize, width: usize) -> Tensor {
    let values: Vec<f32> = (0..2 * height * width).map(|i| ((i * 7919) % 101) as f32 / 101.0).collect();
    Tensor::from_vec(values, (2, height, width, 1), &Device::Cpu).unwrap()
}

/// Whatever the tile size, the gradient is that of the whole picture.
#[track_caller]
fn check(function: Neighbours, size: (usize, usize), tile: usize) {
    let objective = objective(function);
    let image = picture(size.0, size.1);
    let tiling = Tiling::new(&objective, tile, None, size).unwrap().expect("it is larger than a tile");
    let (whole, tiled) = in_call(|_| {
        Ok((objective.value_and_gradient(&image)?, tiling.value_and_gradient(&objective, &image)?))
    })
    .unwrap();
    let scale = whole.1.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    assert_close(&(tiled.1 / f64::from(scale)).unwrap(), &(whole.1 / f64::from(scale)).unwrap());
    assert!((tiled.0 / whole.0 - 1.0).abs() < 0.3, "{} and {}", tiled.0, whole.0);
}

#[test]
fn tiles_make_the_gradient_of_the_whole() {
    for (size, tile) in [((20, 33), 8), ((20, 33), 16), ((7, 50), 11), ((9, 9), 1)] {
        check(MEAN, size, tile);
        check(SUM, size, tile);
    }
}

/// Without overlap a tile's edge pixels miss their neighbours, which shows what the overlap is for.
#[test]
fn without_overlap_edges_differ() {
    let objective = objective(SUM);
    let image = picture(16, 16);
    let tiling = Tiling::new(&objective, 8, Some(0), (16, 16)).unwrap().unwrap();
    let (whole, tiled) = in_call(|_| {
        Ok((objective.value_and_gradient(&image)?, tiling.value_and_gradient(&objective, &image)?))
    })
    .unwrap();
    let difference = (whole.1 - tiled.1).unwrap().abs().unwrap();
    let at = |y: usize, x: usize| {
        difference
            .get(0)
            .unwrap()
            .get(y)
            .unwrap()
            .get(x)
            .unwrap()
            .max_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap()
    };
    assert!(at(3, 3) < 1e-4 && at(7, 3) > 0.1, "{} {}", at(3, 3), at(7, 3));
}

#[test]
fn sizes_follow_the_stride() {
    let objective = objective(Neighbours { stride: 4, ..MEAN });
    let tiling = |tile, overlap| Tiling::new(&objective, tile, overlap, (100, 40)).unwrap();
    let expected = |tile, overlap| Some(Tiling { stride: 4, tile, overlap, reduction: TileReduction::Mean });
    assert_eq!(tiling(30, None), expected(28, 4));
    assert_eq!(tiling(3, Some(9)), expected(4, 12));
    assert_eq!(tiling(99, Some(0)), expected(96, 0));
    assert_eq!([tiling(100, None), tiling(0, None)], [None, None]);
}

#[test]
fn all_tiles_see_as_much() {
    let tiling = Tiling { stride: 4, tile: 16, overlap: 8, reduction: TileReduction::Mean };
    let spans =
        |size| tiling.cut(size).map(|it| [it.start, it.len, it.seen, it.seen_len]).collect::<Vec<_>>();
    assert_eq!(
        spans(70),
        [[0, 16, 0, 32], [16, 16, 8, 32], [32, 16, 24, 32], [48, 16, 36, 34], [64, 6, 36, 34]]
    );
    assert_eq!(spans(20), [[0, 16, 0, 20], [16, 4, 0, 20]]);
}

#[test]
fn what_is_not_local_is_refused() {
    let Value::Function(function) = Value::function(LogSum) else { unreachable!() };
    let objective = Objective::new(function, 3, "image").unwrap();
    assert_eq!(Tiling::new(&objective, 64, None, (64, 40)).unwrap(), None, "it fits one tile");
    let error = Tiling::new(&objective, 32, None, (64, 40)).unwrap_err();
    assert_eq!(error.input(), "tile");
    assert_eq!(
        error.to_string(),
        "`log sum` depends on the whole picture, so it cannot be tiled; \
         hint: set `tile` to 0, or make the picture smaller; \
         layers, channels, guides and total variation can be tiled"
    );
}
