//! The adain plugin: style transfer in one pass.

mod adain;
mod builtin;
mod frame;

use adain::AdaIN;

dreamwire_sdk::plugin!("org.dreamwire.adain", AdaIN);
