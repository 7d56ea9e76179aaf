//! Networks that users have and Dreamwire does not run, by the names that tell them.

use super::family::{Family, Unsupported};
use super::layout::Layout;
use super::telling::Telling;

const fn named(name: &'static str) -> Unsupported {
    Unsupported { name, why: "" }
}

static LUCIDRAINS: Unsupported = Unsupported {
    name: "a GAN of lucidrains' stylegan2-pytorch",
    why: "its layers are not StyleGAN2's: pictures are enlarged bilinearly before each convolution, weights are not \
          scaled, and noise has a strength and an offset per channel",
};
static JOINED_LABELS: Unsupported = Unsupported {
    name: "a class-conditional StyleGAN or StyleGAN2 of before 2020's \"ada\"",
    why: "it joins labels to z by a matrix, and has a logit per class",
};
static SWAGAN: Unsupported = Unsupported { name: "a SWAGAN", why: "it paints wavelets" };
static BASICSR: Unsupported = Unsupported {
    name: "a StyleGAN2 of BasicSR or GFPGAN",
    why: "its layers are named and scaled otherwise",
};
pub(super) static STYLEGAN_XL: Unsupported =
    Unsupported { name: "a StyleGAN-XL generator", why: "its classes are embedded by another network" };
static EG3D: Unsupported = Unsupported { name: "an EG3D generator", why: "it paints volumes" };
static STYLEGAN1_JUDGE: Unsupported = named("a StyleGAN (v1) discriminator of NVIDIA for TensorFlow");
pub(super) static STYLEGAN1_VARIANT: Unsupported = Unsupported {
    name: "a StyleGAN (v1) generator with other layers than the published ones",
    why: "it was built with an activation, a norm or a filter that is not run",
};
static PROGAN_TF: Unsupported = named("a Progressive GAN");
static BIGGAN: Unsupported = named("a BigGAN");
static STABLE_DIFFUSION: Unsupported = named("a Stable Diffusion checkpoint");
static DIFFUSION_UNET: Unsupported = named("a UNet of a diffusion model");
static DIFFUSION_TRANSFORMER: Unsupported = named("a diffusion transformer");
static VAE: Unsupported = named("a VAE of a diffusion model");
static CONTROLNET: Unsupported = named("a ControlNet");
static LORA: Unsupported = named("a LoRA");
static CLIP: Unsupported = named("a CLIP");
static ESRGAN: Unsupported = named("an ESRGAN upscaler");
static RESNET: Unsupported = named("a ResNet");
static ALEXNET: Unsupported = named("an AlexNet");
static SQUEEZENET_1_0: Unsupported =
    Unsupported { name: "a SqueezeNet 1.0", why: "only version 1.1 is supported" };
static DENSENET: Unsupported = named("a DenseNet");
static MOBILENET: Unsupported = named("a MobileNet, EfficientNet or ConvNeXt");
static VISION_TRANSFORMER: Unsupported = named("a vision transformer");
static LANGUAGE_MODEL: Unsupported = named("a language model");

const fn is(network: &'static Unsupported, anchor: &'static str) -> Telling {
    Telling::unsupported(Family::Unsupported(network), anchor)
}

/// Of several that a file has, the first is the one it is called by.
#[rustfmt::skip]
pub(super) static TELLINGS: [Telling; 51] = [
    is(&LUCIDRAINS, "G.initial_conv.weight").by(Layout::Lucidrains),
    is(&LUCIDRAINS, "G.blocks.0.to_style1.weight").by(Layout::Lucidrains),
    is(&LUCIDRAINS, "GE.blocks.0.to_style1.weight").by(Layout::Lucidrains),
    is(&JOINED_LABELS, "LabelConcat/weight").by(Layout::TensorFlow),
    is(&JOINED_LABELS, "mapping.label_weight").by(Layout::Genforce),
    is(&SWAGAN, "to_rgbs.0.iwt.ll").by(Layout::Rosinality),
    is(&BASICSR, "style_conv1.modulated_conv.weight"),
    is(&STYLEGAN_XL, "mapping.embed_proj.weight").by(Layout::Nvidia),
    is(&EG3D, "backbone.synthesis.b4.const").by(Layout::Nvidia),
    is(&STYLEGAN1_JUDGE, "4x4/Dense1/weight").by(Layout::TensorFlow),
    is(&PROGAN_TF, "4x4/Dense/weight").by(Layout::TensorFlow),
    is(&BIGGAN, "generator.gen_z.weight_orig"),
    is(&BIGGAN, "generator.gen_z.weight"),
    is(&BIGGAN, "blocks.0.0.bn1.gain.weight"),
    is(&STABLE_DIFFUSION, "model.diffusion_model.input_blocks.0.0.weight"),
    is(&LORA, "lora_down.weight").whole(),
    is(&LORA, "lora.down.weight").whole(),
    is(&LORA, "lora_A.weight").whole(),
    is(&LORA, "lora_A.default.weight").whole(),
    is(&CONTROLNET, "input_hint_block.0.weight"),
    is(&CONTROLNET, "controlnet_cond_embedding.conv_in.weight"),
    is(&DIFFUSION_UNET, "time_embedding.linear_1.weight"),
    is(&DIFFUSION_UNET, "time_embed.0.weight"),
    is(&DIFFUSION_TRANSFORMER, "double_blocks.0.img_attn.qkv.weight"),
    is(&DIFFUSION_TRANSFORMER, "joint_blocks.0.x_block.attn.qkv.weight"),
    is(&DIFFUSION_TRANSFORMER, "transformer_blocks.0.attn.to_q.weight"),
    is(&VAE, "decoder.mid.block_1.norm1.weight"),
    is(&VAE, "decoder.mid_block.resnets.0.norm1.weight"),
    is(&CLIP, "visual.transformer.resblocks.0.attn.in_proj_weight"),
    is(&CLIP, "visual.layer1.0.conv1.weight"),
    is(&CLIP, "vision_model.embeddings.class_embedding"),
    is(&CLIP, "text_model.embeddings.token_embedding.weight"),
    is(&ESRGAN, "RRDB_trunk.0.RDB1.conv1.weight"),
    is(&ESRGAN, "body.0.rdb1.conv1.weight"),
    is(&ESRGAN, "model.1.sub.0.RDB1.conv1.0.weight"),
    is(&ESRGAN, "RRDB_trunk.0.RDB1.conv1.0.weight"),
    is(&RESNET, "layer1.0.conv1.weight"),
    is(&RESNET, "resnet.encoder.stages.0.layers.0.layer.0.convolution.weight"),
    is(&ALEXNET, "features.0.weight").shaped(&[64, 3, 11, 11]),
    is(&ALEXNET, "features.0.weight").shaped(&[96, 3, 11, 11]),
    is(&SQUEEZENET_1_0, "features.5.squeeze.weight"),
    is(&DENSENET, "features.conv0.weight"),
    is(&DENSENET, "features.denseblock1.denselayer1.conv1.weight"),
    is(&MOBILENET, "features.0.0.weight"),
    is(&MOBILENET, "conv_stem.weight"),
    is(&VISION_TRANSFORMER, "patch_embed.proj.weight"),
    is(&VISION_TRANSFORMER, "encoder.layers.encoder_layer_0.self_attention.in_proj_weight"),
    is(&LANGUAGE_MODEL, "embed_tokens.weight"),
    is(&LANGUAGE_MODEL, "wte.weight"),
    is(&LANGUAGE_MODEL, "tok_embeddings.weight"),
    is(&LANGUAGE_MODEL, "embeddings.word_embeddings.weight"),
];
