//! The first StyleGAN of NVIDIA's TensorFlow code: a pickle that is put together here, against its formulas (Karras et al.,
//! arXiv:1812.04948) in plain f64, from the variables as they are in the file.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use dreamwire_nets::random::CounterRng;
use dreamwire_nets::stylegan1::{Generator, StyleGan1};
use dreamwire_nets::weights::{self, Family};

const CHANNELS: [usize; 3] = [5, 3, 4];
const Z: usize = 6;
const W: usize = 4;
const LR_MULTIPLIER: f64 = 0.25;
/// Not symmetrical, so that a flipped one would be noticed.
const TAPS: [f64; 3] = [1.0, 2.0, 5.0];

/// Shape and numbers.
type Variable = (Vec<usize>, Vec<f32>);

/// The variables of the mapping, the synthesis and the network itself.
struct Variables {
    mapping: BTreeMap<String, Variable>,
    synthesis: BTreeMap<String, Variable>,
    own: BTreeMap<String, Variable>,
}

/// Numbers in -1.5..1.5 times `scale`.
fn uniform(seed: u64, shape: &[usize], scale: f64) -> Variable {
    let rng = CounterRng::new(seed);
    let count: usize = shape.iter().product();
    (shape.to_vec(), (0..count as u64).map(|n| ((rng.uniform(n) - 0.5) * 3.0 * scale) as f32).collect())
}

fn variables() -> Variables {
    let (mut mapping, mut synthesis) = (BTreeMap::new(), BTreeMap::new());
    let mut seed = 0;
    let mut add = |to: &mut BTreeMap<String, Variable>, name: String, shape: &[usize], scale: f64| {
        seed += 1;
        to.insert(name, uniform(seed, shape, scale));
    };
    for (index, [inputs, outputs]) in [[Z, 5], [5, W]].into_iter().enumerate() {
        add(&mut mapping, format!("Dense{index}/weight"), &[inputs, outputs], 1.0 / LR_MULTIPLIER);
        add(&mut mapping, format!("Dense{index}/bias"), &[outputs], 1.0 / LR_MULTIPLIER);
    }
    let mut inputs = CHANNELS[0];
    for (index, channels) in CHANNELS.into_iter().enumerate() {
        let side = 4 << index;
        let names = if index == 0 { ["Const", "Conv"] } else { ["Conv0_up", "Conv1"] };
        for (layer, name) in names.into_iter().enumerate() {
            let name = format!("{side}x{side}/{name}");
            // Small, so that what is added to its variance counts.
            let scale = if (index, layer) == (0, 0) { 0.02 } else { 1.0 };
            match (index, layer) {
                (0, 0) => add(&mut synthesis, format!("{name}/const"), &[1, channels, 4, 4], scale),
                (_, 0) => add(&mut synthesis, format!("{name}/weight"), &[3, 3, inputs, channels], scale),
                _ => add(&mut synthesis, format!("{name}/weight"), &[3, 3, channels, channels], scale),
            }
            add(&mut synthesis, format!("{name}/bias"), &[channels], scale);
            add(&mut synthesis, format!("{name}/Noise/weight"), &[channels], scale);
            add(&mut synthesis, format!("{name}/StyleMod/weight"), &[W, 2 * channels], 1.0);
            add(&mut synthesis, format!("{name}/StyleMod/bias"), &[2 * channels], 1.0);
            add(&mut synthesis, format!("noise{}", 2 * index + layer), &[1, 1, side, side], 1.0);
        }
        let colours = format!("ToRGB_lod{}", CHANNELS.len() - 1 - index);
        add(&mut synthesis, format!("{colours}/weight"), &[1, 1, channels, 3], 1.0);
        add(&mut synthesis, format!("{colours}/bias"), &[3], 1.0);
        inputs = channels;
    }
    let mut own = BTreeMap::new();
    add(&mut own, "dlatent_avg".to_owned(), &[W], 1.0);
    own.insert("lod".to_owned(), (vec![], vec![0.0]));
    Variables { mapping, synthesis, own }
}

/// A pickle of protocol 2 in the making.
struct Pickle(Vec<u8>);

impl Pickle {
    fn raw(&mut self, opcodes: &[u8]) -> &mut Self {
        self.0.extend(opcodes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    fn int(&mut self, value: usize) -> &mut Self {
        self.raw(b"J").raw(&(value as i32).to_le_bytes())
    }

    fn float(&mut self, value: f64) -> &mut Self {
        self.raw(b"G").raw(&value.to_be_bytes())
    }

    /// An array of NumPy.
    fn array(&mut self, (shape, values): &Variable) {
        self.raw(
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tB\x01\x00\x00\x00btR(K\x01(",
        );
        for size in shape {
            self.int(*size);
        }
        self.raw(b"tcnumpy\ndtype\n(").text("f4").raw(b"K\x00K\x01tR(K\x03").text("<");
        self.raw(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B");
        self.raw(&(4 * values.len() as u32).to_le_bytes());
        values.iter().for_each(|value| {
            self.raw(&value.to_le_bytes());
        });
        self.raw(b"tb");
    }

    /// A network of `dnnlib.tflib` with the arguments that `told` puts into their dict.
    fn network(
        &mut self,
        variables: &BTreeMap<String, Variable>,
        parts: &[(&str, &BTreeMap<String, Variable>)],
        told: &dyn Fn(&mut Self),
    ) {
        self.raw(b"cdnnlib.tflib.network\nNetwork\n)\x81}").text("static_kwargs").raw(b"}");
        told(self);
        self.raw(b"s").text("components").raw(b"}");
        for (name, variables) in parts {
            self.text(name).network(variables, &[], &|_| {});
            self.raw(b"s");
        }
        self.raw(b"s").text("variables").raw(b"](");
        for (name, variable) in variables {
            self.raw(b"(").text(name).array(variable);
            self.raw(b"t");
        }
        self.raw(b"esb");
    }
}

/// The pickle of one network, and what it says about itself.
fn pickle(variables: &Variables, is_fused: bool) -> Vec<u8> {
    let mut pickle = Pickle(vec![0x80, 2]);
    let parts = [("synthesis", &variables.synthesis), ("mapping", &variables.mapping)];
    pickle.network(&variables.own, &parts, &|told: &mut Pickle| {
        told.text("mapping_lrmul").float(LR_MULTIPLIER).raw(b"s");
        told.text("fused_scale").raw(if is_fused { b"\x88s" } else { b"\x89s" });
        told.text("blur_filter").raw(b"](");
        TAPS.iter().for_each(|tap| {
            told.float(*tap);
        });
        told.raw(b"es");
    });
    pickle.raw(b".");
    pickle.0
}

/// The formulas, for one picture. Maps are `[channel][row][column]`.
struct Formulas<'v> {
    variables: &'v Variables,
    is_fused: bool,
}

type Map = Vec<Vec<Vec<f64>>>;

/// A map of these sides, whose pixels are what `pixel` says.
fn map(channels: usize, side: usize, pixel: impl Fn(usize, usize, usize) -> f64) -> Map {
    let row = |c, y| (0..side).map(|x| pixel(c, y, x)).collect();
    (0..channels).map(|c| (0..side).map(|y| row(c, y)).collect()).collect()
}

/// A pixel, or 0 outside.
fn at(plane: &[Vec<f64>], y: isize, x: isize) -> f64 {
    let row = usize::try_from(y).ok().and_then(|y| plane.get(y));
    row.and_then(|row| row.get(usize::try_from(x).ok()?)).copied().unwrap_or(0.0)
}

impl Formulas<'_> {
    fn variable(&self, name: &str) -> Vec<f64> {
        let all = [&self.variables.mapping, &self.variables.synthesis, &self.variables.own];
        let found = all.into_iter().find_map(|of| of.get(name)).unwrap_or_else(|| panic!("{name}"));
        found.1.iter().map(|value| f64::from(*value)).collect()
    }

    /// `x W gain / sqrt(inputs)`, W `[inputs, outputs]`.
    fn matrix(&self, name: &str, x: &[f64], gain: f64) -> Vec<f64> {
        let weight = self.variable(name);
        let outputs = weight.len() / x.len();
        let coefficient = gain / (x.len() as f64).sqrt();
        (0..outputs)
            .map(|o| x.iter().enumerate().map(|(i, x)| x * weight[i * outputs + o] * coefficient).sum())
            .collect()
    }

    fn mapping(&self, z: &[f64]) -> Vec<f64> {
        let power = z.iter().map(|z| z * z).sum::<f64>() / z.len() as f64;
        let mut x: Vec<f64> = z.iter().map(|z| z / (power + 1e-8).sqrt()).collect();
        for index in 0..2 {
            let gain = 2f64.sqrt() * LR_MULTIPLIER;
            let y = self.matrix(&format!("Dense{index}/weight"), &x, gain);
            let bias = self.variable(&format!("Dense{index}/bias"));
            x = y.iter().zip(&bias).map(|(y, bias)| rectified(y + bias * LR_MULTIPLIER)).collect();
        }
        x
    }

    /// A kernel `[3, 3, inputs, outputs]` times its coefficient, by row, column, input and output.
    fn kernel(
        &self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> impl Fn(usize, usize, usize, usize) -> f64 {
        let weight = self.variable(name);
        let coefficient = 2f64.sqrt() / ((9 * inputs) as f64).sqrt();
        move |v, u, i, o| weight[((v * 3 + u) * inputs + i) * outputs + o] * coefficient
    }

    fn convolved(&self, x: &Map, name: &str, outputs: usize) -> Map {
        let kernel = self.kernel(name, x.len(), outputs);
        map(outputs, x[0].len(), |o, row, column| {
            let mut sum = 0.0;
            for (i, plane) in x.iter().enumerate() {
                for v in 0..3 {
                    for u in 0..3 {
                        let (y, x) = (row as isize + v as isize - 1, column as isize + u as isize - 1);
                        sum += at(plane, y, x) * kernel(v, u, i, o);
                    }
                }
            }
            sum
        })
    }

    /// Twice as large: of repeated pixels, or scattered by the sum of four shifted kernels.
    fn enlarged(&self, x: &Map, name: &str, outputs: usize) -> Map {
        let side = x[0].len();
        if !self.is_fused {
            let repeated = map(x.len(), 2 * side, |c, row, column| x[c][row / 2][column / 2]);
            return self.convolved(&repeated, name, outputs);
        }
        let kernel = self.kernel(name, x.len(), outputs);
        let mut y = map(outputs, 2 * side, |_, _, _| 0.0);
        for (i, plane) in x.iter().enumerate() {
            for (row, values) in plane.iter().enumerate() {
                for (column, value) in values.iter().enumerate() {
                    for (v, u) in (0..3).flat_map(|v| (0..3).map(move |u| (v, u))) {
                        for (down, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                            // Without the first row and column, which lie outside.
                            let (Some(to), Some(across)) = (
                                (2 * row + v + down).checked_sub(1),
                                (2 * column + u + right).checked_sub(1),
                            ) else {
                                continue;
                            };
                            for (o, plane) in y.iter_mut().enumerate() {
                                if to < 2 * side && across < 2 * side {
                                    plane[to][across] += value * kernel(v, u, i, o);
                                }
                            }
                        }
                    }
                }
            }
        }
        y
    }

    /// The filter, not flipped, divided by its sum; zeros lie outside.
    fn blurred(&self, x: &Map) -> Map {
        let sum: f64 = TAPS.iter().sum();
        map(x.len(), x[0].len(), |c, row, column| {
            let mut blurred = 0.0;
            for (v, down) in TAPS.iter().enumerate() {
                for (u, across) in TAPS.iter().enumerate() {
                    let (y, at_x) = (row as isize + v as isize - 1, column as isize + u as isize - 1);
                    blurred += at(&x[c], y, at_x) * down * across / (sum * sum);
                }
            }
            blurred
        })
    }

    /// Noise, bias, leaky ReLU, instance norm, style.
    fn finished(&self, x: &Map, name: &str, layer: usize, w: &[f64]) -> Map {
        let (side, channels) = (x[0].len(), x.len());
        let [noise, strengths, bias] =
            [format!("noise{layer}"), format!("{name}/Noise/weight"), format!("{name}/bias")]
                .map(|name| self.variable(&name));
        let styles = self.matrix(&format!("{name}/StyleMod/weight"), w, 1.0);
        let biases = self.variable(&format!("{name}/StyleMod/bias"));
        let styles: Vec<f64> = styles.iter().zip(&biases).map(|(style, bias)| style + bias).collect();
        let x = map(channels, side, |c, row, column| {
            rectified(x[c][row][column] + strengths[c] * noise[row * side + column] + bias[c])
        });
        let moments: Vec<[f64; 2]> = x
            .iter()
            .map(|plane| {
                let count = (side * side) as f64;
                let mean = plane.iter().flatten().sum::<f64>() / count;
                let variance = plane.iter().flatten().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
                [mean, variance]
            })
            .collect();
        map(channels, side, |c, row, column| {
            let [mean, variance] = moments[c];
            let normal = (x[c][row][column] - mean) / (variance + 1e-8).sqrt();
            normal * (styles[c] + 1.0) + styles[channels + c]
        })
    }

    /// The picture of `w`, a style for each layer.
    fn picture(&self, w: &[Vec<f64>]) -> Map {
        let constant = self.variable("4x4/Const/const");
        let x = map(CHANNELS[0], 4, |c, row, column| constant[(c * 4 + row) * 4 + column]);
        let x = self.finished(&x, "4x4/Const", 0, &w[0]);
        let mut x = self.finished(&self.convolved(&x, "4x4/Conv/weight", CHANNELS[0]), "4x4/Conv", 1, &w[1]);
        for (index, channels) in CHANNELS.into_iter().enumerate().skip(1) {
            let [first, second] = ["Conv0_up", "Conv1"].map(|name| format!("{0}x{0}/{name}", 4 << index));
            let y = self.blurred(&self.enlarged(&x, &format!("{first}/weight"), channels));
            let y = self.finished(&y, &first, 2 * index, &w[2 * index]);
            let y = self.convolved(&y, &format!("{second}/weight"), channels);
            x = self.finished(&y, &second, 2 * index + 1, &w[2 * index + 1]);
        }
        let bias = self.variable("ToRGB_lod0/bias");
        map(3, x[0].len(), |colour, row, column| {
            let pixel: Vec<f64> = x.iter().map(|plane| plane[row][column]).collect();
            self.matrix("ToRGB_lod0/weight", &pixel, 1.0)[colour] + bias[colour]
        })
    }
}

fn rectified(x: f64) -> f64 {
    x.max(0.2 * x)
}

fn network(file: &[u8]) -> StyleGan1 {
    let read = weights::read(file, &[Family::StyleGan1Generator]).expect("it is read");
    let generator = Generator::new(read.tensors).expect("it is whole").with_settings(&read.settings);
    generator.expect("settings that fit").build(None, 1.0, DType::F64).expect("it is built")
}

/// Weights are f32, and rounded once more where they are multiplied; all else is f64.
const ROUNDED: f64 = 2e-6;

#[track_caller]
fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0, |scale: f64, value| scale.max(value.abs()));
    let error = found.iter().zip(expected).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
    assert!(scale > 0.1 && error < ROUNDED * scale, "{error} of {scale}");
}

#[test]
fn pictures_are_those_of_the_formulas() {
    let variables = variables();
    for is_fused in [false, true] {
        let StyleGan1 { mapping, synthesis } = network(&pickle(&variables, is_fused));
        assert_eq!((mapping.z_width(), mapping.w_width(), mapping.layers()), (Z, W, 6));
        assert_eq!((synthesis.resolution(), synthesis.channels()), (16, 3));
        assert_eq!(synthesis.noise_sizes(), [4, 4, 8, 8, 16, 16], "a plane for every layer");
        let formulas = Formulas { variables: &variables, is_fused };
        let z: Vec<f64> = uniform(99, &[Z], 1.0).1.into_iter().map(f64::from).collect();
        let w = mapping.forward(&Tensor::from_vec(z.clone(), (1, Z), &Device::Cpu).unwrap()).unwrap();
        let expected = formulas.mapping(&z);
        for layer in w.get(0).unwrap().to_vec2::<f64>().unwrap() {
            near(&layer, &expected);
        }
        near(&mapping.average().to_vec1::<f64>().unwrap(), &formulas.variable("dlatent_avg"));
        // Another style in each layer, which may not be taken for one another.
        let styles: Vec<Vec<f64>> = (0..6)
            .map(|layer| uniform(200 + layer, &[W], 1.0).1.into_iter().map(f64::from).collect())
            .collect();
        let w = Tensor::from_vec(styles.concat(), (1, 6, W), &Device::Cpu).unwrap();
        let picture = synthesis.forward(&w, &[]).unwrap().get(0).unwrap();
        let found = picture.permute((2, 0, 1)).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let expected = formulas.picture(&styles);
        near(&found, &expected.concat().concat());
    }
}

/// Given planes take the place of the file's, and those of the file are repeated for tiles.
#[test]
fn planes_of_the_file_are_one_for_every_layer() {
    let variables = variables();
    let StyleGan1 { synthesis, .. } = network(&pickle(&variables, true));
    let w = Tensor::from_vec(uniform(7, &[1, 6, W], 1.0).1, (1, 6, W), &Device::Cpu).unwrap();
    let w = w.to_dtype(DType::F64).unwrap();
    let own = synthesis.forward(&w, &[]).unwrap();
    let planes: Vec<Tensor> = (0..6)
        .map(|layer| {
            let (shape, values) = &variables.synthesis[&format!("noise{layer}")];
            let plane = Tensor::from_vec(values.clone(), shape.as_slice(), &Device::Cpu).unwrap();
            plane.to_dtype(DType::F64).unwrap()
        })
        .collect();
    let bits = |picture: &Tensor| picture.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert_eq!(bits(&own), bits(&synthesis.forward(&w, &planes).unwrap()));
    for layer in 0..6 {
        let mut others = planes.clone();
        others[layer] = others[layer].zeros_like().unwrap();
        assert_ne!(bits(&own), bits(&synthesis.forward(&w, &others).unwrap()), "layer {layer}");
    }
    let tiles = dreamwire_nets::stylegan::Tiles::new(2, 1).unwrap();
    let wide = synthesis.tiled(tiles);
    let twice: Vec<Tensor> = planes.iter().map(|plane| Tensor::cat(&[plane, plane], 3).unwrap()).collect();
    assert_eq!(bits(&wide.forward(&w, &[]).unwrap()), bits(&wide.forward(&w, &twice).unwrap()));
    let error = synthesis.forward(&w, &planes[..3]).unwrap_err().to_string();
    assert!(error.contains("needs 6 noise planes or none, found 3"), "{error}");
}
