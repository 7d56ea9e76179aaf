use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dreamwire_nets::vgg::{Variant, layer_names};

use crate::device::Place;

/// Measures whole networks on this machine.
#[derive(Debug, Parser)]
#[command(name = "dreamwire-bench", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) network: Network,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Network {
    /// VGG16 up to a layer.
    Vgg16(VggArgs),
    /// The first StyleGAN's synthesis: from w to a picture. There are no random ones, it needs --weights.
    Stylegan1(StyleGanArgs),
    /// StyleGAN2's synthesis, config-f: from w to a picture.
    Stylegan2(StyleGanArgs),
    /// StyleGAN3's synthesis, T or R: from w to a picture. The random one is a narrow R.
    Stylegan3(StyleGanArgs),
    /// A style transfer: two pictures through VGG16, AdaIN, and back through the decoder.
    Adain(AdainArgs),
    /// A dream from end to end: runs `dreamwire`, which must be next to this program.
    Dream(DreamArgs),
}

/// What every network takes.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// Height and width of the pictures in pixels.
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=16384))]
    size: u32,
    /// The number of threads [default: one per core].
    #[arg(long, value_name = "T")]
    threads: Option<NonZeroUsize>,
    /// Where to compute: cpu, cuda, cuda:N or metal. The last three need a build with the feature of that name.
    #[arg(long, value_name = "D", default_value = "cpu")]
    pub(crate) device: Place,
    /// The number of measured runs.
    #[arg(long, value_name = "R", default_value = "5")]
    pub(crate) repeat: NonZeroUsize,
    /// The number of warm-up runs before them.
    #[arg(long, value_name = "W", default_value_t = 1)]
    pub(crate) warmup: usize,
    /// Multiplications and additions of f32 that these threads can do together, in GFLOP/s: adds the percentage of
    /// the bound of Winograd's F(4x4, 3x3).
    #[arg(long, value_name = "GFLOPS", value_parser = gflops)]
    pub(crate) peak: Option<f64>,
    /// Write JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Safetensors files instead of random numbers.
#[derive(Args, Debug)]
pub(crate) struct Files {
    /// Weights [default: random, always the same].
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Inputs: `x` `[1,3,N,N]` for vgg16, `w` `[1,L,512]` for the StyleGANs and for the first one also the
    /// noise `noise_0` `[1,1,4,4]`, `noise_1` `[1,1,8,8]` and so on, `content` and `style` `[1,N,N,3]` for
    /// adain [default: random, always the same].
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Where the last output (with --backward, the last gradient) is written, as the tensor `result`.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct VggArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) files: Files,
    /// The layer to compute.
    #[arg(long, default_value = "relu5_3", value_parser = layer)]
    pub(crate) layer: String,
    /// Also compute the gradient of the output's mean square by the input.
    #[arg(long)]
    pub(crate) backward: bool,
    /// Whose convolutions to run.
    #[arg(long, value_enum, default_value_t = Engine::Kernels)]
    pub(crate) engine: Engine,
    /// Measure every convolution with its ReLU alone, forward and backward.
    #[arg(long, conflicts_with_all = ["weights", "input", "output", "engine", "device"])]
    pub(crate) layers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Dreamwire's own.
    Kernels,
    /// candle's, as they are.
    Candle,
}

#[derive(Args, Debug)]
pub(crate) struct StyleGanArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) files: Files,
    /// Also compute the gradient of the picture's mean square by w.
    #[arg(long)]
    pub(crate) backward: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AdainArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) files: Files,
}

#[derive(Args, Debug)]
pub(crate) struct DreamArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The layer whose mean square is maximised.
    #[arg(long, default_value = "relu4_3", value_parser = layer)]
    pub(crate) layer: String,
    /// How many steps.
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10000))]
    pub(crate) steps: u32,
}

impl Common {
    /// Height and width in pixels.
    pub(crate) fn size(&self) -> usize {
        self.size as usize
    }

    pub(crate) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.threads.map_or_else(cores, NonZeroUsize::get)
    }
}

/// One of VGG16's.
fn layer(text: &str) -> Result<String, String> {
    let names = layer_names(Variant::Vgg16);
    if names.iter().any(|name| name == text) {
        Ok(text.to_owned())
    } else {
        Err(format!("there is no such layer; the layers are {}", names.join(" ")))
    }
}

fn gflops(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_are_read() {
        let words = "dreamwire-bench vgg16 --size 224 --threads 3 --backward --layer relu4_3 --peak 230.6";
        let Network::Vgg16(args) = Cli::parse_from(words.split(' ')).network else { panic!("not vgg16") };
        assert_eq!((args.common.size(), args.common.threads(), args.common.warmup), (224, 3, 1));
        assert_eq!((args.layer.as_str(), args.backward, args.engine), ("relu4_3", true, Engine::Kernels));
        assert_eq!((args.common.peak, args.common.device), (Some(230.6), Place::Cpu));
        assert!(layer("relu6_1").is_err() && gflops("0").is_err() && gflops("nan").is_err());
    }
}
