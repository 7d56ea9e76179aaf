//! The networks that a file holds, whichever program wrote it, by the names that Dreamwire's nodes use.
//!
//! A network is recognised by the names of a few of its tensors, never by the name of its file (`telling`). Its other
//! tensors are those whose names start as those do. Layouts that differ from the names that are used here are tables of
//! pairs (`pairs`), most of which only rename; a tensor that must change is a view of the file where strides allow it
//! (`change`).

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use crate::archive::Archive;
use crate::error::Error;
use crate::tensor::Tensor;

mod change;
mod classifier;
mod complete;
mod export;
mod family;
mod filters;
mod genforce;
mod latents;
mod layout;
mod pairs;
mod refusal;
mod rosinality;
mod settings;
mod stylegan1;
mod telling;
mod tensorflow;
mod unsupported;

pub use export::export;
pub use family::{Family, Unsupported};
pub use layout::Layout;

use pairs::Named;
use settings::Settings;
use telling::Candidate;

/// A network of a file.
#[derive(Clone, Debug)]
pub struct Network<'a> {
    /// Its architecture.
    pub family: Family,
    /// What the names of its tensors start with in the file, without the dot behind it: `G_ema`, `g_ema`, `D`,
    /// `state_dict.decoder`; empty if the names are its own.
    pub part: String,
    /// The program whose names the file has.
    pub layout: Layout,
    /// Its tensors by the names that Dreamwire uses, which [`Family`] says. What is not known of keeps its name. None of
    /// [`Family::Unsupported`].
    pub tensors: IndexMap<String, Tensor<'a>>,
    /// What it was built with, by the names of NVIDIA's arguments: for StyleGAN2 and 3 `z_dim`, `c_dim`, `w_dim`,
    /// `img_resolution`, `img_channels`, `mapping_kwargs`, and for generators `synthesis_kwargs` with `architecture`,
    /// `use_noise`, `conv_clamp` (null for none; absent if not known) and the like; for generators also `num_ws`, the layers
    /// of w; for a StyleGAN (v1) the sizes, of the largest block that was trained; for a VGG its `variant`; for other
    /// families what the file says. Sizes are those of the tensors.
    pub settings: Settings,
}

/// Parts that are an average over the training, which paints better than its last state.
const AVERAGES: [&str; 9] = [
    "G_ema",
    "g_ema",
    "Gs",
    "generator_smooth",
    "g_running",
    "params_ema",
    "model_ema",
    "state_dict_ema",
    "ema",
];

/// Networks that a tensor may belong to, on average.
const MOST_OWNERS: usize = 4;

impl Network<'_> {
    /// Whether it is an average over a training, by the name of its part.
    pub fn is_average(&self) -> bool {
        is_average(&self.part)
    }

    /// A setting, wherever it is: its own, of its synthesis, or of its epilogue.
    pub fn setting(&self, key: &str) -> Option<&Json> {
        let groups = ["synthesis_kwargs", "epilogue_kwargs"];
        let below = || groups.iter().find_map(|group| self.settings.get(*group)?.get(key));
        self.settings.get(key).or_else(below)
    }

    /// The tensors that it must have and lacks, by name. Of families whose networks have many forms none is known.
    pub fn missing(&self) -> Vec<String> {
        complete::missing(self)
    }

    /// What a safetensors file of [`Network::tensors`] must have in its metadata, under the key `dreamwire`, so that
    /// the settings which tensors do not show are known again.
    pub fn metadata(&self) -> String {
        json!({ "settings": self.settings }).to_string()
    }
}

impl<'a> Archive<'a> {
    /// The networks in the file, best first: averages over a training, other generators and classifiers,
    /// discriminators, and what is known by name only. The first 64 of a file are looked at.
    pub fn networks(&self) -> Vec<Network<'a>> {
        let mut candidates = telling::candidates(self);
        for candidate in &mut candidates {
            let class = settings::class_name(self, part(candidate.prefix));
            if class == Some("SuperresGenerator") {
                candidate.family = Family::Unsupported(&unsupported::STYLEGAN_XL);
            }
            let is_first = candidate.family == Family::StyleGan1Generator;
            if is_first && settings::stylegan1(self, part(candidate.prefix)).is_none() {
                candidate.family = Family::Unsupported(&unsupported::STYLEGAN1_VARIANT);
            }
        }
        candidates.sort_by_key(|candidate| {
            let rank = candidate.family.rank();
            (rank, !is_average(part(candidate.prefix)), if rank == 2 { candidate.place } else { 0 })
        });
        let mut networks = Vec::new();
        // In an honest file a tensor belongs to one network.
        let mut left = self.tensors.len().saturating_mul(MOST_OWNERS);
        for candidate in &candidates {
            let network = self.build(candidate);
            let Some(rest) = left.checked_sub(network.tensors.len()) else { break };
            left = rest;
            networks.push(network);
        }
        if networks.is_empty() { latents::array(self).into_iter().collect() } else { networks }
    }

    /// The best network of one of the families `wanted`.
    ///
    /// # Errors
    ///
    /// If there is none: what the file is, what it is good for, and what is needed.
    pub fn network(&self, wanted: &[Family]) -> Result<Network<'a>, Error> {
        let networks = self.networks();
        match networks.iter().find(|network| wanted.contains(&network.family)) {
            Some(network) => Ok(network.clone()),
            None => Err(refusal::refusal(self, &networks, wanted)),
        }
    }

    fn build(&self, candidate: &Candidate<'_>) -> Network<'a> {
        let Candidate { prefix, family, mut layout, .. } = *candidate;
        let part = part(prefix);
        let owned = self.tensors.iter().filter_map(|(name, tensor)| {
            let rest = name.strip_prefix(prefix).filter(|rest| candidate.owns(rest))?;
            Some((rest.to_owned(), tensor.clone()))
        });
        let is_usable = !matches!(family, Family::Unsupported(_));
        let file: Named<'a> = owned.filter(|_| is_usable).collect();
        let is_generator = family == Family::StyleGan2Generator;
        let mut settings = Settings::new();
        let tensors = match (family, layout) {
            (Family::StyleGan2Generator | Family::StyleGan2Discriminator, Layout::Nvidia)
            | (Family::StyleGan3Generator, _) => {
                settings = settings::of_nvidia(self, part, family);
                file
            }
            (Family::StyleGan2Generator | Family::StyleGan2Discriminator, _) => {
                let mut taps = None;
                let mut own = match (layout, is_generator) {
                    (Layout::TensorFlow, _) => {
                        settings = settings::of_tensorflow(self, part, family);
                        taps = settings::taps(self, part);
                        let file = tensorflow::variables(file);
                        if is_generator {
                            tensorflow::generator(&file)
                        } else {
                            tensorflow::discriminator(&file)
                        }
                    }
                    (Layout::Genforce, true) => genforce::generator(&file),
                    (Layout::Genforce, false) => genforce::discriminator(&file),
                    (_, true) => rosinality::generator(self, prefix, &file),
                    (_, false) => rosinality::discriminator(&file),
                };
                if layout != Layout::TensorFlow {
                    settings = settings::without_clamp(family);
                }
                filters::complete(&mut own, taps);
                own
            }
            (Family::StyleGan1Generator, Layout::TensorFlow) => {
                let built = settings::stylegan1(self, part).unwrap_or_default();
                settings = settings::nvidia_norms();
                stylegan1::of_tensorflow(&tensorflow::variables(file), &built)
            }
            (Family::StyleGan1Generator, Layout::Genforce) => {
                settings = settings::nvidia_norms();
                stylegan1::of_genforce(&file)
            }
            (Family::Vgg, _) => {
                let (own, is_timm) = classifier::vgg(file);
                layout = if is_timm { Layout::Timm } else { layout };
                settings = classifier::vgg_settings(&own);
                own
            }
            _ => file,
        };
        if layout == Layout::Rosinality && part.ends_with("decoder") {
            layout = Layout::EncoderForEditing;
        }
        if let Some(own) = settings::own(self).filter(|_| prefix.is_empty()) {
            // A file that was exported has the names of another program.
            let is_renamed = tensors.keys().next().is_some_and(|name| !self.tensors.contains_key(name));
            layout = if is_renamed { layout } else { Layout::Own };
            settings.extend(own);
        }
        match family {
            Family::StyleGan1Generator => settings::add_stylegan1_generator(&mut settings, &tensors),
            Family::StyleGan2Generator => settings::add_stylegan2_generator(&mut settings, &tensors),
            Family::StyleGan2Discriminator => settings::add_stylegan2_discriminator(&mut settings, &tensors),
            Family::StyleGan3Generator => settings::add_stylegan3_generator(&mut settings, &tensors),
            _ => {}
        }
        Network { family, part: part.to_owned(), layout, tensors, settings }
    }
}

fn is_average(part: &str) -> bool {
    part.split('.').any(|key| AVERAGES.contains(&key))
}

/// A prefix without the separator at its end.
fn part(prefix: &str) -> &str {
    prefix.strip_suffix(['.', '/']).unwrap_or(prefix)
}
