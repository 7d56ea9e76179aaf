//! A function crosses the C ABI and comes back: values, gradients and failures survive.

use dreamwire_sdk::prelude::*;
use dreamwire_sdk::testing::{Value, in_call, run_node};

const PEAK: Peak = Peak { fixed: 100, outputs: 4, value: 12, gradient: 20 };

/// `y = sum(x^2)` as an OBJECTIVE, or `(x^2, 3x)` as FEATURES.
struct Square {
    scalar: bool,
}

impl Differentiable for Square {
    fn spec(&self) -> FnSpec {
        let x = TensorSpec::new("x", &[-1]);
        if self.scalar {
            FnSpec::new("OBJECTIVE", "square").input(x).output(TensorSpec::new("value", &[])).scalar()
        } else {
            let weighted = TensorSpec::new("a", &[-1]).semantics("layout=nchw;weight=0.5");
            FnSpec::new("FEATURES", "square").input(x).output(weighted).output(TensorSpec::new("b", &[-1]))
        }
    }

    fn tiles(&self) -> Option<Tiles> {
        self.scalar.then_some(Tiles { stride: 16, halo: 44, reduction: TileReduction::Sum })
    }

    fn peak(&self) -> Option<Peak> {
        self.scalar.then_some(PEAK)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let x = &x[0];
        if x.dims() == [13] {
            panic!("thirteen");
        }
        if self.scalar { Ok(vec![x.sqr()?.sum_all()?]) } else { Ok(vec![x.sqr()?, (x * 3.)?]) }
    }
}

fn function(scalar: bool) -> Function {
    match Value::function(Square { scalar }) {
        Value::Function(function) => function,
        _ => unreachable!(),
    }
}

fn vector(values: &[f32]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap()
}

#[test]
fn the_description_survives() {
    let f = function(false);
    assert_eq!(f.ty(), "FEATURES");
    let names: Vec<_> = f.spec().outputs.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(f.spec().outputs[0].semantic("weight"), Some("0.5"));
    assert_eq!(f.spec().outputs[0].semantic("halo"), None);
}

#[test]
fn how_far_a_function_sees_survives() {
    let tiles = Tiles { stride: 16, halo: 44, reduction: TileReduction::Sum };
    assert_eq!([function(true).tiles(), function(false).tiles()], [Some(tiles), None]);
}

#[test]
fn how_much_memory_a_function_needs_survives() {
    assert_eq!([function(true).peak(), function(false).peak()], [Some(PEAK), None]);
}

#[test]
fn value_and_gradient_of_an_objective() {
    let (value, gradient) = in_call(|_| function(true).value_and_grad(&vector(&[1., -2., 3.]))).unwrap();
    assert_eq!(value, 14.);
    assert_eq!(gradient.to_vec1::<f32>().unwrap(), [2., -4., 6.]);
}

#[test]
fn a_tape_answers_twice_and_takes_missing_cotangents() {
    in_call(|_| {
        let (y, tape) = function(false).linearise(&[&vector(&[1., 2.])], 1)?;
        assert_eq!(y[0].to_vec1::<f32>()?, [1., 4.]);
        let g = vector(&[1., 10.]);
        let both = tape.vjp(&[Some(&g), Some(&g)])?;
        assert_eq!(both[0].as_ref().unwrap().to_vec1::<f32>()?, [5., 70.]);
        let second = tape.vjp(&[None, Some(&g)])?;
        assert_eq!(second[0].as_ref().unwrap().to_vec1::<f32>()?, [3., 30.]);
        assert!(tape.bytes() > 0);
        Ok(())
    })
    .unwrap();
}

#[test]
fn as_a_candle_op_gradients_flow_through() {
    in_call(|_| {
        let x = candle_core::Var::from_tensor(&vector(&[1., 2.]))?;
        let inner = (x.as_tensor() * 2.)?;
        let y = function(false).apply(&inner)?;
        let loss = (y[0].sum_all()? + y[1].sum_all()?)?;
        // d/dx sum((2x)^2 + 3*2x) = 8x + 6
        assert_eq!(loss.backward()?.get(x.as_tensor()).unwrap().to_vec1::<f32>()?, [14., 22.]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_panic_inside_is_a_failure_outside() {
    let error = in_call(|_| function(true).value_and_grad(&vector(&[0.; 13]))).unwrap_err();
    assert_eq!(error.status(), dreamwire_sdk::abi::E_PANIC);
    assert!(error.to_string().contains("thirteen"), "{error}");
}

#[test]
fn the_wrong_number_of_cotangents_is_refused() {
    let error = in_call(|_| {
        let (_, tape) = function(false).linearise(&[&vector(&[1.])], 1)?;
        tape.vjp(&[None]).map(drop)
    });
    assert_eq!(error.unwrap_err().to_string(), "expected 2 cotangents, one per output, found 1");
}

/// Adds `by` to every element.
#[derive(Deserialize, JsonSchema)]
struct AddParams {
    #[schemars(range(min = 0.0))]
    by: f64,
}

#[derive(Default)]
struct Add;

impl Node for Add {
    const KIND: Kind = Kind::new("Add", 1)
        .inputs(&[port("a", "IMAGE"), port("b", "IMAGE").optional()])
        .outputs(&[port("IMAGE", "IMAGE"), port("n", "INT"), port("s", "STRING")]);
    type Params = AddParams;

    fn run(&mut self, call: &Call, params: AddParams, inputs: Inputs) -> Result<Outputs> {
        call.progress(1, 2, "adding")?;
        if params.by > 1e6 {
            panic!("too much");
        }
        let a = inputs.image("a")?;
        if inputs.opt_image("b")?.is_some() {
            inputs.same_shape("a", "b")?;
        }
        Ok(Outputs::new().tensor((a + params.by)?).int(7).string("seven"))
    }
}

fn image(h: usize) -> Value {
    Tensor::zeros((1, h, 2, 3), DType::F32, &Device::Cpu).unwrap().into()
}

#[test]
fn a_node_runs_behind_its_vtable() {
    let ran = run_node::<Add>(r#"{"by": 2.5}"#, &[("a", image(2))], &[]).unwrap();
    assert_eq!(ran.outputs[0].tensor().max_all().unwrap().to_scalar::<f32>().unwrap(), 2.5);
    assert!(matches!(&ran.outputs[2], Value::Text(text) if text == "seven"));
    assert_eq!(ran.notes, ["adding"]);
}

#[test]
fn a_node_names_what_is_wrong() {
    let refuse = |params: &str, inputs: &[(&str, Value)]| match run_node::<Add>(params, inputs, &[]) {
        Ok(_) => panic!("accepted"),
        Err(error) => (error.input().to_owned(), error.to_string()),
    };
    assert_eq!(refuse(r#"{"by": 1}"#, &[]), ("a".into(), "`a` is not connected".into()));
    let rank = Value::from(Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap());
    let wrong = "`a` must be an IMAGE [B,H,W,C], found shape [3]".to_owned();
    assert_eq!(refuse(r#"{"by": 1}"#, &[("a", rank)]), ("a".into(), wrong));
    let shapes = "`b` must have the shape of `a`, [1, 2, 2, 3], found [1, 3, 2, 3]".to_owned();
    assert_eq!(refuse(r#"{"by": 1}"#, &[("a", image(2)), ("b", image(3))]), ("b".into(), shapes));
    assert!(refuse(r#"{"by": 1e7}"#, &[("a", image(2))]).1.contains("too much"));
}
