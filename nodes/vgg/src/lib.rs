//! The vgg plugin: feature extractors as functions on wires.
//!
//! Three nodes, one per family of networks. Each outputs FEATURES: a function from an IMAGE to the requested
//! layers.

mod builtin;
#[cfg(test)]
mod fixtures;
mod inception_features;
mod network;
mod nonfinite;
mod squeezenet_features;
mod vgg_features;

use inception_features::InceptionFeatures;
use squeezenet_features::SqueezeNetFeatures;
use vgg_features::VGGFeatures;

dreamwire_sdk::plugin!("org.dreamwire.vgg", VGGFeatures, InceptionFeatures, SqueezeNetFeatures);
