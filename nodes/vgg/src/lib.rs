//! The vgg plugin: feature extractors as functions on wires.

mod builtin;
mod network;
mod vgg_features;

use vgg_features::VGGFeatures;

dreamwire_sdk::plugin!("org.dreamwire.vgg", VGGFeatures);
