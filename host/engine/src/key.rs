//! Keys: content addresses of results.
//!
//! The deep key hashes kind, version of meaning, plugin build, canonical params, the content of every file that a
//! param names, the numeric mode (the class of the device that the kind computes on, the CPU's vector instructions, which
//! operators, whether NaN is allowed), and for each input the producer's deep key and output. The content key hashes the
//! bytes of each input in place of its producer. Neither includes node ids, positions or titles.

use crate::Options;
use blake3::{Hash, Hasher};
use dreamwire_graph::KindInfo;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A key under construction: length-prefixed fields, so that no two sequences collide.
pub struct Key(Hasher);

impl Key {
    /// The part that both keys share.
    pub fn new(kind: &KindInfo, build: Hash, options: &Options, params: &str) -> Self {
        let mut key = Self(Hasher::new_derive_key("dreamwire step key 3"));
        key.field(kind.id.as_bytes());
        key.field(&kind.version.to_le_bytes());
        key.field(build.as_bytes());
        key.field(mode(options).as_bytes());
        key.field(params.as_bytes());
        key
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// A file that a param names.
    pub fn file(&mut self, param: &str, content: Hash) {
        self.field(param.as_bytes());
        self.field(content.as_bytes());
    }

    /// The graph that an output node belongs to; `None` if its files do not carry it, and are those of any graph.
    pub fn scope(&mut self, scope: Option<&str>) {
        self.field(&[scope.is_some().into()]);
        self.field(scope.unwrap_or_default().as_bytes());
    }

    /// Starts a port; its `count` values follow.
    pub fn port(&mut self, count: usize) {
        self.field(&(count as u64).to_le_bytes());
    }

    /// An input, by its producer.
    pub fn producer(&mut self, producer: Hash, output: usize) {
        self.field(producer.as_bytes());
        self.field(&(output as u64).to_le_bytes());
    }

    /// An input, by its content.
    pub fn content(&mut self, content: Hash) {
        self.field(content.as_bytes());
    }

    /// The index of the first row that an output node gets, which its names may have.
    pub(crate) fn first_row(&mut self, first: usize) {
        self.field(&(first as u64).to_le_bytes());
    }

    /// Makes the key unique across all processes, for a step that is not pure.
    pub fn unique(&mut self) {
        static PROCESS: OnceLock<[u64; 2]> = OnceLock::new();
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // The standard library seeds its hashers with random numbers of the system.
        let process =
            PROCESS.get_or_init(|| [RandomState::new().hash_one(0), RandomState::new().hash_one(1)]);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        [process[0], process[1], number].iter().for_each(|word| self.field(&word.to_le_bytes()));
    }

    /// The key.
    pub fn finish(&self) -> Hash {
        self.0.finalize()
    }
}

/// The end of a mode in which NaN is allowed.
pub(crate) const NONFINITE: &str = ", NaN allowed";

/// The environment variables that say how plugins compute, with the values that they may have besides none.
const VARIABLES: [(&str, &[&str]); 2] =
    [("DREAMWIRE_OPERATORS", &["portable"]), ("DREAMWIRE_SIMD", &["portable", "avx2", "avx512"])];

/// A variable with a value that it cannot have, and the values that it can: plugins would compute as without it.
pub fn misspelt_variable() -> Option<(&'static str, String, &'static [&'static str])> {
    VARIABLES.iter().find_map(|(name, values)| {
        let value = std::env::var_os(name)?.to_string_lossy().into_owned();
        (!value.is_empty() && !values.contains(&value.as_str())).then_some((*name, value, *values))
    })
}

/// What a run's settings do to the digits of its results: the class of the device, the vector instructions, the operators,
/// and whether NaN is allowed.
pub(crate) fn mode(options: &Options) -> String {
    let nonfinite = if options.allow_nonfinite { NONFINITE } else { "" };
    format!("{} ({}){nonfinite}", options.device.class(), instructions())
}

/// The CPU's vector instructions, the limit of `DREAMWIRE_SIMD`, and whether `DREAMWIRE_OPERATORS` asks for the portable
/// operators, with commas between these: results of different ones differ in rounding.
pub fn instructions() -> &'static str {
    static INSTRUCTIONS: OnceLock<String> = OnceLock::new();
    INSTRUCTIONS.get_or_init(|| {
        let mut names = vec![std::env::consts::ARCH];
        #[cfg(target_arch = "x86_64")]
        {
            let found = [
                ("avx2", is_x86_feature_detected!("avx2")),
                ("fma", is_x86_feature_detected!("fma")),
                ("avx512f", is_x86_feature_detected!("avx512f")),
                ("avx512bf16", is_x86_feature_detected!("avx512bf16")),
            ];
            names.extend(found.iter().filter(|(_, found)| *found).map(|(name, _)| *name));
        }
        let mut parts = vec![names.join(" ")];
        let limit = std::env::var("DREAMWIRE_SIMD").unwrap_or_default();
        if !limit.is_empty() {
            parts.push(format!("limited to {limit}"));
        }
        if std::env::var_os("DREAMWIRE_OPERATORS").is_some_and(|operators| operators == "portable") {
            parts.push("portable operators".to_owned());
        }
        parts.join(", ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;
    use dreamwire_graph::Params;

    fn key(options: &Options, edit: impl FnOnce(&mut Key)) -> Hash {
        let kind = KindInfo {
            id: "Add".to_owned(),
            version: 1,
            plugin: String::new(),
            file: String::new(),
            title: String::new(),
            category: String::new(),
            doc: String::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            params: Params::default(),
            pure_: true,
            output: false,
            stateful: false,
        };
        let mut key = Key::new(&kind, blake3::hash(b"build"), options, "{}");
        edit(&mut key);
        key.finish()
    }

    /// Faults: C12.
    #[test]
    fn settings_that_change_results_change_keys() {
        let options = Options { device: Device::Cpu, threads: 1, allow_nonfinite: false, metadata: true };
        let plain = key(&options, |_| {});
        assert_eq!(plain, key(&Options { threads: 8, ..options }, |_| {}), "threads change nothing");
        assert_ne!(plain, key(&Options { allow_nonfinite: true, ..options }, |_| {}));
        assert_ne!(plain, key(&Options { device: Device::Metal, ..options }, |_| {}));
        assert_eq!(plain, key(&Options { metadata: false, ..options }, |_| {}), "only what is published");
        assert_ne!(key(&options, |key| key.scope(None)), key(&options, |key| key.scope(Some(""))));
        assert!(instructions().starts_with(std::env::consts::ARCH));
    }

    #[test]
    fn a_unique_key_never_comes_again() {
        let options = Options { device: Device::Cpu, threads: 1, allow_nonfinite: false, metadata: true };
        assert_ne!(key(&options, Key::unique), key(&options, Key::unique));
    }
}
