//! The adain plugin: style transfer, in one pass through a decoder or by descent on the pixels.

mod adain;
mod builtin;
mod descent;
mod encoder;
mod frame;
mod need;

use adain::AdaIN;

dreamwire_sdk::plugin!("org.dreamwire.adain", AdaIN);
