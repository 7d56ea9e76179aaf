/// The network of the last run: reading weights takes longer than looking at a small picture with them.
///
/// `K` is what makes two networks the same: the [`Content`] of a weights file, not its name, and the settings.
pub struct Kept<K, N>(Option<(K, N)>);

impl<K, N> Default for Kept<K, N> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq, N: Clone> Kept<K, N> {
    /// The network of `key`: what `build` makes, unless it is the one of the last call.
    ///
    /// # Errors
    ///
    /// What `build` says; then nothing is kept.
    pub fn network<E>(&mut self, key: K, build: impl FnOnce() -> Result<N, E>) -> Result<N, E> {
        if let Some((kept, network)) = &self.0
            && *kept == key
        {
            return Ok(network.clone());
        }
        // The old network goes before the new one comes: two of them may be 240 MB.
        self.0 = None;
        Ok(self.0.insert((key, build()?)).1.clone())
    }
}

/// What stands for the bytes of a weights file: their BLAKE3 hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content(blake3::Hash);

impl Content {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_network_is_kept() {
        let mut kept = Kept::default();
        let mut built = Vec::new();
        for (bytes, clamp) in [(b"a", 1), (b"a", 1), (b"b", 1), (b"b", 2), (b"a", 1)] {
            let network = kept.network((Content::of(bytes), clamp), || {
                built.push((bytes, clamp));
                Ok::<_, String>(built.len())
            });
            assert_eq!(network, Ok(built.len()));
        }
        assert_eq!(built, [(b"a", 1), (b"b", 1), (b"b", 2), (b"a", 1)]);
    }

    #[test]
    fn a_failure_keeps_nothing() {
        let mut kept = Kept::default();
        assert_eq!(kept.network("it", || Ok::<_, &str>(1)), Ok(1));
        assert_eq!(kept.network("other", || Err("broken")), Err("broken"));
        assert_eq!(kept.network("it", || Ok::<_, &str>(2)), Ok(2));
    }
}
