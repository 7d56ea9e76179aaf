//! Inputs that differ from row to row of a run: curves over frames, the value of the row before, the values of all rows.

use serde_json::{Map, Value, json};

use crate::graph::{Graph, InputValue, LinkRef};
use crate::source::Span;

/// What an input is in a run of several rows. In a run of one row a curve is its first key, the row before gives `first`,
/// and the values of all rows are that of the only one.
#[derive(Clone, Debug, PartialEq)]
pub enum Varying {
    /// `{"__curve__": {"1": 0.2, "60": 0.8}, "ease": "linear"}`: a number for each frame.
    Curve(Curve),
    /// `{"__previous__": ["dream", "IMAGE"], "first": ["photo", "IMAGE"]}`: an output as it was in the row before.
    Previous {
        /// The output whose value of the row before is meant.
        of: LinkRef,
        /// What the first row takes instead.
        first: LinkRef,
    },
    /// `{"__rows__": ["style", "IMAGE"]}`: the values of all rows, as one batch. What needs it runs once, after all rows.
    Rows(LinkRef),
    /// `{"__rows__": "labels"}`: what distinguishes each row, as a list of texts.
    Labels,
}

/// How a curve goes from one key to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ease {
    /// In a straight line.
    #[default]
    Linear,
    /// Slowly away from a key and slowly towards the next: 3t^2 - 2t^3, which never leaves the range of the two.
    Smooth,
    /// At the value of the last key, until the next one.
    Hold,
}

impl Ease {
    /// All names, for messages.
    pub(crate) const NAMES: [&'static str; 3] = ["linear", "smooth", "hold"];

    /// The ease of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Linear, Self::Smooth, Self::Hold]
            .into_iter()
            .zip(Self::NAMES)
            .find_map(|(ease, known)| (known == name).then_some(ease))
    }

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// A number over frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Frames and values, at least two, ascending.
    pub(crate) keys: Vec<(i64, f64)>,
    pub(crate) ease: Ease,
}

impl Curve {
    /// The value at a frame; before the first key it is that of the first, after the last that of the last.
    pub fn at(&self, frame: i64) -> f64 {
        let after = self.keys.partition_point(|(key, _)| *key <= frame);
        let Some(&(from, start)) = after.checked_sub(1).and_then(|before| self.keys.get(before)) else {
            return self.keys.first().map_or(0.0, |key| key.1);
        };
        let Some(&(to, end)) = self.keys.get(after) else { return start };
        // Keys are apart by less than 2^64.
        let t = (i128::from(frame) - i128::from(from)) as f64 / (i128::from(to) - i128::from(from)) as f64;
        match self.ease {
            Ease::Linear => start + (end - start) * t,
            Ease::Smooth => start + (end - start) * (t * t * (3.0 - 2.0 * t)),
            Ease::Hold => start,
        }
    }

    /// The frames of the first and the last key.
    pub fn frames(&self) -> (i64, i64) {
        (self.keys.first().map_or(0, |key| key.0), self.keys.last().map_or(0, |key| key.0))
    }
}

/// An input that varies, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The node's id.
    pub node: &'a str,
    /// The input's name.
    pub input: &'a str,
    /// Where its value is.
    pub span: Option<Span>,
    /// What it is.
    pub varying: &'a Varying,
}

impl Graph {
    /// The inputs that differ from row to row.
    pub fn varying(&self) -> impl Iterator<Item = Place<'_>> {
        self.nodes.iter().flat_map(|node| {
            node.inputs.iter().filter_map(|input| match &input.value {
                InputValue::Varying(varying) => {
                    Some(Place { node: &node.id, input: &input.name, span: input.value_span, varying })
                }
                _ => None,
            })
        })
    }
}

impl Varying {
    /// As in a file; `link` writes links.
    pub(crate) fn to_json(&self, link: impl Fn(&LinkRef) -> Value) -> Value {
        match self {
            Self::Curve(Curve { keys, ease }) => {
                let keys: Map<String, Value> =
                    keys.iter().map(|(frame, value)| (frame.to_string(), json!(value))).collect();
                json!({ "__curve__": keys, "ease": ease.name() })
            }
            Self::Previous { of, first } => json!({ "__previous__": link(of), "first": link(first) }),
            Self::Rows(of) => json!({ "__rows__": link(of) }),
            Self::Labels => json!({ "__rows__": "labels" }),
        }
    }

    /// The link that it follows in a run of one row.
    pub(crate) fn alone(&self) -> Option<&LinkRef> {
        match self {
            Self::Previous { first, .. } => Some(first),
            Self::Rows(link) => Some(link),
            Self::Curve(_) | Self::Labels => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_pass_their_keys_and_stay_between_them() {
        let keys = vec![(1, 0.0), (11, 1.0), (21, -1.0)];
        for (ease, at_6, at_3) in
            [(Ease::Linear, 0.5, 0.2), (Ease::Smooth, 0.5, 0.104), (Ease::Hold, 0.0, 0.0)]
        {
            let curve = Curve { keys: keys.clone(), ease };
            for (frame, value) in [(-5, 0.0), (1, 0.0), (11, 1.0), (21, -1.0), (99, -1.0), (i64::MAX, -1.0)] {
                assert_eq!(curve.at(frame), value, "{ease:?} at {frame}");
            }
            assert!((curve.at(6) - at_6).abs() < 1e-12 && (curve.at(3) - at_3).abs() < 1e-12, "{ease:?}");
            assert!((1..=21).all(|frame| (-1.0..=1.0).contains(&curve.at(frame))));
        }
    }

    #[test]
    fn keys_may_be_far_apart() {
        let curve = Curve { keys: vec![(i64::MIN, 0.0), (i64::MAX, 1.0)], ease: Ease::Linear };
        assert!((curve.at(0) - 0.5).abs() < 1e-12);
        assert_eq!(curve.frames(), (i64::MIN, i64::MAX));
    }
}
