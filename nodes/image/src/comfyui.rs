//! Kinds with ComfyUI's names and inputs, so that its graphs run unmodified, where ours of that purpose is another.

mod mask_composite;

pub(crate) use mask_composite::MaskComposite;
