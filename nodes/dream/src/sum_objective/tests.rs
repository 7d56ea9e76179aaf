use dreamwire_sdk::testing::{Value, run_node};

use super::*;
use crate::objective_fixtures::{Blocks, TILES, check_gradient, objective, picture, red, value};

/// OBJECTIVE: `factor` times the sum of pictures of `channels`, as a list of one number.
struct Bright {
    factor: f64,
    channels: i64,
    tiles: Option<Tiles>,
    semantics: &'static str,
}

const BRIGHT: Bright = Bright { factor: 1.0, channels: 3, tiles: None, semantics: "" };

impl Differentiable for Bright {
    fn spec(&self) -> FnSpec {
        let image = TensorSpec::new("image", &[-1, -1, -1, self.channels]);
        let value = TensorSpec::new("value", &[1]).semantics(self.semantics);
        FnSpec::new("OBJECTIVE", "bright").input(image).output(value).scalar()
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![(x[0].sum_all()?.reshape(1)? * self.factor)?])
    }

    fn tiles(&self) -> Option<Tiles> {
        self.tiles
    }
}

fn function(of: impl Differentiable) -> Function {
    match Value::function(of) {
        Value::Function(function) => function,
        _ => unreachable!("it is made of one"),
    }
}

fn sum(weights: &str, terms: Vec<Function>) -> Result<Function> {
    let params = format!(r#"{{"weights": "{weights}"}}"#);
    objective::<SumObjective>(&params, &[("objectives", Value::Functions(terms))])
}

/// Of red 1, 3, -1, 1 the sum is 4, the mean square of all 12 numbers 1, that of the 3 means 1/3.
#[test]
fn terms_are_weighted() {
    let image = red([1.0, 3.0, -1.0, 1.0]);
    for (weights, expected) in [
        ("", 4.0 + 40.0 + 2.0 + 1.0),
        ("1,-0.5", 4.0 - 20.0 + 2.0 + 1.0),
        (" 0, 0.5 , 2 ", 20.0 + 4.0 + 2.0),
        ("0,0,0", 0.0),
    ] {
        let features = function(Blocks(["2", "3"]));
        let bright = |factor| function(Bright { factor, ..BRIGHT });
        let found = value(&sum(weights, vec![bright(1.0), bright(10.0), features]).unwrap(), &image);
        assert!((found - expected).abs() < 1e-4, "{weights}: {found}");
    }
}

#[test]
fn weights_of_0_are_warned_about() {
    let notes = |weights: &str| {
        let params = format!(r#"{{"weights": "{weights}"}}"#);
        let terms = Value::Functions(vec![function(BRIGHT), function(BRIGHT)]);
        run_node::<SumObjective>(&params, &[("objectives", terms)], &[]).unwrap().notes
    };
    assert!(notes("0, -0")[0].starts_with("all `weights` are 0"));
    assert!(notes("0").is_empty(), "the second counts");
}

#[test]
fn one_objective_is_enough() {
    let inputs = [("objectives", Value::function(BRIGHT))];
    let function = objective::<SumObjective>(r#"{"weights": "-2"}"#, &inputs).unwrap();
    assert_eq!(value(&function, &red([1.0, 0.0, 0.0, 0.5])), -3.0);
}

#[test]
fn sums_of_sums_are_differentiable() {
    let inner = sum("0.1", vec![function(BRIGHT), function(Blocks(["2", "0.5"]))]).unwrap();
    let outer = sum("2, 3", vec![inner, function(Blocks(["1", "1"]))]).unwrap();
    check_gradient(&outer, &picture(2, 6, 4, 0));
}

#[test]
fn places_matter_if_they_matter_to_one() {
    let positions = |second| {
        let second = function(Bright { semantics: second, ..BRIGHT });
        let sum = sum("", vec![function(Blocks(["1", "1"])), second]).unwrap();
        sum.spec().outputs[0].semantic("positions").map(str::to_owned)
    };
    assert_eq!(positions(""), None);
    assert_eq!(positions("positions=free"), None);
    assert_eq!(positions("unit=1;positions=fixed").as_deref(), Some("fixed"));
}

#[test]
fn tiles_are_wide_enough_for_all() {
    let tiles = |stride, halo, reduction| Some(Tiles { stride, halo, reduction });
    let check = |second: Option<Tiles>, expected: Option<Tiles>| {
        let second = function(Bright { tiles: second, ..BRIGHT });
        let sum = sum("", vec![function(Blocks(["1", "1"])), second]).unwrap();
        assert_eq!(sum.tiles(), expected);
    };
    assert_eq!(TILES, Tiles { stride: 2, halo: 1, reduction: TileReduction::Mean });
    check(tiles(1, 1, TileReduction::Mean), Some(TILES));
    check(tiles(3, 44, TileReduction::Mean), tiles(6, 44, TileReduction::Mean));
    check(tiles(16, 0, TileReduction::Mean), tiles(16, 1, TileReduction::Mean));
    check(tiles(2, 1, TileReduction::Sum), None);
    check(tiles(u32::MAX, 1, TileReduction::Mean), None);
    check(None, None);
}

#[test]
fn what_cannot_be_added_is_refused() {
    let check = |weights: &str, terms: Vec<Function>, blamed: &str, expected: &str| {
        let error = sum(weights, terms).err().expect("refused");
        assert_eq!(error.input(), blamed);
        assert!(error.to_string().starts_with(expected), "{error}");
    };
    let two = || vec![function(BRIGHT), function(BRIGHT)];
    check("1, 2, 3", two(), "weights", "`weights` has 3 numbers for 2 objectives");
    check("1, much", two(), "weights", "`weights` must be numbers such as `1, 0.5`, found `much`");
    check("1,", two(), "weights", "`weights` must be numbers such as `1, 0.5`, found ``");
    check("nan", two(), "weights", "`weights` must be numbers such as `1, 0.5`, found `nan`");
    check(
        "",
        vec![function(Blocks(["1", "much"]))],
        "objectives",
        "the weight of layer `means` must be a number, found `much`",
    );
    let judged = |weights: &str| SumObjective::check(&Params { weights: weights.to_owned() });
    assert_eq!(judged("1, much").unwrap_err().input(), "weights");
    assert!(judged("1, -2e-1").is_ok() && judged("").is_ok());
    let grey = Bright { channels: 1, ..BRIGHT };
    check(
        "",
        vec![function(BRIGHT), function(grey)],
        "objectives",
        "`bright` takes inputs of shape [-1, -1, -1, 1], the objectives before it take [-1, -1, -1, 3]",
    );
    check("", Vec::new(), "objectives", "`objectives` is not connected");
}

#[test]
fn free_sizes_fit_any() {
    let any = Bright { channels: -1, ..BRIGHT };
    let sum = sum("", vec![function(any), function(BRIGHT)]).unwrap();
    assert_eq!(sum.spec().inputs[0].dims, [-1, -1, -1, 3]);
}
