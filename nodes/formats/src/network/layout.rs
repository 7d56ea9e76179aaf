//! The programs whose names networks have in files.

/// Whose names a network's tensors have in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// NVIDIA's stylegan2-ada-pytorch and stylegan3.
    Nvidia,
    /// NVIDIA's StyleGAN and StyleGAN2 for TensorFlow.
    TensorFlow,
    /// rosinality's stylegan2-pytorch and style-based-gan-pytorch.
    Rosinality,
    /// The decoder of encoder4editing and pixel2style2pixel, which has rosinality's names.
    EncoderForEditing,
    /// lucidrains' stylegan2-pytorch.
    Lucidrains,
    /// genforce and sefa.
    Genforce,
    /// torchvision.
    Torchvision,
    /// timm, where it differs from torchvision.
    Timm,
    /// naoto0804's pytorch-AdaIN.
    PytorchAdain,
    /// The published converters of Caffe's and TensorFlow's GoogLeNet.
    Converted,
    /// richzhang's PerceptualSimilarity.
    Lpips,
    /// GANSpace.
    Ganspace,
    /// Dreamwire.
    Own,
    /// Another program, or none in particular.
    Other,
}

impl Layout {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nvidia => "NVIDIA's PyTorch code",
            Self::TensorFlow => "NVIDIA's TensorFlow code",
            Self::Rosinality => "rosinality's code",
            Self::EncoderForEditing => "encoder4editing or pixel2style2pixel",
            Self::Lucidrains => "lucidrains' stylegan2-pytorch",
            Self::Genforce => "genforce",
            Self::Torchvision => "torchvision",
            Self::Timm => "timm",
            Self::PytorchAdain => "pytorch-AdaIN",
            Self::Converted => "a converter of Caffe or TensorFlow networks",
            Self::Lpips => "PerceptualSimilarity",
            Self::Ganspace => "GANSpace",
            Self::Own => "Dreamwire",
            Self::Other => "another program",
        }
    }
}
