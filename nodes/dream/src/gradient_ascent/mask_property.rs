//! Where the mask is 0 the output is the input, whatever else is asked for. `PROPTEST_CASES=2000 cargo test -p
//! dreamwire-dream mask_property` looks longer.

use dreamwire_sdk::prelude::*;
use dreamwire_sdk::testing::{Value, run_node};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::GradientAscent;
use crate::fixtures::{Distance, away};

/// The distance from grey, position by position, so that it can be tiled.
struct Local(Distance);

impl Differentiable for Local {
    fn spec(&self) -> FnSpec {
        self.0.spec()
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        self.0.forward(x)
    }

    fn tiles(&self) -> Option<Tiles> {
        Some(Tiles { stride: 1, halo: 0, reduction: TileReduction::Mean })
    }
}

#[derive(Clone, Copy, Debug)]
enum Pattern {
    Empty,
    /// 0 or 1, by chance.
    Random,
    /// 0 on the left, 1 on the right.
    Half,
    /// 0 on the left, then a ramp towards 1.
    Feathered,
}

impl Pattern {
    fn at(self, (x, y): (usize, usize), width: usize, seed: u64) -> f32 {
        let middle = width / 2;
        match self {
            Self::Empty => 0.0,
            Self::Random => f32::from(u8::from(noise(seed, x + 1009 * y) > 0.5)),
            Self::Half => f32::from(u8::from(x >= middle)),
            Self::Feathered => x.saturating_sub(middle) as f32 / (width - middle) as f32,
        }
    }
}

/// Fractions that look random, in 0..1.
fn noise(seed: u64, index: usize) -> f32 {
    let mixed = (seed ^ index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as f32 / (1u32 << 24) as f32
}

#[derive(Clone, Debug)]
struct Case {
    /// Height and width.
    size: (usize, usize),
    batch: usize,
    pattern: Pattern,
    seed: u64,
    params: String,
}

prop_compose! {
    /// Sides above 32 pixels are as frequent as others: below there is one octave.
    fn sides()(small in 1usize..=40, large in 34usize..=40, is_large in any::<bool>()) -> usize {
        if is_large { large } else { small }
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let schedule = (1usize..=4, 1.01..1.4f64, prop::sample::select(vec!["detail", "image"]), 1usize..=2);
    let rule = (
        prop::sample::select(vec![0usize, 3, 50]),
        prop::sample::select(vec![0usize, 7, 16]),
        prop::sample::select(vec![0.0, 1.0]),
        prop::sample::select(vec![0.0, 32.0]),
        any::<bool>(),
        prop::sample::select(vec!["mean_abs", "std", "none", "adam"]),
    );
    let patterns = vec![Pattern::Empty, Pattern::Random, Pattern::Half, Pattern::Feathered];
    let shown = (sides(), sides(), 1usize..=2, prop::sample::select(patterns), any::<u64>());
    (schedule, rule, shown).prop_map(|(schedule, rule, (height, width, batch, pattern, seed))| {
        let (octaves, scale, carry, steps) = schedule;
        let (jitter, tile, blur, knee, clamp, normalise) = rule;
        let params = format!(
            r#"{{"octaves": {octaves}, "octave_scale": {scale}, "carry": "{carry}", "steps": {steps}, "rate": 40,
                "jitter": {jitter}, "tile": {tile}, "blur": {blur}, "knee": {knee}, "clamp": {clamp},
                "normalise": "{normalise}", "seed": {seed}}}"#
        );
        Case { size: (height, width), batch, pattern, seed, params }
    })
}

fn check(case: &Case) -> TestCaseResult {
    let (height, width) = case.size;
    let pixels = height * width;
    // Also outside 0..1, where clamping would show.
    let picture: Vec<f32> =
        (0..case.batch * pixels * 3).map(|index| noise(case.seed, index) * 1.2 - 0.1).collect();
    let mask: Vec<f32> =
        (0..pixels).map(|index| case.pattern.at((index % width, index / width), width, case.seed)).collect();
    let tensor = Tensor::from_slice(&picture, (case.batch, height, width, 3), &Device::Cpu).unwrap();
    let masks = Tensor::from_slice(&mask, (1, height, width), &Device::Cpu).unwrap();
    let inputs = [
        ("image", Value::Tensor(tensor)),
        ("objective", Value::function(Local(away(0.5)))),
        ("mask", Value::Tensor(masks)),
    ];
    let ran = run_node::<GradientAscent>(&case.params, &inputs, &[]);
    let ran = ran.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let out = ran.outputs[0].tensor();
    prop_assert_eq!(out.dims(), &[case.batch, height, width, 3]);
    let out = out.flatten_all().and_then(|out| out.to_vec1::<f32>()).unwrap();

    let mut moved = 0;
    for (index, (found, given)) in out.iter().zip(&picture).enumerate() {
        let pixel = index / 3 % pixels;
        if mask[pixel] == 0.0 {
            let place = (pixel % width, pixel / width);
            prop_assert_eq!(found.to_bits(), given.to_bits(), "{} became {} at {:?}", given, found, place);
        } else {
            moved += usize::from(found.to_bits() != given.to_bits());
        }
    }
    // That nothing changes must not be why nothing changes outside.
    prop_assert!(moved > 0 || mask.iter().all(|value| *value == 0.0), "the dream changed nothing");
    Ok(())
}

fn config() -> ProptestConfig {
    let usual = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    // Few unless more are asked for: a case is a whole dream.
    if std::env::var_os("PROPTEST_CASES").is_some() { usual } else { ProptestConfig { cases: 24, ..usual } }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn where_the_mask_is_0_nothing_changes(case in cases()) {
        check(&case)?;
    }
}
