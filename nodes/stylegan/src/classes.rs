//! Classes of conditional networks, as functions take them: `c` `[B,classes]`, weights that are 1 for one class and 0 for
//! the others, or anything between.

use dreamwire_sdk::prelude::*;

/// The name of the input.
pub(crate) const INPUT: &str = "c";

/// The input `c` of a function of a network with that many classes; nothing for one without.
pub(crate) fn spec(classes: usize) -> Option<TensorSpec> {
    (classes > 0).then(|| TensorSpec::new(INPUT, &[-1, classes as i64]))
}

/// Refuses classes that are missing, superfluous or of another shape, in a function of a network with `classes` classes.
///
/// # Errors
///
/// Names what was expected and what was found.
pub(crate) fn check(c: Option<&Tensor>, classes: usize, batch: usize) -> Result<()> {
    match c.map(Tensor::dims) {
        None if classes == 0 => Ok(()),
        Some(dims) if classes > 0 && dims == [batch, classes] => Ok(()),
        None => Err(Error::port(
            INPUT,
            format!("this network has {}: it needs `c` [B,{classes}]", range(classes)),
        )),
        Some(_) if classes == 0 => Err(Error::port(INPUT, "this network has no classes, but `c` was given")),
        Some(found) => {
            Err(Error::shape(INPUT, format!("`c` must be [{batch},{classes}], found shape {found:?}")))
        }
    }
}

/// The numbers of the param `class_weights`; none if it is empty.
///
/// # Errors
///
/// Quotes what is not a number.
pub(crate) fn numbers(text: &str) -> Result<Vec<f32>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let number = |number: &str| {
        let weight = number.parse().ok().filter(|weight: &f32| weight.is_finite());
        weight.ok_or_else(|| {
            let message = format!("`class_weights` must be numbers such as `0.5, 0.5, 0`, found `{number}`");
            Error::param("class_weights", message)
        })
    };
    text.split(',').map(str::trim).map(number).collect()
}

/// What the params `class` and `class_weights` choose, for a batch of a function's inputs: `[batch,classes]` on `device`;
/// nothing for a function without classes.
///
/// # Errors
///
/// If the function has classes and none is chosen, or the other way round, or the choice does not exist.
pub(crate) fn chosen(
    spec: &FnSpec,
    class: i64,
    weights: &str,
    batch: usize,
    device: &Device,
) -> Result<Option<Tensor>> {
    let weights = numbers(weights)?;
    let Some(classes) = count(spec) else {
        if class >= 0 {
            let message = format!("`class` is {class}, but this network has no classes");
            return Err(Error::param("class", message).hint("set it to -1"));
        }
        if !weights.is_empty() {
            return Err(Error::param(
                "class_weights",
                "this network has no classes, so they have no weights",
            ));
        }
        return Ok(None);
    };
    let row: Vec<f32> = match usize::try_from(class) {
        Ok(_) if !weights.is_empty() => {
            let message = "either `class` or `class_weights` chooses, not both";
            return Err(Error::param("class_weights", message).hint("set `class` to -1"));
        }
        Ok(class) if class < classes => {
            (0..classes).map(|index| f32::from(u8::from(index == class))).collect()
        }
        Ok(_) => {
            let message = format!("there is no class {class}: this network has {}", range(classes));
            return Err(Error::param("class", message));
        }
        Err(_) if weights.is_empty() => {
            let message = format!("this network has {}: choose one", range(classes));
            return Err(
                Error::param("class", message).hint("or give each of them a weight in `class_weights`")
            );
        }
        Err(_) if weights.len() != classes => {
            let found = weights.len();
            let message = format!("`class_weights` must be {classes} numbers, one per class, found {found}");
            return Err(Error::param("class_weights", message));
        }
        Err(_) => weights,
    };
    Ok(Some(Tensor::from_vec(row.repeat(batch), (batch, classes), device)?))
}

/// The classes of samples of a whole distribution, `[count,classes]` on `device`: each class in turn, from `first` on;
/// nothing for a function without classes.
///
/// # Errors
///
/// Those of candle.
pub(crate) fn in_turn(
    spec: &FnSpec,
    first: usize,
    samples: usize,
    device: &Device,
) -> Result<Option<Tensor>> {
    let Some(classes) = count(spec).filter(|classes| *classes > 0) else { return Ok(None) };
    let mut rows = vec![0f32; samples * classes];
    for (row, values) in rows.chunks_exact_mut(classes).enumerate() {
        values[(first + row) % classes] = 1.0;
    }
    Ok(Some(Tensor::from_vec(rows, (samples, classes), device)?))
}

/// The number of classes that a function takes; nothing if it takes none.
fn count(spec: &FnSpec) -> Option<usize> {
    let input = spec.inputs.iter().find(|input| input.name == INPUT)?;
    input.dims.last().and_then(|size| usize::try_from(*size).ok())
}

/// `5 classes, 0 to 4`.
fn range(classes: usize) -> String {
    format!("{classes} classes, 0 to {}", classes.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(classes: usize) -> FnSpec {
        let plain = FnSpec::new("MAPPING", "it").input(TensorSpec::new("z", &[-1, 4]));
        spec(classes).into_iter().fold(plain, FnSpec::input)
    }

    fn rows(found: Option<Tensor>) -> Vec<Vec<f32>> {
        found.expect("classes").to_vec2().expect("f32")
    }

    #[test]
    fn one_class_or_weights_of_all() {
        let chosen = |classes, class, weights, batch| {
            chosen(&function(classes), class, weights, batch, &Device::Cpu).unwrap()
        };
        assert!(chosen(0, -1, " ", 3).is_none());
        assert_eq!(rows(chosen(3, 1, "", 2)), [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]);
        assert_eq!(rows(chosen(3, -1, "0.5, 0,-1", 1)), [[0.5, 0.0, -1.0]]);
    }

    #[test]
    fn samples_are_of_each_class_in_turn() {
        let in_turn = |classes| in_turn(&function(classes), 1, 3, &Device::Cpu).unwrap();
        assert!(in_turn(0).is_none());
        assert_eq!(rows(in_turn(2)), [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
    }

    #[test]
    fn choices_that_do_not_exist() {
        let refused = |classes: usize, class: i64, weights: &str, blamed: &str, expected: &str| {
            let error = chosen(&function(classes), class, weights, 1, &Device::Cpu).unwrap_err();
            assert_eq!((error.input(), error.to_string().as_str()), (blamed, expected));
        };
        refused(0, 2, "", "class", "`class` is 2, but this network has no classes; hint: set it to -1");
        let none = "this network has no classes, so they have no weights";
        refused(0, -1, "1", "class_weights", none);
        let both = "either `class` or `class_weights` chooses, not both; hint: set `class` to -1";
        refused(5, 0, "1,1,1,1,1", "class_weights", both);
        refused(5, 5, "", "class", "there is no class 5: this network has 5 classes, 0 to 4");
        let which = "this network has 5 classes, 0 to 4: choose one; hint: or give each of them a weight in `class_weights`";
        refused(5, -1, "", "class", which);
        let count = "`class_weights` must be 5 numbers, one per class, found 2";
        refused(5, -1, "0.5,0.5", "class_weights", count);
        for wrong in ["a", "1,", "1,inf"] {
            let found = wrong.rsplit(',').next().unwrap_or_default();
            let text = format!("`class_weights` must be numbers such as `0.5, 0.5, 0`, found `{found}`");
            refused(5, -1, wrong, "class_weights", &text);
        }
    }

    #[test]
    fn inputs_that_do_not_fit() {
        let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
        let refused = |c: Option<Tensor>, classes: usize, expected: &str| {
            let error = check(c.as_ref(), classes, 2).unwrap_err();
            assert_eq!((error.input(), error.to_string().as_str()), (INPUT, expected));
        };
        assert!(check(None, 0, 2).is_ok() && check(Some(&zeros(&[2, 5])), 5, 2).is_ok());
        refused(None, 5, "this network has 5 classes, 0 to 4: it needs `c` [B,5]");
        refused(Some(zeros(&[2, 5])), 0, "this network has no classes, but `c` was given");
        refused(Some(zeros(&[1, 5])), 5, "`c` must be [2,5], found shape [1, 5]");
    }
}
