//! Small graphs of each class with the inputs that its documentation names, and the values that it describes.

use serde_json::{Value, json};

/// A node of a class, and what it gives.
pub(crate) struct Case {
    pub(crate) class: &'static str,
    /// The output that is looked at, and whether it is a MASK.
    pub(crate) output: (u32, Gives),
    pub(crate) inputs: Value,
    /// How many pictures, and their size.
    pub(crate) size: (usize, u32, u32),
    /// Pixels of the last picture, by place, in 0..255; of a mask as grey.
    pub(crate) pixels: Vec<((u32, u32), [u8; 4])>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Gives {
    Image,
    Mask,
}

pub(crate) const WHITE: [u8; 4] = grey(255);
pub(crate) const BLACK: [u8; 4] = grey(0);
/// 0xff8000.
const ORANGE: [u8; 4] = [255, 128, 0, 255];

const fn grey(level: u8) -> [u8; 4] {
    [level, level, level, 255]
}

/// A pixel of `picture.png`.
pub(crate) fn picture(x: u32, y: u32) -> [u8; 4] {
    [(20 * x) as u8, (30 * y) as u8, 100, 255]
}

fn image(
    class: &'static str,
    size: (usize, u32, u32),
    inputs: Value,
    pixels: &[((u32, u32), [u8; 4])],
) -> Case {
    Case { class, output: (0, Gives::Image), inputs, size, pixels: pixels.to_vec() }
}

fn mask(class: &'static str, size: (u32, u32), inputs: Value, levels: &[((u32, u32), u8)]) -> Case {
    let pixels = levels.iter().map(|(place, level)| (*place, grey(*level))).collect();
    Case { class, output: (0, Gives::Mask), inputs, size: (1, size.0, size.1), pixels }
}

/// Pictures and masks from files, or from numbers.
pub(crate) fn from_nothing() -> Vec<Case> {
    vec![
        image(
            "LoadImage",
            (1, 8, 6),
            json!({ "image": "picture.png", "upload": "image" }),
            &[((0, 0), picture(0, 0)), ((3, 2), picture(3, 2)), ((7, 5), picture(7, 5))],
        ),
        Case {
            output: (1, Gives::Mask),
            ..mask("LoadImage", (8, 6), json!({ "image": "half.png" }), &[((3, 5), 0), ((4, 0), 255)])
        },
        mask(
            "LoadImageMask",
            (8, 6),
            json!({ "image": "half.png", "channel": "alpha", "upload": "image" }),
            &[((3, 5), 0), ((4, 0), 255)],
        ),
        mask("LoadImageMask", (8, 6), json!({ "image": "half.png", "channel": "green" }), &[((0, 0), 60)]),
        image(
            "EmptyImage",
            (2, 5, 3),
            json!({ "width": 5, "height": 3, "batch_size": 2, "color": 16744448 }),
            &[((0, 0), ORANGE), ((4, 2), ORANGE)],
        ),
        mask(
            "SolidMask",
            (5, 3),
            json!({ "value": 0.4, "width": 5, "height": 3 }),
            &[((0, 0), 102), ((4, 2), 102)],
        ),
    ]
}

/// Sizes, crops and borders.
pub(crate) fn geometry() -> Vec<Case> {
    vec![
        image(
            "ImageScale",
            (1, 16, 12),
            json!({ "upscale_method": "nearest-exact", "width": 16, "height": 12, "crop": "disabled", "image": ["1", 0] }),
            &[((6, 4), picture(3, 2)), ((7, 5), picture(3, 2)), ((8, 4), picture(4, 2))],
        ),
        // The centre of it is as large as the result.
        image(
            "ImageScale",
            (1, 6, 6),
            json!({ "upscale_method": "area", "width": 6, "height": 6, "crop": "center", "image": ["1", 0] }),
            &[((0, 0), picture(1, 0)), ((5, 5), picture(6, 5))],
        ),
        // 0 keeps the ratio. Two columns and two rows make one pixel.
        image(
            "ImageScale",
            (1, 4, 3),
            json!({ "upscale_method": "area", "width": 0, "height": 3, "crop": "disabled", "image": ["1", 0] }),
            &[((1, 1), [50, 75, 100, 255])],
        ),
        image(
            "ImageScale",
            (1, 16, 12),
            json!({ "upscale_method": "bilinear", "width": 16, "height": 12, "crop": "disabled", "image": ["1", 0] }),
            // A quarter and three quarters of the way between the centres of two pixels.
            &[((7, 6), [65, 82, 100, 255]), ((8, 6), [75, 82, 100, 255])],
        ),
        image(
            "ImageScale",
            (1, 16, 12),
            json!({ "upscale_method": "bicubic", "width": 16, "height": 12, "crop": "disabled", "image": ["3", 0] }),
            &[((0, 0), ORANGE), ((15, 11), ORANGE)],
        ),
        image(
            "ImageScale",
            (1, 5, 9),
            json!({ "upscale_method": "lanczos", "width": 5, "height": 9, "crop": "disabled", "image": ["3", 0] }),
            &[((0, 0), ORANGE), ((4, 8), ORANGE)],
        ),
        image(
            "ImageScaleBy",
            (1, 16, 12),
            json!({ "upscale_method": "nearest-exact", "scale_by": 2.0, "image": ["1", 0] }),
            &[((6, 4), picture(3, 2)), ((15, 11), picture(7, 5))],
        ),
        image(
            "ImageScaleBy",
            (1, 4, 3),
            json!({ "upscale_method": "area", "scale_by": 0.5, "image": ["1", 0] }),
            &[((0, 0), [10, 15, 100, 255])],
        ),
        image(
            "ImageCrop",
            (1, 3, 2),
            json!({ "width": 3, "height": 2, "x": 4, "y": 3, "image": ["1", 0] }),
            &[((0, 0), picture(4, 3)), ((2, 1), picture(6, 4))],
        ),
        image(
            "ImagePadForOutpaint",
            (1, 10, 10),
            json!({ "left": 2, "top": 1, "right": 0, "bottom": 3, "feathering": 0, "image": ["1", 0] }),
            &[((0, 0), grey(127)), ((2, 1), picture(0, 0)), ((9, 6), picture(7, 5)), ((9, 7), grey(127))],
        ),
        Case {
            output: (1, Gives::Mask),
            ..mask(
                "ImagePadForOutpaint",
                (10, 10),
                json!({ "left": 2, "top": 1, "right": 0, "bottom": 3, "feathering": 0, "image": ["1", 0] }),
                &[((0, 0), 255), ((1, 5), 255), ((2, 1), 0), ((9, 6), 0), ((9, 7), 255)],
            )
        },
        mask(
            "CropMask",
            (3, 2),
            json!({ "x": 2, "y": 1, "width": 3, "height": 2, "mask": ["2", 0] }),
            &[((0, 0), 0), ((1, 1), 0), ((2, 0), 255)],
        ),
    ]
}

/// Colours and filters.
pub(crate) fn colour() -> Vec<Case> {
    let blend = |mode: &str, factor: f64, pixels: &[[u8; 4]]| {
        let inputs =
            json!({ "blend_factor": factor, "blend_mode": mode, "image1": ["1", 0], "image2": ["3", 0] });
        let pixels: Vec<_> = pixels.iter().map(|pixel| ((3, 2), *pixel)).collect();
        image("ImageBlend", (1, 8, 6), inputs, &pixels)
    };
    vec![
        image(
            "ImageInvert",
            (1, 8, 6),
            json!({ "image": ["1", 0] }),
            &[((0, 0), [255, 255, 155, 255]), ((3, 2), [195, 195, 155, 255])],
        ),
        // (60, 60, 100) under (255, 128, 0).
        blend("normal", 0.5, &[[157, 94, 50, 255]]),
        blend("normal", 0.0, &[[60, 60, 100, 255]]),
        blend("multiply", 1.0, &[[60, 30, 0, 255]]),
        blend("screen", 1.0, &[[255, 158, 100, 255]]),
        blend("overlay", 1.0, &[[120, 60, 0, 255]]),
        // What these two give is not written down.
        blend("soft_light", 1.0, &[]),
        blend("difference", 1.0, &[]),
        // A flat picture has nothing to blur or to sharpen, up to its borders.
        image(
            "ImageBlur",
            (1, 8, 6),
            json!({ "blur_radius": 1, "sigma": 1.0, "image": ["3", 0] }),
            &[((0, 0), ORANGE), ((4, 3), ORANGE), ((7, 5), ORANGE)],
        ),
        // A ramp is its own mean, away from its ends.
        image(
            "ImageBlur",
            (1, 8, 6),
            json!({ "blur_radius": 2, "sigma": 0.5, "image": ["1", 0] }),
            &[((3, 2), picture(3, 2)), ((4, 3), picture(4, 3))],
        ),
        image(
            "ImageSharpen",
            (1, 8, 6),
            json!({ "sharpen_radius": 1, "sigma": 1.0, "alpha": 1.0, "image": ["3", 0] }),
            &[((0, 0), ORANGE), ((4, 3), ORANGE), ((7, 5), ORANGE)],
        ),
        image(
            "ImageSharpen",
            (1, 8, 6),
            json!({ "sharpen_radius": 2, "sigma": 0.5, "alpha": 2.0, "image": ["1", 0] }),
            &[((3, 2), picture(3, 2))],
        ),
    ]
}

/// Batches.
pub(crate) fn batches() -> Vec<Case> {
    vec![
        image(
            "ImageBatch",
            (2, 8, 6),
            json!({ "image1": ["1", 0], "image2": ["3", 0] }),
            &[((0, 0), ORANGE), ((7, 5), ORANGE)],
        ),
        // The second is cropped to the ratio of the first, around its centre: six of its eight columns are left.
        image(
            "ImageBatch",
            (2, 6, 6),
            json!({ "image1": ["10", 0], "image2": ["1", 0] }),
            &[((0, 0), picture(1, 0)), ((5, 5), picture(6, 5))],
        ),
        // Doubled, bilinearly.
        image(
            "ImageBatch",
            (2, 16, 12),
            json!({ "image1": ["11", 0], "image2": ["1", 0] }),
            &[((7, 6), [65, 82, 100, 255]), ((8, 6), [75, 82, 100, 255])],
        ),
        image(
            "RepeatImageBatch",
            (3, 8, 6),
            json!({ "amount": 3, "image": ["1", 0] }),
            &[((3, 2), picture(3, 2))],
        ),
        image("RepeatImageBatch", (4, 8, 6), json!({ "amount": 2, "image": ["8", 0] }), &[((3, 2), ORANGE)]),
        image(
            "ImageFromBatch",
            (1, 8, 6),
            json!({ "batch_index": 0, "length": 1, "image": ["8", 0] }),
            &[((3, 2), picture(3, 2))],
        ),
        // Beyond the end is the end.
        image(
            "ImageFromBatch",
            (1, 8, 6),
            json!({ "batch_index": 1, "length": 5, "image": ["8", 0] }),
            &[((3, 2), ORANGE)],
        ),
    ]
}

/// Masks of masks.
pub(crate) fn masks() -> Vec<Case> {
    let composite = |operation: &str, inside: u8, outside: u8| {
        mask(
            "MaskComposite",
            (8, 6),
            json!({ "x": 2, "y": 1, "operation": operation, "destination": ["5", 0], "source": ["4", 0] }),
            &[((1, 1), outside), ((2, 0), outside), ((2, 1), inside), ((5, 2), inside), ((6, 2), outside)],
        )
    };
    let grown = |expand: i64, tapered: bool, levels: &[((u32, u32), u8)]| {
        let inputs = json!({ "expand": expand, "tapered_corners": tapered, "mask": ["6", 0] });
        mask("GrowMask", (8, 6), inputs, levels)
    };
    vec![
        mask("InvertMask", (8, 6), json!({ "mask": ["2", 0] }), &[((3, 5), 255), ((4, 0), 0)]),
        // Of ones and ones.
        composite("multiply", 255, 255),
        composite("add", 255, 255),
        composite("subtract", 0, 255),
        composite("and", 255, 255),
        composite("or", 255, 255),
        composite("xor", 0, 255),
        mask(
            "FeatherMask",
            (8, 6),
            json!({ "left": 2, "top": 0, "right": 4, "bottom": 0, "mask": ["5", 0] }),
            &[((0, 3), 127), ((1, 3), 255), ((4, 3), 255), ((5, 3), 191), ((6, 3), 127), ((7, 0), 64)],
        ),
        grown(1, true, &[((3, 2), 255), ((2, 2), 255), ((3, 3), 255), ((2, 1), 0), ((5, 2), 0)]),
        grown(1, false, &[((3, 2), 255), ((2, 2), 255), ((2, 1), 255), ((4, 3), 255), ((5, 2), 0)]),
        grown(2, true, &[((5, 2), 255), ((4, 3), 255), ((5, 3), 0), ((5, 4), 0)]),
        grown(0, true, &[((3, 2), 255), ((2, 2), 0)]),
        grown(-1, true, &[((3, 2), 0), ((2, 2), 0)]),
    ]
}

/// Masks of pictures, and pictures by masks.
pub(crate) fn between() -> Vec<Case> {
    let composited = |inputs: Value, pixels: &[((u32, u32), [u8; 4])]| {
        image("ImageCompositeMasked", (1, 8, 6), inputs, pixels)
    };
    vec![
        image("MaskToImage", (1, 8, 6), json!({ "mask": ["2", 0] }), &[((3, 5), BLACK), ((4, 0), WHITE)]),
        mask(
            "ImageToMask",
            (8, 6),
            json!({ "channel": "green", "image": ["1", 0] }),
            &[((3, 2), 60), ((7, 5), 150)],
        ),
        mask(
            "ImageToMask",
            (8, 6),
            json!({ "channel": "alpha", "image": ["9", 0] }),
            &[((3, 2), 255), ((7, 5), 0)],
        ),
        // 60 * 65536 + 60 * 256 + 100.
        mask(
            "ImageColorToMask",
            (8, 6),
            json!({ "color": 3947620, "image": ["1", 0] }),
            &[((3, 2), 255), ((4, 2), 0), ((0, 0), 0)],
        ),
        composited(
            json!({ "x": 2, "y": 1, "resize_source": false, "destination": ["1", 0], "source": ["7", 0] }),
            &[
                ((1, 1), picture(1, 1)),
                ((2, 1), ORANGE),
                ((5, 2), ORANGE),
                ((6, 2), picture(6, 2)),
                ((2, 3), picture(2, 3)),
            ],
        ),
        // What lies beyond the destination is cut off.
        composited(
            json!({ "x": 6, "y": 5, "resize_source": false, "destination": ["1", 0], "source": ["7", 0] }),
            &[((5, 5), picture(5, 5)), ((7, 5), ORANGE), ((7, 4), picture(7, 4))],
        ),
        composited(
            json!({ "x": 0, "y": 0, "resize_source": true, "destination": ["1", 0], "source": ["7", 0], "mask": ["2", 0] }),
            &[((0, 0), picture(0, 0)), ((2, 5), picture(2, 5)), ((5, 0), ORANGE), ((7, 5), ORANGE)],
        ),
        // The mask is transparency.
        image(
            "JoinImageWithAlpha",
            (1, 8, 6),
            json!({ "image": ["1", 0], "alpha": ["2", 0] }),
            &[((3, 2), picture(3, 2)), ((7, 5), [140, 150, 100, 0])],
        ),
        image(
            "SplitImageWithAlpha",
            (1, 8, 6),
            json!({ "image": ["9", 0] }),
            &[((3, 2), picture(3, 2)), ((7, 5), picture(7, 5))],
        ),
        Case {
            output: (1, Gives::Mask),
            ..mask("SplitImageWithAlpha", (8, 6), json!({ "image": ["9", 0] }), &[((3, 2), 0), ((7, 5), 255)])
        },
        Case {
            output: (1, Gives::Mask),
            ..mask("SplitImageWithAlpha", (8, 6), json!({ "image": ["1", 0] }), &[((3, 2), 0), ((7, 5), 0)])
        },
    ]
}
