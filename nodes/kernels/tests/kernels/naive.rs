use candle_core::{Device, Tensor};
use dreamwire_kernels::{Layer, PaddingMode};

/// A layer according to PyTorch's documentation, one output at a time.
pub(crate) fn apply(layer: &Layer, inputs: &[&Tensor]) -> Tensor {
    let (n, c, h, w) = inputs[0].dims4().unwrap();
    let values = inputs[0].flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let at = |n: usize, c_: usize, y: usize, x: usize| values[((n * c + c_) * h + y) * w + x];
    match layer {
        Layer::Conv { weight, bias, stride, padding } => {
            let (o, _, kh, kw) = weight.dims4().unwrap();
            let weights = weight.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let bias = bias.as_ref().map(|bias| bias.to_vec1::<f64>().unwrap());
            let out_h = (h + padding.top + padding.bottom - kh) / stride + 1;
            let out_w = (w + padding.left + padding.right - kw) / stride + 1;
            build([n, o, out_h, out_w], |n, o, i, j| {
                let mut sum = bias.as_ref().map_or(0.0, |bias| bias[o]);
                for ch in 0..c {
                    for v in 0..kh {
                        for u in 0..kw {
                            let y = position(i * stride + v, padding.top, h, padding.mode);
                            let x = position(j * stride + u, padding.left, w, padding.mode);
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
        Layer::MaxPool { kernel, stride, padding, ceil_mode } => {
            let size = |size| windows(size, [*kernel, *stride, *padding], *ceil_mode);
            build([n, c, size(h), size(w)], |n, c, i, j| {
                let mut best = f64::NEG_INFINITY;
                for y in i * stride..i * stride + kernel {
                    for x in j * stride..j * stride + kernel {
                        if let (Some(y), Some(x)) = (inside(y, *padding, h), inside(x, *padding, w)) {
                            best = best.max(at(n, c, y, x));
                        }
                    }
                }
                best
            })
        }
        Layer::AveragePool { kernel, stride, padding, ceil_mode, count_padding } => {
            let size = |size| windows(size, [*kernel, *stride, *padding], *ceil_mode);
            build([n, c, size(h), size(w)], |n, c, i, j| {
                let (mut sum, mut count) = (0.0, 0.0);
                for y in i * stride..(i * stride + kernel).min(h + 2 * padding) {
                    for x in j * stride..(j * stride + kernel).min(w + 2 * padding) {
                        match (inside(y, *padding, h), inside(x, *padding, w)) {
                            (Some(y), Some(x)) => {
                                sum += at(n, c, y, x);
                                count += 1.0;
                            }
                            _ => count += if *count_padding { 1.0 } else { 0.0 },
                        }
                    }
                }
                sum / count
            })
        }
        Layer::LocalResponseNorm { size, alpha, beta, k } => build([n, c, h, w], |n, ch, y, x| {
            // Counted from size / 2 channels before the first.
            let neighbours = (ch..ch + size).filter_map(|padded| inside(padded, size / 2, c));
            let energy: f64 = neighbours.map(|ch| at(n, ch, y, x).powi(2)).sum();
            at(n, ch, y, x) / (k + alpha / *size as f64 * energy).powf(*beta)
        }),
        Layer::UpsampleNearest { factor } => {
            build([n, c, h * factor, w * factor], |n, c, y, x| at(n, c, y / factor, x / factor))
        }
        Layer::Concat => Tensor::cat(inputs, 1).unwrap(),
    }
}

/// How many windows there are: in ceil mode those that start before the right padding until one reaches the end,
/// otherwise those that fit.
fn windows(size: usize, [kernel, stride, padding]: [usize; 3], ceil_mode: bool) -> usize {
    let end = size + 2 * padding;
    let fits = |i: usize| i * stride + kernel <= end;
    let starts = |i: usize| i * stride < size + padding && (i == 0 || (i - 1) * stride + kernel < end);
    (0..).take_while(|i| if ceil_mode { starts(*i) } else { fits(*i) }).count()
}

/// The position in a picture that starts at `start`.
fn inside(position: usize, start: usize, size: usize) -> Option<usize> {
    position.checked_sub(start).filter(|position| *position < size)
}

fn position(padded: usize, before: usize, size: usize, mode: PaddingMode) -> Option<usize> {
    let (position, last) = (padded as isize - before as isize, size as isize - 1);
    match mode {
        PaddingMode::Zeros => inside(padded, before, size),
        PaddingMode::Reflect if position < 0 => Some(position.unsigned_abs()),
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
