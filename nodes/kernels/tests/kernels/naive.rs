use candle_core::{Device, Tensor};
use dreamwire_kernels::{Layer, Padding, PaddingMode};

/// What PyTorch's documentation says that `layer` does, one output at a time.
pub(crate) fn apply(layer: &Layer, x: &Tensor) -> Tensor {
    let (n, c, h, w) = x.dims4().unwrap();
    let values = x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let at = |n: usize, c_: usize, y: usize, x: usize| values[((n * c + c_) * h + y) * w + x];
    match layer {
        Layer::Conv { weight, bias, stride, padding } => {
            let (o, _, kh, kw) = weight.dims4().unwrap();
            let weights = weight.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let bias = bias.as_ref().map(|bias| bias.to_vec1::<f64>().unwrap());
            let size = |size, kernel| (size + 2 * padding.amount - kernel) / stride + 1;
            build([n, o, size(h, kh), size(w, kw)], |n, o, i, j| {
                let mut sum = bias.as_ref().map_or(0.0, |bias| bias[o]);
                for ch in 0..c {
                    for v in 0..kh {
                        for u in 0..kw {
                            let y = position(i * stride + v, h, *padding);
                            let x = position(j * stride + u, w, *padding);
                            if let (Some(y), Some(x)) = (y, x) {
                                sum += weights[((o * c + ch) * kh + v) * kw + u] * at(n, ch, y, x);
                            }
                        }
                    }
                }
                sum
            })
        }
        Layer::Relu => build([n, c, h, w], |n, c, y, x| at(n, c, y, x).max(0.0)),
        Layer::LeakyRelu { slope } => build([n, c, h, w], |n, c, y, x| {
            let value = at(n, c, y, x);
            if value > 0.0 { value } else { slope * value }
        }),
        Layer::MaxPool { kernel, stride, ceil_mode } => {
            let size = |size: usize| {
                // Count the windows: in ceil mode those that start inside, otherwise those that fit.
                let fits = |start: usize| start + kernel <= size;
                let starts = |start: usize| start < size && start < size.saturating_sub(*kernel) + stride;
                let taken = |i: &usize| if *ceil_mode { starts(i * stride) } else { fits(i * stride) };
                (0..).take_while(taken).count()
            };
            build([n, c, size(h), size(w)], |n, c, i, j| {
                let mut best = f64::NEG_INFINITY;
                for y in i * stride..(i * stride + kernel).min(h) {
                    for x in j * stride..(j * stride + kernel).min(w) {
                        best = best.max(at(n, c, y, x));
                    }
                }
                best
            })
        }
        Layer::UpsampleNearest { factor } => {
            build([n, c, h * factor, w * factor], |n, c, y, x| at(n, c, y / factor, x / factor))
        }
    }
}

fn position(padded: usize, size: usize, padding: Padding) -> Option<usize> {
    let (position, last) = (padded as isize - padding.amount as isize, size as isize - 1);
    if (0..=last).contains(&position) {
        return Some(position as usize);
    }
    match padding.mode {
        PaddingMode::Zeros => None,
        PaddingMode::Reflect => Some(last.abs_diff((last - position).abs())),
    }
}

fn build([n, c, h, w]: [usize; 4], at: impl Fn(usize, usize, usize, usize) -> f64) -> Tensor {
    let mut values = Vec::new();
    for i in 0..n * c * h * w {
        values.push(at(i / (c * h * w), i / (h * w) % c, i / w % h, i % w));
    }
    Tensor::from_vec(values, (n, c, h, w), &Device::Cpu).unwrap()
}
