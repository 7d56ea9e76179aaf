//! Which networks a file holds, told by a few names, and what is said about a file of another network.

mod assembler;
mod named;

use assembler::{f32s, npy, zip};
use dreamwire_formats::{Error, Family, Layout, Network};
use named::{file, open};
use serde_json::json;

type Names<'n> = &'n [(&'n str, &'n [usize])];

const RGB: &[usize] = &[64, 3, 3, 3];
const ANY: &[usize] = &[1];

fn networks_of<R>(names: Names<'_>, look: impl FnOnce(&[Network<'_>]) -> R) -> R {
    let bytes = file(names, None);
    look(&open(&bytes).networks())
}

#[test]
fn classifiers_and_the_like_are_told_by_their_names() {
    let cases: &[(Names<'_>, Family, Layout)] = &[
        (&[("features.0.weight", RGB), ("features.2.weight", ANY)], Family::Vgg, Layout::Torchvision),
        (
            &[
                ("inception3a.branch1.conv.weight", ANY),
                ("conv1.conv.weight", ANY),
                ("aux1.conv.conv.weight", ANY),
            ],
            Family::GoogLeNet,
            Layout::Torchvision,
        ),
        (
            &[("Mixed_5b.branch1x1.conv.weight", ANY), ("Conv2d_1a_3x3.conv.weight", ANY)],
            Family::InceptionV3,
            Layout::Torchvision,
        ),
        (
            &[("inception_3a_1x1.weight", ANY), ("inception_3a_3x3.weight", ANY)],
            Family::BvlcGoogLeNet,
            Layout::Converted,
        ),
        (&[("mixed3a_1x1_pre_relu_conv.weight", ANY)], Family::Inception5h, Layout::Converted),
        (
            &[
                ("features.0.weight", RGB),
                ("features.3.squeeze.weight", ANY),
                ("features.6.squeeze.weight", ANY),
            ],
            Family::SqueezeNet,
            Layout::Torchvision,
        ),
        (&[("0.weight", &[3, 3, 1, 1]), ("2.weight", RGB)], Family::AdainEncoder, Layout::PytorchAdain),
        (
            &[("1.weight", &[256, 512, 3, 3]), ("28.weight", &[3, 64, 3, 3])],
            Family::AdainDecoder,
            Layout::PytorchAdain,
        ),
        (&[("0.weight", &[128, 256, 3, 3]), ("4.weight", &[3, 64, 3, 3])], Family::AdainDecoder, Layout::Own),
        (&[("lin0.model.1.weight", ANY), ("lin4.model.1.weight", ANY)], Family::Lpips, Layout::Lpips),
        (
            &[("act_comp", ANY), ("act_stdev", ANY), ("lat_comp", ANY), ("lat_stdev", ANY)],
            Family::LatentDirections,
            Layout::Ganspace,
        ),
        (&[("w", &[1, 14, 512])], Family::Latents, Layout::Other),
        (&[("z", &[3, 512])], Family::Latents, Layout::Other),
        (&[("smile", &[512])], Family::Array, Layout::Other),
    ];
    for (names, family, layout) in cases {
        for prefix in ["", "state_dict.", "model.module."] {
            // Arrays are told by their whole names.
            if !prefix.is_empty() && matches!(family, Family::Latents | Family::Array) {
                continue;
            }
            let owned: Vec<String> = names.iter().map(|(name, _)| format!("{prefix}{name}")).collect();
            let named: Vec<_> =
                owned.iter().map(String::as_str).zip(names.iter().map(|(_, shape)| *shape)).collect();
            networks_of(&named, |networks| {
                let found: Vec<_> =
                    networks.iter().map(|it| (it.part.as_str(), it.family, it.layout)).collect();
                assert_eq!(found, [(prefix.trim_end_matches('.'), *family, *layout)]);
                let own: Vec<_> = names.iter().map(|(name, _)| *name).collect();
                assert!(networks[0].tensors.keys().all(|name| own.contains(&name.as_str())), "{networks:?}");
                assert_eq!(networks[0].tensors.len(), own.len());
            });
        }
    }
}

#[test]
fn files_of_numpy_are_latents_and_directions() {
    let array = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }", &f32s(&[0.; 6]));
    let projected = zip(&[("w.npy", &array)], false);
    let network = &open(&projected).networks()[0];
    assert_eq!((network.family, network.layout), (Family::Latents, Layout::Nvidia));
    assert_eq!(network.tensors["w"].shape(), [1, 2, 3]);
    let archive = open(&array);
    assert_eq!(archive.networks()[0].family, Family::Array);
    let error = archive.network(&[Family::Vgg]).expect_err("a refusal").to_string();
    assert_eq!(
        error,
        "this is an array of numbers: LoadLatent's `file` or LatentDirection's `weights` takes it; needed is a VGG"
    );
}

/// The numbers of the convolutions of torchvision's networks, and of their norms.
#[test]
fn variants_of_vgg_are_told_by_their_numbers() {
    let variant = |convolutions: &[usize], norms: &[usize]| {
        let names = convolutions.iter().map(|number| format!("features.{number}.weight"));
        let norms = norms
            .iter()
            .flat_map(|number| ["weight", "running_mean"].map(|end| format!("features.{number}.{end}")));
        let names: Vec<String> = names.chain(norms).collect();
        let named: Vec<(&str, &[usize])> = names.iter().map(|name| (name.as_str(), RGB)).collect();
        networks_of(&named, |networks| networks[0].settings.get("variant").cloned().unwrap_or_default())
    };
    assert_eq!(variant(&[0, 3, 6, 8, 11, 13, 16, 18], &[]), "vgg11");
    assert_eq!(variant(&[0, 2, 5, 7, 10, 12, 15, 17, 20, 22], &[]), "vgg13");
    assert_eq!(variant(&[0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28], &[]), "vgg16");
    assert_eq!(variant(&[0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34], &[]), "vgg19");
    let norms: Vec<usize> =
        [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40].iter().map(|it| it + 1).collect();
    assert_eq!(variant(&[0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40], &norms), "vgg16_bn");
    // As far as both go, a file may be either.
    assert_eq!(variant(&[0, 2, 5, 7], &[]), "vgg16");
    assert_eq!(variant(&[0, 2, 4, 6], &[]), json!(null));
}

#[test]
fn the_head_of_timm_is_mapped_back() {
    let names: Names<'_> = &[
        ("features.0.weight", RGB),
        ("features.2.weight", ANY),
        ("pre_logits.fc1.weight", &[4, 2, 3, 3]),
        ("pre_logits.fc1.bias", &[4]),
        ("pre_logits.fc2.weight", &[4, 4, 1, 1]),
        ("head.fc.weight", &[5, 4]),
        ("head.fc.bias", &[5]),
    ];
    networks_of(names, |networks| {
        let network = &networks[0];
        assert_eq!((network.family, network.layout), (Family::Vgg, Layout::Timm));
        let found: Vec<_> =
            network.tensors.iter().skip(2).map(|(name, it)| (name.as_str(), it.shape().to_vec())).collect();
        let expected = [
            ("classifier.0.weight", vec![4, 18]),
            ("classifier.0.bias", vec![4]),
            ("classifier.3.weight", vec![4, 4]),
            ("classifier.6.weight", vec![5, 4]),
            ("classifier.6.bias", vec![5]),
        ];
        let sorted = |mut all: Vec<(&'static str, Vec<usize>)>| {
            all.sort();
            all
        };
        let names = expected.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert!(found.iter().all(|(name, _)| names.contains(name)), "{found:?}");
        for (name, shape) in sorted(expected.to_vec()) {
            assert_eq!(network.tensors[name].shape(), shape, "{name}");
            let count = network.tensors[name].count();
            assert_eq!(network.tensors[name].to_f32(), (0..count).map(|it| it as f32).collect::<Vec<_>>());
        }
    });
}

#[test]
fn both_halves_of_adain_may_be_in_one_file() {
    let names: Names<'_> = &[
        ("encoder.0.weight", &[3, 3, 1, 1]),
        ("encoder.2.weight", ANY),
        ("decoder.1.weight", &[256, 512, 3, 3]),
        ("decoder.28.weight", ANY),
    ];
    networks_of(names, |networks| {
        let mut found: Vec<_> = networks.iter().map(|it| (it.family.name(), it.part.as_str())).collect();
        found.sort_unstable();
        assert_eq!(found, [("an AdaIN decoder", "decoder"), ("pytorch-AdaIN's encoder", "encoder")]);
        assert!(networks.iter().all(|network| network.tensors.len() == 2));
    });
}

#[test]
fn metadata_of_our_decoders_is_their_settings() {
    let names: Names<'_> = &[("0.weight", &[128, 256, 3, 3]), ("4.weight", ANY)];
    let text = r#"{"architecture": "adain-decoder", "layer": "relu3_1"}"#;
    let bytes = file(names, Some([("dreamwire".to_owned(), text.to_owned())].into()));
    let network = &open(&bytes).networks()[0];
    assert_eq!(network.setting("layer"), Some(&json!("relu3_1")));
    for text in ["[]", "{", "\"x\"", "null"] {
        let bytes = file(names, Some([("dreamwire".to_owned(), text.to_owned())].into()));
        assert!(open(&bytes).networks()[0].settings.is_empty(), "{text}");
    }
}

/// What is said about a file of these names, if StyleGAN2 is needed.
fn refusal(names: &[&str]) -> String {
    let names: Vec<(&str, &[usize])> = names.iter().map(|name| (*name, ANY)).collect();
    let bytes = file(&names, None);
    let archive = open(&bytes);
    let error = archive.network(&[Family::StyleGan2Generator]).expect_err("a refusal");
    assert!(matches!(error, Error::OtherNetwork { .. }));
    let text = error.to_string();
    let start = text.strip_suffix("; needed is a StyleGAN2 generator").unwrap_or_else(|| panic!("{text}"));
    start.strip_prefix("this is ").unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn a_refusal_says_what_the_file_is_good_for() {
    let stylegan3 = ["G_ema.synthesis.input.freqs", "G_ema.synthesis.input.weight"];
    assert_eq!(refusal(&stylegan3), "a StyleGAN3 generator: LoadStyleGAN's `weights` takes it");
    assert_eq!(
        refusal(&["D.b4.out.weight", "D.b4.conv.weight"]),
        "a StyleGAN2 discriminator: LoadDiscriminator's `weights` takes it"
    );
    assert_eq!(
        refusal(&["linear.linear.weight_orig", "progression.0.conv1.0.conv.weight_orig"]),
        "a StyleGAN (v1) discriminator, which no node takes"
    );
    let vgg: Names<'_> = &[("features.0.weight", RGB), ("features.2.weight", ANY)];
    let bytes = file(vgg, None);
    let wanted = [Family::StyleGan2Generator, Family::StyleGan3Generator, Family::StyleGan3Generator];
    let error = open(&bytes).network(&wanted).expect_err("a refusal").to_string();
    let expected = "this is a VGG: VGGFeatures' `weights` takes it; needed is a StyleGAN2 generator or a StyleGAN3 \
                    generator";
    assert_eq!(error, expected);
    let wanted = [wanted[0], wanted[1], Family::StyleGan1Generator];
    let error = open(&bytes).network(&wanted).expect_err("a refusal").to_string();
    let expected = "needed is a StyleGAN2 generator, a StyleGAN3 generator or a StyleGAN (v1) generator";
    assert!(error.ends_with(expected), "{error}");
    let found = open(&bytes).network(&[Family::Lpips, Family::Vgg]).expect("a VGG").family;
    assert_eq!(found, Family::Vgg);
    assert_eq!(
        refusal(&["a.weight", "b"]),
        "a safetensors file with 2 tensors of no network that is known (`a.weight`, `b`)"
    );
    let long = "a".repeat(100);
    assert_eq!(
        refusal(&[&long, "b\u{7}", "c", "d", "e"]),
        format!(
            "a safetensors file with 5 tensors of no network that is known (`{}...`, `b\\u{{7}}`, `c`, ...)",
            &long[..60]
        )
    );
}

#[test]
fn networks_that_are_known_by_name_only() {
    let cases: &[(&[&str], &str)] = &[
        (&["GAN.S.net.0.weight", "GAN.G.initial_conv.weight"], "a GAN of lucidrains' stylegan2-pytorch"),
        // Its first versions, and the average alone.
        (&["S.net.0.weight", "G.initial_block", "G.blocks.0.to_style1.weight"], "a GAN of lucidrains"),
        (&["GAN.SE.net.0.weight", "GAN.GE.blocks.0.to_style1.weight"], "a GAN of lucidrains"),
        (
            &["Gs.synthesis/4x4/Conv/mod_weight", "Gs.mapping/LabelConcat/weight"],
            "a class-conditional StyleGAN or StyleGAN2 of before",
        ),
        (
            &["Gs.synthesis/4x4/Const/StyleMod/weight", "Gs.mapping/LabelConcat/weight"],
            "a class-conditional StyleGAN or StyleGAN2 of before",
        ),
        (
            &["g.mapping.label_weight", "g.synthesis.early_layer.const", "g.synthesis.layer0.style.weight"],
            "a class-conditional StyleGAN or StyleGAN2 of before",
        ),
        (&["g_ema.to_rgbs.0.iwt.ll", "g_ema.conv1.conv.modulation.weight", "g_ema.input.input"], "a SWAGAN"),
        (&["params_ema.style_conv1.modulated_conv.weight"], "a StyleGAN2 of BasicSR or GFPGAN"),
        (
            &[
                "G_ema.mapping.embed_proj.weight",
                "G_ema.synthesis.input.freqs",
                "G_ema.synthesis.input.weight",
            ],
            "a StyleGAN-XL generator",
        ),
        (
            &["G_ema.backbone.synthesis.b4.const", "G_ema.backbone.synthesis.b4.conv1.weight"],
            "an EG3D generator",
        ),
        (&["D.4x4/Dense1/weight"], "a StyleGAN (v1) discriminator of NVIDIA for TensorFlow"),
        (&["Gs.4x4/Dense/weight"], "a Progressive GAN"),
        (&["generator.gen_z.weight_orig"], "a BigGAN"),
        (&["blocks.0.0.bn1.gain.weight"], "a BigGAN"),
        (
            &[
                "first_stage_model.decoder.mid.block_1.norm1.weight",
                "model.diffusion_model.input_blocks.0.0.weight",
            ],
            "a Stable Diffusion checkpoint",
        ),
        (&["lora_unet_down_blocks_0_to_q.lora_down.weight"], "a LoRA"),
        (&["unet.down_blocks.0.attn1.to_q.lora_A.weight"], "a LoRA"),
        (&["control_model.input_hint_block.0.weight"], "a ControlNet"),
        (&["time_embedding.linear_1.weight"], "a UNet of a diffusion model"),
        (&["double_blocks.0.img_attn.qkv.weight"], "a diffusion transformer"),
        (&["decoder.mid_block.resnets.0.norm1.weight"], "a VAE of a diffusion model"),
        (&["vision_model.embeddings.class_embedding"], "a CLIP"),
        (&["RRDB_trunk.0.RDB1.conv1.weight"], "an ESRGAN upscaler"),
        (&["layer1.0.conv1.weight"], "a ResNet"),
        (&["features.5.squeeze.weight"], "a SqueezeNet 1.0"),
        (&["features.denseblock1.denselayer1.conv1.weight"], "a DenseNet"),
        (&["features.0.0.weight"], "a MobileNet, EfficientNet or ConvNeXt"),
        (&["blocks.0.attn.qkv.weight", "patch_embed.proj.weight"], "a vision transformer"),
        (&["model.embed_tokens.weight"], "a language model"),
    ];
    for (names, expected) in cases {
        let found = refusal(names);
        let rest = found.strip_prefix(expected).unwrap_or_else(|| panic!("{found}, expected {expected}"));
        assert!(rest.contains("which is not supported"), "{found}");
    }
    networks_of(&[("features.0.weight", &[64, 3, 11, 11])], |networks| {
        assert_eq!(networks[0].family.name(), "an AlexNet");
        assert_eq!(networks[0].family.used_by(), None);
    });
    let why = refusal(&["GAN.G.initial_conv.weight"]);
    let expected = "a GAN of lucidrains' stylegan2-pytorch, which is not supported: its layers are not StyleGAN2's: \
                    pictures are enlarged bilinearly before each convolution, weights are not scaled, and noise has a \
                    strength and an offset per channel";
    assert_eq!(why, expected);
}

#[test]
fn a_network_beside_one_that_cannot_be_used_is_found() {
    let names: Names<'_> = &[
        ("feature_networks.layer1.0.conv1.weight", ANY),
        ("G_ema.synthesis.b4.const", ANY),
        ("G_ema.synthesis.b4.conv1.weight", ANY),
        ("G.synthesis.b4.const", ANY),
        ("G.synthesis.b4.conv1.weight", ANY),
    ];
    networks_of(names, |networks| {
        let parts: Vec<_> = networks.iter().map(|it| it.part.as_str()).collect();
        assert_eq!(parts, ["G_ema", "G", "feature_networks"]);
    });
}

/// `DREAMWIRE_REFERENCES=FOLDER cargo test -p dreamwire-formats --test recognition -- --ignored` looks at the names of
/// all tensors of the networks of torchvision and timm.
#[test]
#[ignore = "needs the large references"]
fn every_classifier_of_torchvision_and_timm() {
    let folder = std::env::var_os("DREAMWIRE_REFERENCES").expect("the folder of the references");
    let path = std::path::Path::new(&folder).join("tv/state_dict_names.json");
    let text = std::fs::read(path).expect("the file is there");
    let all: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&text).expect("a table");
    let mut seen = 0;
    for (network, table) in all.iter().filter(|(name, _)| name.contains('/')) {
        // Small, but for the shapes that tell.
        let shape = |name: &str, sizes: &serde_json::Value| {
            let sizes = sizes.as_array().expect("sizes").iter().filter_map(serde_json::Value::as_u64);
            let sizes: Vec<usize> = sizes.map(|size| usize::try_from(size).expect("a size")).collect();
            if name == "features.0.weight" { sizes } else { sizes.iter().map(|size| *size.min(&4)).collect() }
        };
        let tensors: Vec<(&String, Vec<usize>)> = table
            .as_object()
            .expect("a table")
            .iter()
            .map(|(name, sizes)| (name, shape(name, sizes)))
            .collect();
        let named: Vec<(&str, &[usize])> =
            tensors.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
        let (_, model) = network.split_once('/').expect("a program and a model");
        let model = model.split('.').next().unwrap_or_default();
        networks_of(&named, |networks| {
            assert_eq!(networks.len(), 1, "{network}");
            let found = &networks[0];
            let is_known = match model {
                "googlenet" => found.family == Family::GoogLeNet,
                "inception_v3" => found.family == Family::InceptionV3,
                "squeezenet1_1" => found.family == Family::SqueezeNet,
                "alexnet" => found.family.name() == "an AlexNet",
                "resnet50" => found.family.name() == "a ResNet",
                _ => found.family == Family::Vgg && found.setting("variant") == Some(&json!(model)),
            };
            assert!(is_known, "{network}: {:?} {:?}", found.family, found.settings);
            if found.family == Family::Vgg {
                let expected = all[&format!("torchvision/{model}")].as_object().expect("a table");
                assert!(found.tensors.keys().all(|name| expected.contains_key(name)), "{network}");
                assert_eq!(found.tensors.len(), expected.len(), "{network}");
                for (name, tensor) in &found.tensors {
                    let rank = expected[name].as_array().map(Vec::len);
                    assert_eq!(Some(tensor.shape().len()), rank, "{network}: {name}");
                }
            }
        });
        seen += 1;
    }
    assert!(seen > 15, "{seen} networks");
}
