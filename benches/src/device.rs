use std::fmt;
use std::str::FromStr;

use candle_core::Device;

use crate::failure::Failure;

/// A device by its name in `dreamwire run --device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Cpu,
    /// By ordinal.
    Cuda(usize),
    Metal,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            _ => {
                let ordinal = text.strip_prefix("cuda:").and_then(|ordinal| ordinal.parse().ok());
                ordinal.map(Self::Cuda).ok_or_else(|| "expected cpu, cuda, cuda:N or metal".to_owned())
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

impl Place {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// If it does not work, or this program was built without it.
    pub(crate) fn open(self) -> Result<Device, Failure> {
        let opened = match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(ordinal) => Device::new_cuda(ordinal),
            Self::Metal => Device::new_metal(0),
        };
        opened.map_err(|error| {
            let feature = match self {
                Self::Cuda(_) if !cfg!(feature = "cuda") => Some("cuda"),
                Self::Metal if !cfg!(target_os = "macos") => {
                    return Failure::Usage("--device: Metal exists on macOS only".to_owned());
                }
                Self::Metal if !cfg!(feature = "metal") => Some("metal"),
                _ => None,
            };
            if let Some(feature) = feature {
                return Failure::Usage(format!(
                    "--device: {self} cannot be used: this program was built without it; `cargo build --release -p \
                     dreamwire-bench --features {feature}` builds it"
                ));
            }
            // candle adds where it was.
            let why = error.to_string().lines().next().unwrap_or_default().to_owned();
            Failure::Usage(format!("--device: {self} cannot be used: {why}; `dreamwire devices` says more"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_the_names_of_dreamwire_run() {
        for (name, place) in [("cpu", Place::Cpu), ("cuda:1", Place::Cuda(1)), ("metal", Place::Metal)] {
            assert_eq!((name.parse(), place.to_string().as_str()), (Ok(place), name));
        }
        assert_eq!("cuda".parse(), Ok(Place::Cuda(0)));
        assert!("gpu".parse::<Place>().is_err() && "cuda:-1".parse::<Place>().is_err());
    }
}
