//! Layers: the parts of a file, and within a part the channels with a common prefix, as `beauty.R`.

use ::exr::meta::header::Header;
use dreamwire_sdk::prelude::*;

/// Some channels of one part.
pub(super) struct Layer {
    name: String,
    pub(super) header: usize,
    /// Name without the prefix, number in the part.
    channels: Vec<(String, usize)>,
    /// The channels have no prefix.
    is_plain: bool,
}

/// The channels that become the colours, by number.
pub(super) enum Colours {
    Rgb([usize; 3]),
    /// Red difference, luminance, blue difference.
    Chroma([usize; 3]),
    Grey(usize),
}

impl Colours {
    /// The first and the last of a pixel's three samples that a channel fills.
    pub(super) fn slots(&self, channel: usize) -> Option<(usize, usize)> {
        match self {
            Colours::Rgb(three) | Colours::Chroma(three) => {
                three.iter().position(|&c| c == channel).map(|slot| (slot, slot))
            }
            Colours::Grey(one) => (*one == channel).then_some((0, 2)),
        }
    }
}

impl Layer {
    fn find(&self, name: &str) -> Option<usize> {
        self.channels.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, number)| *number)
    }

    fn three(&self, names: [&str; 3]) -> Option<[usize; 3]> {
        Some([self.find(names[0])?, self.find(names[1])?, self.find(names[2])?])
    }

    /// None if no channels are colours by their names.
    fn named_colours(&self) -> Option<Colours> {
        self.three(["R", "G", "B"])
            .map(Colours::Rgb)
            .or_else(|| self.three(["RY", "Y", "BY"]).map(Colours::Chroma))
            .or_else(|| self.find("Y").map(Colours::Grey))
    }

    /// Alpha, unless it is the picture itself.
    pub(super) fn alpha(&self, colours: &Colours) -> Option<usize> {
        self.find("A").filter(|&alpha| colours.slots(alpha).is_none())
    }

    /// Which channels become the picture, with a message about every guess.
    pub(super) fn colours(
        &self,
        name: &str,
        header: &Header,
        notes: &mut Vec<String>,
        warnings: &mut Vec<String>,
    ) -> Result<Colours> {
        let names = |channels: &[&(String, usize)]| {
            channels.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        if header.deep {
            return Err(deep(name));
        }
        let colours = self.named_colours().or_else(|| {
            let others: Vec<_> = self.channels.iter().filter(|(n, _)| !n.eq_ignore_ascii_case("A")).collect();
            match (others.as_slice(), self.channels.as_slice()) {
                ([(_, one)], _) | ([], [(_, one)]) => Some(Colours::Grey(*one)),
                _ => None,
            }
        });
        let Some(colours) = colours else {
            let all: Vec<_> = self.channels.iter().collect();
            return Err(Error::content(format!(
                "`{name}` has the channels {}; supported are R, G, B, or Y, RY, BY, or one channel, with or without A",
                names(&all)
            ))
            .hint("choose another layer with the param `layer`, or save it with these channels"));
        };
        let alpha = self.alpha(&colours);
        if let (Colours::Grey(one), None) = (&colours, self.find("Y"))
            && let Some((channel, _)) = self.channels.iter().find(|(_, number)| number == one)
        {
            notes.push(format!("`{name}` has one channel, {channel}, which is read as grey"));
        }
        let unused: Vec<_> = self
            .channels
            .iter()
            .filter(|(_, number)| colours.slots(*number).is_none() && alpha != Some(*number))
            .collect();
        if !unused.is_empty() {
            warnings.push(format!("`{name}` has more channels than colour and alpha: {}", names(&unused)));
        }
        Ok(colours)
    }
}

pub(super) fn deep(name: &str) -> Error {
    Error::content(format!("`{name}` has deep data, several samples in a pixel; supported are flat pictures"))
        .hint("flatten it in the program that made it")
}

/// The layer called `wanted`; if that is empty, the one that is the picture.
///
/// # Errors
/// If there is no such layer, or none that is the picture before others; the message lists them.
pub(super) fn choose(name: &str, headers: &[Header], wanted: &str, notes: &mut Vec<String>) -> Result<Layer> {
    let mut layers = of(headers);
    let list = layers.iter().map(|layer| match layer.name.as_str() {
        "" => "one without a name".to_owned(),
        name => format!("`{name}`"),
    });
    let list = list.collect::<Vec<_>>().join(", ");
    let position = if wanted.is_empty() {
        let is_picture = |layer: &Layer| layer.named_colours().is_some();
        let only = |test: &dyn Fn(&Layer) -> bool| {
            let mut found = layers.iter().enumerate().filter(|(_, layer)| test(layer)).map(|(i, _)| i);
            found.next().filter(|_| found.next().is_none())
        };
        only(&|_| true)
            .or_else(|| only(&|layer| layer.name.is_empty() && is_picture(layer)))
            .or_else(|| only(&|layer| layer.is_plain && is_picture(layer)))
            .or_else(|| only(&is_picture))
    } else {
        layers.iter().position(|layer| layer.name == wanted)
    };
    let Some(position) = position else {
        let message = if wanted.is_empty() {
            format!("`{name}` has several layers: {list}")
        } else {
            format!("`{name}` has no layer `{wanted}`; its layers are {list}")
        };
        return Err(Error::content(message).hint("choose one with the param `layer`"));
    };
    if wanted.is_empty() && layers.len() > 1 {
        let which = match layers[position].name.as_str() {
            "" => "the one without a name".to_owned(),
            name => format!("`{name}`"),
        };
        notes.push(format!("`{name}` has the layers {list}, of which {which} is read"));
    }
    Ok(layers.swap_remove(position))
}

/// All layers, in the order of the file.
fn of(headers: &[Header]) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for (header_number, header) in headers.iter().enumerate() {
        let part = header.own_attributes.layer_name.as_ref().map(ToString::to_string).unwrap_or_default();
        let first = layers.len();
        for (number, channel) in header.channels.list.iter().enumerate() {
            let full = channel.name.to_string();
            let (prefix, short) = full.rsplit_once('.').unwrap_or(("", full.as_str()));
            // The name of the only part says nothing.
            let name = match (headers.len(), part.as_str()) {
                (1, _) | (_, "") => prefix.to_owned(),
                (_, part) if prefix.is_empty() || prefix == part => part.to_owned(),
                (_, part) => format!("{part}.{prefix}"),
            };
            let place = layers[first..].iter().position(|layer| layer.name == name);
            let layer = match place {
                Some(place) => &mut layers[first + place],
                None => {
                    let is_plain = prefix.is_empty();
                    layers.push(Layer { name, header: header_number, channels: Vec::new(), is_plain });
                    layers.last_mut().expect("it was pushed")
                }
            };
            layer.channels.push((short.to_owned(), number));
        }
    }
    layers
}
