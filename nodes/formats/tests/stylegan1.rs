//! The first StyleGAN of NVIDIA's TensorFlow code and of genforce: one network of counted numbers, put together by hand
//! as either program has it.

mod assembler;
mod named;

use std::collections::BTreeMap;

use assembler::{Pickle, f32s};
use dreamwire_formats::{Family, Layout, Limits, Network, checksums, export, read};
use named::open;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// Channels of the blocks of 4 to 128 px, the last of which is fused.
const CHANNELS: [usize; 6] = [4, 3, 2, 2, 2, 2];
const WIDTH: usize = 4;

type Variables = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The variables of a network, without their component, by the names of TensorFlow.
fn variables() -> (Variables, Variables) {
    let (mut mapping, mut synthesis) = (Variables::new(), Variables::new());
    let mut next = 0.0;
    let mut add = |into: &mut Variables, name: String, shape: &[usize]| {
        // All different, so that nothing can be taken for another.
        let values = (0..shape.iter().product()).map(|_: usize| {
            next += 0.125f32;
            next
        });
        let values = values.collect();
        into.insert(name, (shape.to_vec(), values));
    };
    for index in 0..2 {
        add(&mut mapping, format!("Dense{index}/weight"), &[WIDTH, WIDTH]);
        add(&mut mapping, format!("Dense{index}/bias"), &[WIDTH]);
    }
    let mut inputs = CHANNELS[0];
    for (index, channels) in CHANNELS.into_iter().enumerate() {
        let side = 4 << index;
        let layers = if index == 0 { ["Const", "Conv"] } else { ["Conv0_up", "Conv1"] };
        for (layer, name) in layers.into_iter().enumerate() {
            let name = format!("{side}x{side}/{name}");
            match (index, layer) {
                (0, 0) => add(&mut synthesis, format!("{name}/const"), &[1, channels, 4, 4]),
                (_, 0) => add(&mut synthesis, format!("{name}/weight"), &[3, 3, inputs, channels]),
                _ => add(&mut synthesis, format!("{name}/weight"), &[3, 3, channels, channels]),
            }
            add(&mut synthesis, format!("{name}/bias"), &[channels]);
            add(&mut synthesis, format!("{name}/Noise/weight"), &[channels]);
            add(&mut synthesis, format!("{name}/StyleMod/weight"), &[WIDTH, 2 * channels]);
            add(&mut synthesis, format!("{name}/StyleMod/bias"), &[2 * channels]);
            add(&mut synthesis, format!("noise{}", 2 * index + layer), &[1, 1, side, side]);
        }
        let colours = format!("ToRGB_lod{}", CHANNELS.len() - 1 - index);
        add(&mut synthesis, format!("{colours}/weight"), &[1, 1, channels, 3]);
        add(&mut synthesis, format!("{colours}/bias"), &[3]);
        inputs = channels;
    }
    add(&mut synthesis, "lod".to_owned(), &[]);
    (mapping, synthesis)
}

fn put(pickle: Pickle, variables: &Variables) -> Pickle {
    let pickle =
        variables.iter().fold(pickle.text("variables").raw(b"]("), |pickle, (name, (shape, values))| {
            let shape: Vec<i64> = shape.iter().map(|size| *size as i64).collect();
            pickle.raw(b"(").text(name).array("f4", "<", &shape, false, &f32s(values)).raw(b"t")
        });
    pickle.raw(b"es")
}

/// A network of `dnnlib.tflib`, with arguments that `told` puts into their dict.
fn network(
    pickle: Pickle,
    own: &Variables,
    parts: &[(&str, &Variables)],
    told: &dyn Fn(Pickle) -> Pickle,
) -> Pickle {
    let pickle = pickle.global("dnnlib.tflib.network", "Network").raw(b")\x81}");
    let pickle = told(pickle.text("static_kwargs").raw(b"}")).raw(b"s");
    let pickle = pickle.text("components").raw(b"}");
    let pickle = parts.iter().fold(pickle, |pickle, (name, variables)| {
        network(pickle.text(name), variables, &[], &|pickle| pickle).raw(b"s")
    });
    put(pickle.raw(b"s"), own).raw(b"b")
}

/// What NVIDIA's training pickles: G, D and Gs.
fn tensorflow(told: &dyn Fn(Pickle) -> Pickle) -> Vec<u8> {
    let (mapping, synthesis) = variables();
    let average = (vec![WIDTH], vec![0.5, -0.5, 1.5, 2.5]);
    let own = Variables::from([("dlatent_avg".to_owned(), average), ("lod".to_owned(), (vec![], vec![0.0]))]);
    let judge = Variables::from([("4x4/Dense1/weight".to_owned(), (vec![2, 1], vec![1.0, 2.0]))]);
    let parts = [("mapping", &mapping), ("synthesis", &synthesis)];
    let pickle = network(Pickle::new(), &own, &parts, told);
    let pickle = network(pickle, &judge, &[], &|pickle| pickle);
    network(pickle, &own, &parts, told).raw(b"\x87").stop()
}

/// The same network as genforce's converter writes it, without the file's pickling.
fn genforce() -> Vec<u8> {
    let (mapping, synthesis) = variables();
    let mut tensors = Vec::new();
    let mut add =
        |name: String, shape: Vec<usize>, values: Vec<f32>| tensors.push((name, shape, f32s(&values)));
    for (name, (shape, values)) in &mapping {
        let (layer, end) = name.split_once('/').expect("two parts");
        let (shape, values) = turned(shape, values);
        add(format!("mapping.{}.{end}", layer.replace("Dense", "dense")), shape, values);
    }
    for (name, (shape, values)) in &synthesis {
        let parts: Vec<&str> = name.split('/').collect();
        let block = |side: &str| -> usize {
            let side: usize = side.split_once('x').expect("a size").0.parse().expect("a number");
            side.ilog2() as usize - 2
        };
        let own = match parts.as_slice() {
            ["lod"] => "synthesis.lod".to_owned(),
            [noise] => format!("synthesis.layer{}.apply_noise.noise", &noise[5..]),
            [colours, end] => {
                let level: usize = colours["ToRGB_lod".len()..].parse().expect("a number");
                format!("synthesis.output{}.{end}", CHANNELS.len() - 1 - level)
            }
            [side, layer, rest @ ..] => {
                let second = usize::from(["Conv", "Conv1"].contains(layer));
                let end = rest.join(".").replace("StyleMod", "style").replace("Noise", "apply_noise");
                format!("synthesis.layer{}.{end}", 2 * block(side) + second)
            }
            [] => unreachable!("names have parts"),
        };
        let (shape, values) = turned(shape, values);
        add(own, shape, values);
    }
    for (index, channels) in CHANNELS.into_iter().enumerate().skip(1) {
        let kernel = [1f32, 2., 1., 2., 4., 2., 1., 2., 1.].map(|tap| tap / 16.);
        let name = format!("synthesis.layer{}.blur.kernel", 2 * index);
        add(name, vec![channels, 1, 3, 3], kernel.repeat(channels));
    }
    add("truncation.w_avg".to_owned(), vec![WIDTH], vec![0.5, -0.5, 1.5, 2.5]);
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view =
            TensorView::new(Dtype::F32, shape.clone(), bytes).expect("as many bytes as the shape says");
        (format!("generator_smooth.{name}"), view)
    });
    safetensors::serialize(views, None).expect("sound tensors")
}

/// A variable of TensorFlow in PyTorch's order of axes.
fn turned(shape: &[usize], values: &[f32]) -> (Vec<usize>, Vec<f32>) {
    match *shape {
        [i, o] => (
            vec![o, i],
            (0..o)
                .flat_map(|row| (0..i).map(move |column| (row, column)))
                .map(|(row, column)| values[column * o + row])
                .collect(),
        ),
        [h, w, i, o] if h == 3 || [h, w, o] == [1, 1, 3] => {
            let mut out = Vec::new();
            for output in 0..o {
                for input in 0..i {
                    out.extend((0..h * w).map(|at| values[(at * i + input) * o + output]));
                }
            }
            (vec![o, i, h, w], out)
        }
        _ => (shape.to_vec(), values.to_vec()),
    }
}

fn find<'n, 'a>(networks: &'n [Network<'a>], part: &str) -> &'n Network<'a> {
    networks.iter().find(|network| network.part == part).expect(part)
}

#[test]
fn both_programs_give_the_same_tensors() {
    let (one, other) = (tensorflow(&|pickle| pickle), genforce());
    let (one, other) = (open(&one).networks(), open(&other).networks());
    let told: Vec<_> = one.iter().map(|it| (it.part.as_str(), it.family, it.layout)).collect();
    assert_eq!(
        told[..2],
        [
            ("Gs", Family::StyleGan1Generator, Layout::TensorFlow),
            ("G", Family::StyleGan1Generator, Layout::TensorFlow),
        ]
    );
    assert_eq!(told.len(), 3);
    assert_eq!(one[2].family.name(), "a StyleGAN (v1) discriminator of NVIDIA for TensorFlow");
    let (one, other) = (find(&one, "Gs"), find(&other, "generator_smooth"));
    assert_eq!((other.family, other.layout), (Family::StyleGan1Generator, Layout::Genforce));
    assert_eq!(one.missing(), Vec::<String>::new());
    assert_eq!(one.tensors.len(), other.tensors.len());
    for (name, tensor) in &one.tensors {
        assert!(other.tensors[name] == *tensor, "{name}: {:?}, {tensor:?}", other.tensors[name]);
    }
    for network in [one, other] {
        let sizes = ["img_resolution", "img_channels", "z_dim", "w_dim", "num_ws", "c_dim"];
        let sizes = sizes.map(|key| network.setting(key).and_then(serde_json::Value::as_u64).expect(key));
        assert_eq!(sizes, [128, 3, 4, 4, 12, 0]);
        assert_eq!(network.setting("norm_epsilon"), Some(&serde_json::json!(1e-8)));
        let error = export(network, Layout::Rosinality).expect_err("a refusal").to_string();
        assert!(error.contains("behind a blur"), "{error}");
    }
}

/// Each kind of tensor by its formula, from the variable's numbers.
#[test]
fn numbers_are_those_of_the_variables() {
    let file =
        tensorflow(&|pickle| pickle.text("mapping_lrmul").raw(b"G").raw(&0.5f64.to_be_bytes()).raw(b"s"));
    let networks = open(&file).networks();
    let tensors = &find(&networks, "Gs").tensors;
    let (mapping, synthesis) = variables();
    let same = |name: &str, (shape, values): (Vec<usize>, Vec<f32>), factor: f64| {
        assert_eq!(tensors[name].shape(), shape, "{name}");
        let expected: Vec<f32> = values.iter().map(|value| (f64::from(*value) * factor) as f32).collect();
        assert_eq!(tensors[name].to_f32(), expected, "{name}");
    };
    let turned_of = |of: &Variables, name: &str| {
        let (shape, values) = &of[name];
        turned(shape, values)
    };
    same("style.3.linear.weight_orig", turned_of(&mapping, "Dense1/weight"), 0.5);
    same("style.1.linear.bias", mapping["Dense0/bias"].clone(), 0.5);
    same("latent_avg", (vec![WIDTH], vec![0.5, -0.5, 1.5, 2.5]), 1.0);
    same("generator.progression.0.conv1.input", synthesis["4x4/Const/const"].clone(), 1.0);
    same("generator.progression.0.bias1", synthesis["4x4/Const/bias"].clone(), 1.0);
    same("generator.progression.0.conv2.conv.weight_orig", turned_of(&synthesis, "4x4/Conv/weight"), 1.0);
    same(
        "generator.progression.2.conv1.1.conv.weight_orig",
        turned_of(&synthesis, "16x16/Conv0_up/weight"),
        1.0,
    );
    same("generator.progression.2.bias1", synthesis["16x16/Conv0_up/bias"].clone(), 1.0);
    same("noises.noise_5", synthesis["noise5"].clone(), 1.0);
    let root = std::f64::consts::FRAC_1_SQRT_2;
    same("generator.to_rgb.1.conv.weight_orig", turned_of(&synthesis, "ToRGB_lod4/weight"), root);
    same("generator.to_rgb.5.conv.bias", synthesis["ToRGB_lod0/bias"].clone(), 1.0);
    let styles = "generator.progression.1.adain2.style.linear";
    same(&format!("{styles}.weight_orig"), turned_of(&synthesis, "8x8/Conv1/StyleMod/weight"), root);
    let (shape, mut biases) = synthesis["8x8/Conv1/StyleMod/bias"].clone();
    biases[..3].iter_mut().for_each(|scale| *scale += 1.0);
    same(&format!("{styles}.bias"), (shape, biases), 1.0);
    let (_, strengths) = synthesis["8x8/Conv1/Noise/weight"].clone();
    same("generator.progression.1.noise2.weight_orig", (vec![1, 3, 1, 1], strengths), 1.5f64.sqrt());
    // Fused: the inputs come first.
    let (_, kernel) = &synthesis["128x128/Conv0_up/weight"];
    let mut fused = Vec::new();
    for input in 0..2 {
        for output in 0..2 {
            fused.extend((0..9).map(|at| kernel[(at * 2 + input) * 2 + output]));
        }
    }
    same("generator.progression.5.conv1.0.weight", (vec![2, 2, 3, 3], fused), 4.0);
    let blur = [1f32, 2., 1., 2., 4., 2., 1., 2., 1.].map(|tap| tap / 16.).repeat(2);
    same("generator.progression.5.conv1.1.weight", (vec![2, 1, 3, 3], blur.clone()), 1.0);
    same("generator.progression.4.conv1.2.weight", (vec![2, 1, 3, 3], blur), 1.0);
}

#[test]
fn arguments_say_how_blocks_enlarge_and_blur() {
    let is = |told: &dyn Fn(Pickle) -> Pickle, names: [&str; 2], kernel: [f32; 9]| {
        let file = tensorflow(told);
        let networks = open(&file).networks();
        let network = find(&networks, "Gs");
        assert_eq!(network.missing(), Vec::<String>::new());
        let [weight, blur] = names.map(|name| format!("generator.progression.1.{name}"));
        assert!(network.tensors.contains_key(&weight), "{weight}");
        assert_eq!(network.tensors[&blur].to_f32(), kernel.repeat(3));
    };
    let unit = [0., 0., 0., 0., 1., 0., 0., 0., 0.];
    is(
        &|pickle| pickle.text("fused_scale").raw(b"\x88s").text("blur_filter").raw(b"Ns"),
        ["conv1.0.weight", "conv1.1.weight"],
        unit,
    );
    let taps = |pickle: Pickle| pickle.text("blur_filter").raw(b"](K\x01K\x02K\x05es");
    let kernel = [1f32, 2., 5., 2., 4., 10., 5., 10., 25.].map(|tap| tap / 64.);
    is(
        &|pickle| taps(pickle.text("fused_scale").raw(b"\x89s")),
        ["conv1.1.conv.weight_orig", "conv1.2.weight"],
        kernel,
    );
    // What is not run is not guessed at.
    for told in [
        &(|pickle: Pickle| pickle.text("use_pixel_norm").raw(b"\x88s")) as &dyn Fn(Pickle) -> Pickle,
        &|pickle: Pickle| pickle.text("nonlinearity").text("relu").raw(b"s"),
        &|pickle: Pickle| pickle.text("blur_filter").raw(b"](K\x01K\x03K\x03K\x01es"),
    ] {
        let file = tensorflow(told);
        let error = open(&file).network(&[Family::StyleGan1Generator]).expect_err("a refusal").to_string();
        assert!(
            error.starts_with("this is a StyleGAN (v1) generator with other layers than the published"),
            "{error}"
        );
    }
}

#[test]
fn an_import_is_the_same_network() {
    let file = tensorflow(&|pickle| pickle);
    let networks = open(&file).networks();
    let network = find(&networks, "Gs");
    let metadata = [("dreamwire".to_owned(), network.metadata())].into();
    let saved = safetensors::serialize(&network.tensors, Some(metadata)).expect("sound tensors");
    let again = open(&saved).networks().swap_remove(0);
    assert_eq!((again.family, again.layout), (Family::StyleGan1Generator, Layout::Own));
    assert_eq!(again.tensors.len(), network.tensors.len());
    for (name, tensor) in &network.tensors {
        assert!(again.tensors[name] == *tensor, "{name}");
    }
    let epsilon = again.setting("norm_epsilon").and_then(serde_json::Value::as_f64).expect("a number");
    assert!((epsilon - 1e-8).abs() < 1e-20, "{epsilon}");
}

/// A missing variable is told by the name of the tensor that it would be.
#[test]
fn what_a_file_lacks_is_missed() {
    let file = genforce();
    let archive = open(&file);
    for (gone, expected) in [
        ("synthesis.layer4.bias", "generator.progression.2.bias1"),
        ("synthesis.layer3.apply_noise.noise", "noises.noise_3"),
        ("synthesis.layer1.style.bias", "generator.progression.0.adain2.style.linear.bias"),
    ] {
        let mut less = archive.clone();
        assert!(less.tensors.shift_remove(&format!("generator_smooth.{gone}")).is_some());
        let networks = less.networks();
        assert_eq!(networks[0].missing(), [expected]);
    }
}

#[test]
fn a_changed_byte_does_not_match_its_checksum() {
    let data = f32s(&[1.0, 2.0, 3.0, 4.0]);
    let entry = assembler::npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }\n", &data);
    for compress in [false, true] {
        let mut file = assembler::zip(&[("w.npy", &entry), ("z.npy", &entry)], compress);
        let found = checksums(&file, &Limits::default()).expect("sound");
        assert_eq!((found.sound, found.without, found.wrong.len()), (2, 0, 0));
        if compress {
            continue;
        }
        let at = file.windows(4).position(|four| four == 4f32.to_le_bytes()).expect("the last number");
        file[at] ^= 1;
        assert!(read(&file, &Limits::default()).is_ok(), "data that is stored as it is is read as it is");
        let found = checksums(&file, &Limits::default()).expect("a zip file");
        assert_eq!((found.sound, found.without, &found.wrong[..]), (1, 0, &["w.npy".to_owned()][..]));
        // Both places of the first entry's checksum: before its data, and in the directory.
        let crc = file[14..18].to_vec();
        for at in 0..file.len() - 4 {
            if file[at..at + 4] == crc {
                file[at..at + 4].fill(0);
            }
        }
        let found = checksums(&file, &Limits::default()).expect("a zip file");
        assert_eq!(found.wrong.len() + found.without, 2 - found.sound);
        assert!(found.without > 0 && found.wrong.is_empty(), "{found:?}");
    }
    let other = checksums(&entry, &Limits::default()).expect("no zip file");
    assert_eq!(other, Default::default());
}
