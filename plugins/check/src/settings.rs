/// Params that are not to have their defaults: `Kind.param=value`.
#[derive(Clone, Debug, Default)]
pub struct Settings(Vec<Setting>);

#[derive(Clone, Debug)]
struct Setting {
    kind: String,
    param: String,
    value: String,
}

impl Settings {
    /// Reads `LoadStyleGAN.weights=random:0:16`.
    ///
    /// # Errors
    /// Says which text is not of that form.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let setting = |text: &String| {
            let (name, value) = text.split_once('=')?;
            let (kind, param) = name.split_once('.')?;
            let setting = Setting { kind: kind.to_owned(), param: param.to_owned(), value: value.to_owned() };
            (!kind.is_empty() && !param.is_empty()).then_some(setting)
        };
        let read = texts.iter().map(|text| {
            setting(text).ok_or_else(|| format!("`{text}` should be KIND.PARAM=VALUE, as in Resize.width=64"))
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    /// The last value for that param.
    pub(crate) fn get(&self, kind: &str, param: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|setting| setting.kind == kind && setting.param == param);
        found.map(|setting| setting.value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts() {
        let texts = ["A.b=1", "A.b=x=y", "B.c="].map(str::to_owned);
        let settings = Settings::parse(&texts).unwrap();
        assert_eq!(settings.get("A", "b"), Some("x=y"));
        assert_eq!(settings.get("B", "c"), Some(""));
        assert_eq!(settings.get("A", "c"), None);
        for wrong in ["A.b", "A=1", ".b=1", "A.=1"] {
            assert!(Settings::parse(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
