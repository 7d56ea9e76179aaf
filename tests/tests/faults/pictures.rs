//! Pictures of every kind, and files that are none.

use super::png::{Form, GREY, GREY_ALPHA, PALETTE, RGB, RGBA, png};
use dreamwire_tests::{Cmd, Folder, Outcome, photo};
use serde_json::{Map, Value, json};

fn run(folder: &Folder) -> Outcome {
    Cmd::new(folder).args(["run", "graph.json", "--out", "out"]).run()
}

/// A folder with one picture file, and a graph that saves it.
fn loading(name: &str, content: &[u8]) -> Folder {
    let folder = Folder::with_graph(&json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": name } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", 0], "filename_prefix": "it" } },
    }));
    folder.write(name, content);
    folder
}

#[track_caller]
fn refused(name: &str, content: &[u8], code: i32, said: &[&str]) {
    let folder = loading(name, content);
    let outcome = run(&folder);
    outcome.exits(code).says("node `photo`").says(name);
    said.iter().for_each(|text| _ = outcome.says(text));
    assert!(folder.files("out").is_empty(), "nothing is published");
}

/// Faults: D4.
#[test]
fn formats_that_are_not_read_are_named_with_those_that_are() {
    let files: [(&str, &[u8], &str); 7] = [
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        ("a.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "an AVIF picture"),
        ("a.psd", b"8BPS\0\x01\0\0\0\0\0\0\0\x03", "a Photoshop document"),
        ("a.nef", b"II*\0\x08\0\0\0\0\0\0\0\0\0", "a camera raw file"),
        ("a.jxl", b"\xff\x0a\0\0\0\0\0\0", "a JPEG XL picture"),
        ("a.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "an SVG drawing"),
        ("a.bin", b"\x01\x02\x03\x04\x05\x06\x07\x08", "not a recognised picture"),
    ];
    for (name, content, what) in files {
        refused(
            name,
            content,
            5,
            &[what, "supported formats are PNG, JPEG, WebP, TIFF, GIF, BMP, QOI, OpenEXR"],
        );
    }
}

const EIGHT_BIT_RGB: Form = Form { depth: 8, color: RGB };

/// A GIF of `width x height` with `frames` frames of one pixel.
fn gif(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let mut gif = b"GIF89a".to_vec();
    gif.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    gif.extend([0x80, 0, 0, 200, 100, 50, 0, 0, 0]);
    // Place and size of the frame, then in codes of 3 bits: clear, colour 0, end.
    let frame: [u8; 15] = [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 0x01, 0];
    gif.extend(frame.repeat(frames));
    gif.push(0x3B);
    gif
}

/// A header of 54 bytes and no pixels.
fn bmp(side: u32) -> Vec<u8> {
    let mut bmp = b"BM".to_vec();
    for number in [54, 0, 54, 40, side, side] {
        bmp.extend(number.to_le_bytes());
    }
    bmp.extend([1, 0, 24, 0]);
    bmp.extend([0; 24]);
    bmp
}

/// Faults: D5, D6.
#[test]
fn a_bomb_is_refused_by_its_header() {
    for size in [(60_000, 60_000), (16_384, 16_384), (1, 2_000_000_000)] {
        let (width, height) = size;
        let size_text = format!("{width}x{height}");
        refused("a.png", &png(size, EIGHT_BIT_RGB, &[], &[]), 8, &["the limit is", &size_text]);
    }
    refused("a.gif", &gif(65_535, 65_535, 1), 8, &["the limit is", "65535x65535"]);
    refused("a.bmp", &bmp(60_000), 8, &["the limit is", "60000x60000"]);
}

/// Faults: D5.
#[test]
fn of_many_frames_the_first_is_the_picture() {
    let folder = loading("a.gif", &gif(1, 1, 5_000));
    run(&folder).exits(0);
    let saved = image::open(folder.join("out/it_00001_.png")).expect("a picture").to_rgb8();
    assert_eq!((saved.dimensions(), saved.get_pixel(0, 0).0), ((1, 1), [200, 100, 50]));
    assert_eq!(folder.files("out").len(), 1);
}

/// Faults: D7.
#[test]
fn a_picture_without_pixels_is_refused() {
    refused("a.png", &png((0, 5), EIGHT_BIT_RGB, &[], &[]), 5, &["cannot be read as PNG"]);
    refused("a.gif", &gif(0, 5, 1), 5, &["a.gif"]);
}

/// Faults: D7.
#[test]
fn sizes_that_nobody_expects_work() {
    for (width, height) in [(1, 1), (1, 10_000), (10_000, 1), (127, 131)] {
        let folder = Folder::with_graph(&json!({
            "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
            "resized": { "class_type": "Resize", "inputs": { "image": ["photo", 0], "width": 7, "height": 11 } },
            "back": { "class_type": "Resize", "inputs": { "image": ["resized", 0], "width": width, "height": height } },
            "same": { "class_type": "SaveImage", "inputs": { "images": ["photo", 0], "filename_prefix": "same" } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["back", 0], "filename_prefix": "back" } },
        }));
        photo(&folder.join("a.png"), width, height);
        run(&folder).exits(0);
        let open = |name: &str| image::open(folder.join(name)).expect("a picture").to_rgb8();
        assert!(open("a.png") == open("out/same_00001_.png"), "{width}x{height}");
        assert_eq!(open("out/back_00001_.png").dimensions(), (width, height));
    }
}

/// Faults: D15.
#[test]
fn names_that_nobody_expects_are_only_names() {
    let picture = png((1, 1), EIGHT_BIT_RGB, &[], &[&[10, 20, 30]]);
    let long = format!("{}.png", "x".repeat(240));
    for name in [
        "a b.png",
        "-rf.png",
        "$(touch ran).png",
        "a;touch ran|b.png",
        "a\nb.png",
        "\u{e9}.png",
        "e\u{301}.png",
        "%s%n.png",
        "CON.png",
        &long,
    ] {
        let folder = loading(name, &picture);
        run(&folder).exits(0);
        assert_eq!(folder.files("out"), ["it_00001_.png"], "{name}");
        assert!(!folder.join("ran").exists(), "{name}");
    }
    let folder = loading("a.png", &picture);
    let set = format!("photo.image={}.png", "x".repeat(300));
    let outcome = Cmd::new(&folder).args(["run", "graph.json", "--set", &set]).run();
    outcome.exits(5).says("there is no file `xxx");
}

/// One step of a dream of noise.
fn dreaming(width: u32, height: u32, layer: &str) -> Folder {
    Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": width, "height": height } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "layers": layer } },
        "dream": { "class_type": "GradientAscent", "inputs": {
            "image": ["noise", 0], "objective": ["vgg", 0], "octaves": 1, "steps": 1
        } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0], "filename_prefix": "it" } },
    }))
}

/// Faults: D7.
#[test]
fn dreams_of_odd_sizes_keep_them() {
    for (width, height, layer) in
        [(37, 41, "relu3_1"), (32, 32, "pool5"), (1, 300, "relu1_2"), (1, 1, "relu1_1")]
    {
        let folder = dreaming(width, height, layer);
        run(&folder).exits(0);
        let saved = image::open(folder.join("out/it_00001_.png")).expect("a picture");
        assert_eq!((saved.width(), saved.height()), (width, height), "{layer}");
    }
}

/// Faults: D7.
#[test]
fn a_picture_smaller_than_the_layer_needs_is_refused_with_what_it_needs() {
    for (width, height, layer, needed) in [(31, 40, "pool5", "32x32"), (1, 10_000, "pool1", "2x2")] {
        let folder = dreaming(width, height, layer);
        let said = format!(
            "a picture of {width}x{height} is too small for `{layer}`, which needs at least {needed}"
        );
        run(&folder).exits(7).says("node `dream`").says(&said).says("of node `vgg`");
        assert!(folder.files("out").is_empty());
    }
}

/// Two adjacent pixels, as IMAGE and MASK saved in 16 bits.
#[track_caller]
fn check_form(
    what: &str,
    form: Form,
    chunks: &[(&[u8; 4], &[u8])],
    row: &[u8],
    colors: [[u16; 3]; 2],
    mask: [u16; 2],
) {
    let flat = |mean: f64| {
        let inputs = json!({ "width": 2, "height": 1, "mean": mean, "std": 0 });
        json!({ "class_type": "NoiseImage", "inputs": inputs })
    };
    let save = |from: &str| {
        let inputs = json!({ "images": [from, 0], "filename_prefix": from, "bits": "16" });
        json!({ "class_type": "SaveImage", "inputs": inputs })
    };
    let folder = Folder::with_graph(&json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
        "black": flat(0.0),
        "white": flat(1.0),
        "mask": { "class_type": "Blend", "inputs": {
            "image1": ["black", 0], "image2": ["white", 0], "mask": ["photo", "MASK"], "factor": 1
        } },
        "save_photo": save("photo"),
        "save_mask": save("mask"),
    }));
    folder.write("a.png", png((2, 1), form, chunks, &[row]));
    run(&folder).exits(0);
    let open = |name: &str| {
        let picture = image::open(folder.join(name)).expect("a picture").to_rgb16();
        [0, 1].map(|x| picture.get_pixel(x, 0).0)
    };
    assert_eq!(open("out/photo_00001_.png"), colors, "{what}");
    assert_eq!(open("out/mask_00001_.png"), mask.map(|sample| [sample; 3]), "{what}");
}

/// Faults: D8.
#[test]
fn every_form_of_pixels_becomes_colour_and_mask() {
    // 51 of 255 is a fifth: 13107 of 65535.
    let full = u16::MAX;
    let eight = |color| Form { depth: 8, color };
    let sixteen = |color| Form { depth: 16, color };
    let opaque = [0, 0];
    check_form("grey", eight(GREY), &[], &[51, 255], [[13_107; 3], [full; 3]], opaque);
    check_form("one bit", Form { depth: 1, color: GREY }, &[], &[0b0100_0000], [[0; 3], [full; 3]], opaque);
    let row = [0x12, 0x34, 0xFF, 0xFE];
    check_form("16 bits", sixteen(GREY), &[], &row, [[0x1234; 3], [0xFFFE; 3]], opaque);
    let row = [51, 0, 255, 204];
    check_form("grey with alpha", eight(GREY_ALPHA), &[], &row, [[13_107; 3], [full; 3]], [full, 13_107]);
    let row = [51, 0, 255, 0, 102, 51];
    check_form("colour", eight(RGB), &[], &row, [[13_107, 0, full], [0, 26_214, 13_107]], opaque);
    let key: &[u8] = &[0, 51, 0, 0, 0, 255];
    let colors = [[13_107, 0, full], [0, 26_214, 13_107]];
    check_form("a colour that is clear", eight(RGB), &[(b"tRNS", key)], &row, colors, [full, 0]);
    let palette: [(&[u8; 4], &[u8]); 2] = [(b"PLTE", &[51, 0, 255, 0, 102, 51]), (b"tRNS", &[255, 51])];
    check_form("palette", eight(PALETTE), &palette, &[0, 1], colors, [0, 52_428]);
    check_form(
        "palette of 4 bits",
        Form { depth: 4, color: PALETTE },
        &palette,
        &[0x10],
        [colors[1], colors[0]],
        [52_428, 0],
    );
    let row = [0x12, 0x34, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0x56, 0x78, 0, 1, 0, 0];
    let colors = [[0x1234, 0, full], [0, 0x5678, 1]];
    check_form("16 bits with alpha", sixteen(RGBA), &[], &row, colors, [0, full]);
}

/// TIFF with one entry: tag 0x0112 (orientation), SHORT, one value.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    exif
}

/// Faults: D9.
#[test]
fn every_orientation_is_applied_once() {
    // The stored picture, and its appearance under each orientation, row by row.
    const STORED: [&[u8]; 2] = [&[10, 20, 30], &[40, 50, 60]];
    const SEEN: [(u32, [u8; 6]); 8] = [
        (3, [10, 20, 30, 40, 50, 60]),
        (3, [30, 20, 10, 60, 50, 40]),
        (3, [60, 50, 40, 30, 20, 10]),
        (3, [40, 50, 60, 10, 20, 30]),
        (2, [10, 40, 20, 50, 30, 60]),
        (2, [40, 10, 50, 20, 60, 30]),
        (2, [60, 30, 50, 20, 40, 10]),
        (2, [30, 60, 20, 50, 10, 40]),
    ];
    let mut graph = Map::new();
    for orientation in 1..=8 {
        let (photo, name) = (format!("photo{orientation}"), format!("{orientation}.png"));
        let save = json!({ "images": [photo, 0], "filename_prefix": format!("seen{orientation}"), "metadata": false });
        graph.insert(photo, json!({ "class_type": "LoadImage", "inputs": { "image": name } }));
        graph.insert(format!("save{orientation}"), json!({ "class_type": "SaveImage", "inputs": save }));
    }
    let folder = Folder::with_graph(&Value::Object(graph));
    for orientation in 1..=8u8 {
        let form = Form { depth: 8, color: GREY };
        let turn = exif(orientation);
        let chunks: [(&[u8; 4], &[u8]); 1] = [(b"eXIf", &turn)];
        folder.write(&format!("{orientation}.png"), png((3, 2), form, &chunks, &STORED));
    }
    run(&folder).exits(0);
    for (orientation, (width, expected)) in (1..).zip(SEEN) {
        let name = format!("out/seen{orientation}_00001_.png");
        let seen = image::open(folder.join(&name)).expect("a picture").to_luma8();
        assert_eq!((seen.width(), seen.as_raw().as_slice()), (width, &expected[..]), "{orientation}");
        // Nobody rotates it a second time.
        let file = folder.read(&name);
        assert!(!file.windows(4).any(|bytes| bytes == b"eXIf"), "{orientation}");
    }
}
