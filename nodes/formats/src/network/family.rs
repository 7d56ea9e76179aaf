//! The architectures that are known, and which nodes take them.

/// An architecture. The tensors of a network of one family have the same names, whichever program wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// StyleGAN (v1): Karras et al., arXiv:1812.04948. Names of rosinality's style-based-gan-pytorch; those of NVIDIA's and
    /// genforce's programs have besides `latent_avg`, `noises.noise_0` and so on, and `generator.progression.0.bias1` and so
    /// on in the place of the biases before a blur.
    StyleGan1Generator,
    /// Its discriminator. Names of rosinality's style-based-gan-pytorch.
    StyleGan1Discriminator,
    /// StyleGAN2: Karras et al., arXiv:1912.04958. Names of NVIDIA's stylegan2-ada-pytorch.
    StyleGan2Generator,
    /// Its discriminator, also StyleGAN3's. Names of NVIDIA's stylegan2-ada-pytorch.
    StyleGan2Discriminator,
    /// StyleGAN3: Karras et al., arXiv:2106.12423. Names of NVIDIA's stylegan3.
    StyleGan3Generator,
    /// VGG of 11 to 19 layers: Simonyan and Zisserman, arXiv:1409.1556. Names of torchvision.
    Vgg,
    /// GoogLeNet with batch normalisation. Names of torchvision.
    GoogLeNet,
    /// GoogLeNet as Caffe's model zoo has it. Names of its published conversions.
    BvlcGoogLeNet,
    /// GoogLeNet as Google's DeepDream for TensorFlow has it. Names of its published conversions.
    Inception5h,
    /// Inception v3: Szegedy et al., arXiv:1512.00567. Names of torchvision.
    InceptionV3,
    /// SqueezeNet 1.1: Iandola et al., arXiv:1602.07360. Names of torchvision.
    SqueezeNet,
    /// The VGG19 whose features AdaIN's decoder was trained on. Names of pytorch-AdaIN.
    AdainEncoder,
    /// AdaIN's decoder: Huang and Belongie, arXiv:1703.06868. Names of pytorch-AdaIN, or of our own of `relu3_1`.
    AdainDecoder,
    /// The weights of LPIPS: Zhang et al., arXiv:1801.03924. Names of PerceptualSimilarity.
    Lpips,
    /// Principal components of GANSpace: Harkonen et al., arXiv:2004.02546.
    LatentDirections,
    /// Latents that a projector or SaveLatent wrote.
    Latents,
    /// One array without a name that says more.
    Array,
    /// A network that is known by name and cannot be used.
    Unsupported(&'static Unsupported),
}

/// A network that is known by name and cannot be used.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Unsupported {
    /// Its name in a sentence, with an article where it needs one.
    pub name: &'static str,
    /// Why not, as the end of a sentence; empty if there is no more to say.
    pub why: &'static str,
}

impl Family {
    /// Its name in a sentence, with an article where it needs one.
    pub fn name(self) -> &'static str {
        match self {
            Self::StyleGan1Generator => "a StyleGAN (v1) generator",
            Self::StyleGan1Discriminator => "a StyleGAN (v1) discriminator",
            Self::StyleGan2Generator => "a StyleGAN2 generator",
            Self::StyleGan2Discriminator => "a StyleGAN2 discriminator",
            Self::StyleGan3Generator => "a StyleGAN3 generator",
            Self::Vgg => "a VGG",
            Self::GoogLeNet => "a GoogLeNet",
            Self::BvlcGoogLeNet => "Caffe's GoogLeNet",
            Self::Inception5h => "TensorFlow's GoogLeNet (inception5h)",
            Self::InceptionV3 => "an Inception v3",
            Self::SqueezeNet => "a SqueezeNet 1.1",
            Self::AdainEncoder => "pytorch-AdaIN's encoder",
            Self::AdainDecoder => "an AdaIN decoder",
            Self::Lpips => "the weights of LPIPS",
            Self::LatentDirections => "directions of GANSpace",
            Self::Latents => "latents of a StyleGAN",
            Self::Array => "an array of numbers",
            Self::Unsupported(network) => network.name,
        }
    }

    /// The kinds and params that take it, in a sentence; nothing if none does.
    pub fn used_by(self) -> Option<&'static str> {
        match self {
            Self::StyleGan1Generator | Self::StyleGan2Generator | Self::StyleGan3Generator => {
                Some("LoadStyleGAN's `weights`")
            }
            Self::Vgg | Self::AdainEncoder => Some("VGGFeatures' `weights`"),
            Self::GoogLeNet => Some("InceptionFeatures' `weights`"),
            Self::SqueezeNet => Some("SqueezeNetFeatures' `weights`"),
            Self::AdainDecoder => Some("AdaIN's `decoder`"),
            Self::LatentDirections => Some("LatentDirection's `weights`"),
            Self::Latents => Some("LoadLatent's `file`"),
            Self::Array => Some("LoadLatent's `file` or LatentDirection's `weights`"),
            Self::StyleGan2Discriminator => Some("LoadDiscriminator's `weights`"),
            Self::StyleGan1Discriminator
            | Self::BvlcGoogLeNet
            | Self::Inception5h
            | Self::InceptionV3
            | Self::Lpips
            | Self::Unsupported(_) => None,
        }
    }

    /// The order in which the networks of a file are of interest: generators and classifiers, what judges or weights
    /// them, what cannot be used.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Unsupported(_) => 2,
            Self::StyleGan1Discriminator | Self::StyleGan2Discriminator | Self::Lpips => 1,
            _ => 0,
        }
    }
}
