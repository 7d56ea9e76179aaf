/// Keeps the network of the last run, because reading weights takes longer than running them on a small picture.
///
/// `K` identifies a network: the [`Content`] of its weights file, not the file's name, and its settings.
pub struct Kept<K, N>(Option<(K, N)>);

impl<K, N> Default for Kept<K, N> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq, N: Clone> Kept<K, N> {
    /// The kept network if its key is `key`, otherwise what `build` returns, which replaces it.
    ///
    /// # Errors
    ///
    /// Those of `build`; then nothing is kept.
    pub fn network<E>(&mut self, key: K, build: impl FnOnce() -> Result<N, E>) -> Result<N, E> {
        if let Some((kept, network)) = &self.0
            && *kept == key
        {
            return Ok(network.clone());
        }
        // Dropped first: two networks may be 240 MB.
        self.0 = None;
        Ok(self.0.insert((key, build()?)).1.clone())
    }
}

/// Identifies the bytes of a weights file by their BLAKE3 hash.
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
