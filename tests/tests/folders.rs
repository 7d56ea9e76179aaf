//! Folders of pictures as batches, and batches as one moving picture.

use dreamwire_tests::{Cmd, Folder, Watching};
use image::{AnimationDecoder, Rgb, RgbImage};
use serde_json::{Value, json};
use std::io::Cursor;

/// A picture of one colour.
fn write(folder: &Folder, name: &str, value: u8) {
    let mut png = Cursor::new(Vec::new());
    let picture = RgbImage::from_pixel(8, 6, Rgb([value, value, value]));
    picture.write_to(&mut png, image::ImageFormat::Png).expect("encodes");
    folder.write(name, png.into_inner());
}

/// A folder whose graph makes one animation of the pictures in `frames`.
fn animated(frames: &str, values: &[(&str, u8)]) -> Folder {
    let folder = Folder::with_graph(&json!({
        "frames": { "class_type": "LoadImages", "inputs": { "images": frames } },
        "save": {
            "class_type": "SaveAnimation",
            "inputs": { "images": ["frames", 0], "filename_prefix": "it", "format": "apng", "metadata": false }
        },
    }));
    std::fs::create_dir(folder.join("frames")).expect("made");
    values.iter().for_each(|(name, value)| write(&folder, name, *value));
    folder
}

/// The grey of each frame.
fn greys(folder: &Folder) -> Vec<u8> {
    let bytes = Cursor::new(folder.read("out/it_00001_.png"));
    let decoder =
        image::codecs::png::PngDecoder::new(bytes).and_then(|decoder| decoder.apng()).expect("an APNG");
    let frames = decoder.into_frames().collect_frames().expect("frames");
    frames.iter().map(|frame| frame.buffer().get_pixel(3, 3).0[0]).collect()
}

fn run(folder: &Folder) -> dreamwire_tests::Outcome {
    Cmd::new(folder).args(["run", "graph.json", "--out", "out"]).run()
}

#[test]
fn a_folder_is_a_batch_in_natural_order() {
    let folder = animated("frames", &[("frames/10.png", 30), ("frames/2.png", 20), ("frames/ü 1.png", 40)]);
    folder.write("frames/notes.txt", "none of them");
    run(&folder).exits(0);
    assert_eq!(greys(&folder), [20, 30, 40]);
    let sequence =
        animated("frames/####.png", &[("frames/0001.png", 10), ("frames/0010.png", 20), ("frames/x.png", 9)]);
    run(&sequence).exits(0);
    assert_eq!(greys(&sequence), [10, 20]);
}

#[test]
fn a_broken_picture_is_named_and_so_is_a_folder_without_any() {
    let folder = animated("frames", &[("frames/1.png", 1)]);
    folder.write("frames/2.png", "<html>404</html>");
    run(&folder).exits(5).says("node `frames`").says("`frames/2.png` is ");
    run(&animated("frames/*.jpg", &[("frames/1.png", 1)])).exits(5).says("there are no files `frames/*.jpg`");
    run(&animated("../*.png", &[])).exits(5).says("lies outside the graph's folder");
}

#[test]
fn a_new_picture_in_the_folder_runs_it_again() {
    let folder = animated("frames/*.png", &[("frames/1.png", 10), ("frames/2.png", 20)]);
    let watching = Watching::start(&folder, [] as [&str; 0]);
    watching.until("waiting");
    assert_eq!(greys(&folder), [10, 20]);
    write(&folder, "frames/3.png", 30);
    let events: Vec<Value> = watching.until("waiting");
    assert!(
        events.iter().any(|event| event["event"] == "started" && event["node"] == "frames"),
        "{events:#?}"
    );
    assert_eq!(greys(&folder), [10, 20, 30]);
}
