use super::layout::block;
use super::{Generator, StyleGanError};

/// Which of two networks gives the mapping of a blend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MappingOf {
    /// The one that gives the coarse blocks.
    Coarse,
    /// The one that gives the fine blocks.
    Fine,
}

impl Generator {
    /// A network whose blocks from `resolution` on are those of `fine`, and the coarser ones its own (Pinkney and
    /// Adler, "Resolution Dependent GAN Interpolation for Controllable Image Synthesis Between Domains",
    /// arXiv:2010.05334, section 2, layer swapping). It makes pictures if one network was fine-tuned from the other.
    ///
    /// # Errors
    ///
    /// If the blocks of the two do not have the same sizes, or none of them begins at `resolution`, or it is the first.
    pub fn swapped(
        mut self,
        mut fine: Self,
        resolution: usize,
        mapping: MappingOf,
    ) -> Result<Self, StyleGanError> {
        let (own, other) = (&self.parameters.layout, &fine.parameters.layout);
        if !own.has_synthesis_of(other) {
            return Err(StyleGanError::Differ { coarse: own.to_string(), fine: other.to_string() });
        }
        let largest = own.blocks().map(|(size, _)| size).last().unwrap_or(4);
        if !own.blocks().skip(1).any(|(size, _)| size == resolution) {
            return Err(StyleGanError::Block { found: resolution, largest });
        }
        let is_fine = |name: &str| match block(name) {
            Some(size) => size >= resolution,
            // `mapping.*`
            None => mapping == MappingOf::Fine,
        };
        if mapping == MappingOf::Fine {
            self.parameters.layout.mapping = std::mem::take(&mut fine.parameters.layout.mapping);
        }
        self.parameters.tensors.retain(|name, _| !is_fine(name));
        self.parameters.tensors.extend(fine.parameters.tensors.into_iter().filter(|(name, _)| is_fine(name)));
        Ok(self)
    }
}
