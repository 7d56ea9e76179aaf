use super::label::{self, Label};
use super::{area::Area, edge};
use crate::batch::{one_of, samples};
use crate::{colour_text, limits};
use dreamwire_sdk::prelude::*;
use std::collections::BTreeSet;

/// Lays the pictures of a batch out on one sheet, row by row, with labels.
///
/// All cells are as large as the pictures. `columns` = 0 makes the sheet as square as whole rows allow,
/// `ceil(sqrt(B))` columns. `gap` is between the pictures and around them; unused cells show the background.
///
/// `labels` is empty (no labels), one text for all pictures, or one for each. In a text, `{index}` is the number of
/// the picture in the batch, from 0, and `{total}` the size of the batch. Labels stand centred below their
/// pictures, in Noto Sans Mono (Latin), black or white, whichever differs more from the background. What is too long for
/// the width of a picture is broken into lines, at spaces where there are any; what is too long for `label_lines` of them is
/// cut off and ends with three full stops. What the font lacks is a question mark, with a warning. With n lines in the
/// longest label, labels take up `(n + 0.5) label_size`.
///
/// `[B,H,W,C]` becomes `[1,height,width,C]` with `width = columns (W + gap) + gap`. In grey pictures the background
/// is its luma (BT.709), and in those without alpha it is opaque, with a warning. Errors: a text that is no colour;
/// another number of labels; a sheet of more than 100 megapixels or 32768 pixels on a side. Columns that are too many for
/// pictures of any size are refused before a run, other sheets when all pictures are there.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Pictures side by side; 0 makes the sheet nearly square.
    #[schemars(range(min = 0, max = 4096))]
    pub(crate) columns: u32,
    /// Space between the pictures and around them.
    #[schemars(range(min = 0, max = 4096), extend("x-dw-unit" = "px"))]
    pub(crate) gap: u32,
    /// Colour of the space, as in CSS: `#rrggbb`, `#rrggbbaa` or a name.
    pub(crate) background: String,
    /// Texts under the pictures: none, one for all, or one for each; `{index}` and `{total}` are replaced.
    pub(crate) labels: Vec<String>,
    /// Height of a line of text.
    #[schemars(range(min = 8, max = 128), extend("x-dw-unit" = "px"))]
    pub(crate) label_size: u32,
    /// The most lines of a label.
    #[schemars(range(min = 1, max = 16))]
    pub(crate) label_lines: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            columns: 0,
            gap: 8,
            background: "#ffffff".to_owned(),
            labels: Vec::new(),
            label_size: 20,
            label_lines: 3,
        }
    }
}

impl Params {
    /// The lines of the label of a picture that is `width` pixels wide.
    fn lines(&self, index: usize, batch: usize, width: usize) -> Vec<String> {
        let Some(text) = self.labels.get(index).or(self.labels.first()) else { return Vec::new() };
        let text = text.replace("{index}", &index.to_string()).replace("{total}", &batch.to_string());
        label::lines(&text, self.label_size as usize, width, self.label_lines as usize)
    }
}

#[derive(Default)]
pub(crate) struct Grid;

impl Node for Grid {
    const KIND: Kind = Kind::new("Grid", 2)
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("The sheet, `[1,height,width,C]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (batch, height, width, channels) = image.dims4()?;
        if params.labels.len() > 1 && params.labels.len() != batch {
            let message = format!("`labels` has {} texts for {batch} pictures", params.labels.len());
            return Err(Error::param("labels", message).hint("give one text for each, or one for all"));
        }
        let background = edge::colour(call, "background", &params.background, channels)?;
        let columns = match params.columns as usize {
            0 => batch.isqrt() + usize::from(batch.isqrt().pow(2) < batch),
            columns => columns,
        };
        let line = params.label_size as usize;
        let labels: Vec<Vec<String>> = (0..batch).map(|index| params.lines(index, batch, width)).collect();
        let lines = labels.iter().map(|lines| lines.len().max(1)).max().unwrap_or(1);
        let layout = Layout {
            columns,
            gap: params.gap as usize,
            picture: (width, height),
            below: if params.labels.is_empty() { 0 } else { lines * line + line / 2 },
        };
        let size = layout.size(batch)?;
        let mut sheet = Sheet {
            samples: edge::fill(background, channels).repeat(size.0 * size.1),
            width: size.0,
            channels,
            ink: if edge::luma(background) > 0.5 { [0.0, 0.0, 0.0, 1.0] } else { [1.0; 4] },
        };
        let pictures = samples(&image)?;
        let mut lacking = BTreeSet::new();
        for (index, label) in labels.iter().enumerate() {
            call.progress(index as u64, batch as u64, "laying out")?;
            let cell = layout.cell(index);
            sheet.put(cell, one_of(&pictures, index, height * width * channels));
            for (number, text) in label.iter().enumerate() {
                let Some(label) = Label::new(text, line, width)? else { continue };
                // A quarter of a line is free above the lines and below.
                let y = cell.y + height + line / 4 + number * line;
                sheet.write(&label, cell.x + (width - label.width) / 2, y);
                lacking.extend(label.lacking);
            }
        }
        if !lacking.is_empty() {
            call.warn(&lack(&lacking));
        }
        let Sheet { samples, .. } = sheet;
        Ok(Tensor::from_vec(samples, (1, size.1, size.0, channels), call.device())?.into())
    }

    /// Rejects a text that is no colour, and columns that are too wide for any picture.
    fn check(params: &Params) -> Result<()> {
        let Params { columns, gap, .. } = *params;
        let least = u64::from(columns) * (u64::from(gap) + 1) + u64::from(gap);
        if least > limits::MAX_SIDE {
            let most = limits::MAX_SIDE;
            let message = format!(
                "`columns` {columns} with a `gap` of {gap} is a sheet of at least {least} pixels across, the limit is \
                 {most}"
            );
            return Err(Error::limit(message).at("columns").hint("use fewer columns, or a smaller gap"));
        }
        colour_text::parse("background", &params.background).map(drop)
    }
}

/// What to say about characters that are question marks.
fn lack(lacking: &BTreeSet<char>) -> String {
    const MOST: usize = 8;
    let some: Vec<String> = lacking.iter().take(MOST).map(|c| format!("`{}`", c.escape_debug())).collect();
    let more = if lacking.len() > MOST { " and others" } else { "" };
    format!("`labels`: the font has no {}{more}; question marks stand for them", some.join(", "))
}

/// Where the pictures are.
struct Layout {
    columns: usize,
    gap: usize,
    /// Width and height.
    picture: (usize, usize),
    /// Rows for the label under a picture.
    below: usize,
}

impl Layout {
    /// Width and height of a sheet of `pictures`.
    ///
    /// # Errors
    /// If they exceed the limits.
    fn size(&self, pictures: usize) -> Result<(usize, usize)> {
        let side = |cells: usize, cell: usize| {
            cells.saturating_mul(cell.saturating_add(self.gap)).saturating_add(self.gap)
        };
        let width = side(self.columns, self.picture.0);
        let height = side(pictures.div_ceil(self.columns), self.picture.1.saturating_add(self.below));
        limits::check("the sheet", 1, width as u64, height as u64)?;
        Ok((width, height))
    }

    /// The place of a picture.
    fn cell(&self, index: usize) -> Area {
        let (width, height) = self.picture;
        Area {
            x: self.gap + index % self.columns * (width + self.gap),
            y: self.gap + index / self.columns * (height + self.below + self.gap),
            width,
            height,
        }
    }
}

/// A sheet `[height,width,channels]`.
struct Sheet {
    samples: Vec<f32>,
    width: usize,
    channels: usize,
    /// Colour of the labels: red, green, blue, alpha.
    ink: [f32; 4],
}

impl Sheet {
    /// Puts a picture into its place.
    fn put(&mut self, cell: Area, picture: &[f32]) {
        let length = cell.width * self.channels;
        for (row, from) in picture.chunks_exact(length).enumerate() {
            let start = ((cell.y + row) * self.width + cell.x) * self.channels;
            self.samples[start..start + length].copy_from_slice(from);
        }
    }

    /// Draws a label over what is there.
    fn write(&mut self, label: &Label, x: usize, y: usize) {
        for (row, line) in label.coverage.chunks_exact(label.width).enumerate() {
            let start = ((y + row) * self.width + x) * self.channels;
            let pixels = self.samples[start..].chunks_exact_mut(self.channels);
            for (pixel, ink) in pixels.zip(line) {
                draw(pixel, self.ink, *ink);
            }
        }
    }
}

/// Lays a colour over a pixel where it covers `cover` of it (source over, straight alpha).
fn draw(pixel: &mut [f32], colour: [f32; 4], cover: f32) {
    match pixel {
        [colours @ .., alpha] if colours.len() == 3 => {
            let total = cover + *alpha * (1.0 - cover);
            if total > 0.0 {
                for (to, from) in colours.iter_mut().zip(colour) {
                    *to = (from * cover + *to * *alpha * (1.0 - cover)) / total;
                }
            }
            *alpha = total;
        }
        colours => {
            for (to, from) in colours.iter_mut().zip(colour) {
                *to = from * cover + *to * (1.0 - cover);
            }
        }
    }
}

#[cfg(test)]
mod tests;
