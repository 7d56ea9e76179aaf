//! Lists a library's kinds and params in its own process, so that settings for unknown ones are refused.

use crate::checks::OFFER;
use crate::probe::Plugin;
use crate::sandbox::perform_apart;
use crate::{Outcome, Settings};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Params by kind.
pub(crate) type Offer = BTreeMap<String, Vec<String>>;

/// Lists kinds and params of a library, in this process, which may not survive it.
pub(crate) fn perform(path: &Path, at: &dyn Fn(&str)) -> Outcome {
    at("opening");
    let offer = Plugin::open(path).and_then(|plugin| {
        let names =
            |kind: &dreamwire_graph::KindInfo| kind.params.list.iter().map(|it| it.name.clone()).collect();
        Ok(plugin.kinds()?.iter().map(|kind| (kind.id.clone(), names(kind))).collect::<Offer>())
    });
    match offer.and_then(|offer| serde_json::to_string(&offer).map_err(|error| error.to_string())) {
        Ok(offer) => Outcome::Passed(offer),
        Err(why) => Outcome::Failed(why),
    }
}

/// The first setting whose kind or param none of these libraries has, with a suggestion. `None` if a library cannot
/// list its kinds.
///
/// `commands`, one for each library, start the program so that it calls [`crate::perform`] with the given name.
///
/// # Errors
/// The program does not start.
pub fn misspelt(
    settings: &Settings,
    commands: impl IntoIterator<Item = impl Fn(&str) -> Command>,
    limit: Duration,
) -> std::io::Result<Option<String>> {
    if settings.is_empty() {
        return Ok(None);
    }
    let mut offer = Offer::new();
    for command in commands {
        let Outcome::Passed(words) = perform_apart(command(OFFER), limit)? else { return Ok(None) };
        let Ok(one) = serde_json::from_str::<Offer>(&words) else { return Ok(None) };
        offer.extend(one);
    }
    Ok(settings.misspelt(&offer))
}
