//! The vgg plugin.
