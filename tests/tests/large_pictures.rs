//! Time and peak memory of runs with pictures of 100 megapixels, printed: `just large`. `DREAMWIRE_BINARY` names another
//! program, with its plugins beside it.
#![cfg(target_os = "linux")]

use dreamwire_tests::{Cmd, Folder, built, peak, repository};
use serde_json::json;
use std::io::Write;
use std::time::Instant;

/// What the IMAGE has: 10000 x 10000 pixels of three f32.
const PICTURE: u64 = 10_000 * 10_000 * 3 * 4;

/// Runs the program and returns its peak.
fn measure(folder: &Folder, what: &str, arguments: [&str; 2]) -> u64 {
    let program = match std::env::var_os("DREAMWIRE_BINARY") {
        Some(path) => repository().join(path),
        None => built().binary.clone(),
    };
    let began = Instant::now();
    let (status, most) = peak(&mut Cmd::of(&program, folder.path()).args(arguments).start());
    let (seconds, megabytes) = (began.elapsed().as_secs_f64(), most as f64 / 1e6);
    let times = most as f64 / PICTURE as f64;
    let line =
        format!("{what:<32} {seconds:>6.1} s {megabytes:>8.0} MB, {times:.2} of the picture; {status}");
    let _ = writeln!(std::io::stderr(), "{line}");
    most
}

#[test]
#[ignore = "gigabytes and a minute; `just large`"]
fn a_hundred_megapixels_take_three_times_their_own_memory() {
    let folder = Folder::new();
    let picture = image::RgbImage::from_fn(10_000, 10_000, |x, y| {
        image::Rgb([x as u8, y as u8, (x / 64 + y / 64) as u8])
    });
    for name in ["large.png", "large.jpg"] {
        picture.save(folder.join(name)).expect("it is written");
    }
    let flat = image::RgbImage::from_pixel(10_000, 10_000, image::Rgb([40, 80, 120]));
    flat.save(folder.join("flat.png")).expect("it is written");
    drop((picture, flat));
    for name in ["flat.png", "large.png", "large.jpg"] {
        let load = json!({ "class_type": "LoadImage", "inputs": { "image": name } });
        let show = json!({ "class_type": "PreviewImage", "inputs": { "images": ["small", 0] } });
        let resize = |width: u32| json!({ "class_type": "Resize", "inputs": { "image": ["load", 0], "width": width } });
        let save = |from: &str| json!({ "class_type": "SaveImage", "inputs": { "images": [from, 0] } });
        folder.write("load.json", json!({ "load": load, "small": resize(100), "show": show }).to_string());
        folder.write("save.json", json!({ "load": load, "save": save("load") }).to_string());
        let half = json!({ "load": load, "small": resize(5000), "save": save("small") });
        folder.write("half.json", half.to_string());
        let same = json!({ "load": load, "small": resize(9999), "save": save("small") });
        folder.write("same.json", same.to_string());
        for graph in ["load.json", "save.json", "half.json", "same.json"] {
            let most = measure(&folder, &format!("{name}, {graph}"), ["run", graph]);
            assert!(most <= 3 * PICTURE, "{most} bytes");
        }
    }
}
