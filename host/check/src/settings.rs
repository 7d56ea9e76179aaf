use crate::offer::Offer;
use dreamwire_graph::did_you_mean;

/// Params that replace defaults: `Kind.param=value`.
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
            setting(text).ok_or_else(|| format!("`{text}` must be KIND.PARAM=VALUE, as in Resize.width=64"))
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The message about the first setting whose kind or param is not in `offer`, with a suggestion.
    pub(crate) fn misspelt(&self, offer: &Offer) -> Option<String> {
        self.0.iter().find_map(|Setting { kind, param, .. }| {
            let Some(params) = offer.get(kind) else {
                let hint = did_you_mean(kind, offer.keys().map(String::as_str));
                return Some(told(format!("there is no kind `{kind}`"), hint));
            };
            if params.contains(param) {
                return None;
            }
            let hint = did_you_mean(param, params.iter().map(String::as_str));
            Some(told(format!("`{kind}` has no param `{param}`"), hint))
        })
    }

    /// The last value for that param.
    pub(crate) fn get(&self, kind: &str, param: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|setting| setting.kind == kind && setting.param == param);
        found.map(|setting| setting.value.as_str())
    }
}

fn told(what: String, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{what}; {hint}?"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_for_nothing_is_told() {
        let offer = Offer::from([("Resize".to_owned(), vec!["width".to_owned(), "height".to_owned()])]);
        let told = |text: &str| Settings::parse(&[text.to_owned()]).unwrap().misspelt(&offer);
        assert_eq!(told("Resize.width=1"), None);
        assert_eq!(
            told("Resise.width=1").as_deref(),
            Some("there is no kind `Resise`; did you mean `Resize`?")
        );
        let param = Some("`Resize` has no param `widht`; did you mean `width`?");
        assert_eq!(told("Resize.widht=1").as_deref(), param);
        assert_eq!(told("Blur.x=1").as_deref(), Some("there is no kind `Blur`"));
    }

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
