use crate::files::decode::Picture;
use crate::limits;
use crate::sizes::Sizes;
use dreamwire_sdk::prelude::*;
use std::path::Path;

/// Reads the pictures of a folder, or those whose names fit a pattern, as one batch.
///
/// `frames` are all pictures of that folder, by the extension of their names; `frames/*.png` those whose names fit: `*` is
/// any text, `?` one character, and `####` a number of at least four digits, so that `frames/####.png` is a sequence. Sub-folders
/// and names that begin with a full stop are left out. The order is natural: numbers count, so 2 is before 10. Of these,
/// counted from 0, the picture `first` is the first, then every `step`-th, at most `count`.
///
/// Formats, colours and alpha are as in LoadImage; grey pictures become colours, and pictures without alpha have a MASK of
/// zeros, so that all kinds go together. Pictures must have one size, or `resize` makes it that of the first: the centre of a
/// larger or smaller one, Catmull-Rom.
///
/// IMAGE is `[B,H,W,3]`, display-referred sRGB in 0..1; MASK is `[B,H,W]`, `1 - alpha`. COUNT is B.
///
/// Every file that fits is part of what the result depends on, whether it is taken or not: a new, removed or edited one makes
/// this node run again.
///
/// Errors: no such folder or file; none left after `first`; what LoadImage refuses, with the name of the file; two sizes; more
/// than 100 megapixels together.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// A folder, or a pattern of names of files: `frames`, `frames/*.png`, `frames/####.png`.
    #[schemars(extend("format" = "dw-files"))]
    pub(crate) images: String,
    /// Index of the first picture to read, from 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) first: usize,
    /// The most pictures to read; 0 reads all.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) count: usize,
    /// Of how many pictures one is read: 2 reads every other.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) step: usize,
    /// What happens to a picture of another size than the first: same refuses it, first resizes its centre to that size.
    #[serde(default)]
    pub(crate) resize: Sizes,
}

fn one() -> usize {
    1
}

/// Extensions of the pictures that LoadImage reads.
const EXTENSIONS: [&str; 11] =
    ["png", "jpg", "jpeg", "webp", "tif", "tiff", "gif", "bmp", "qoi", "exr", "apng"];

fn has_extension(name: &str) -> bool {
    // What follows a name may say where it lies: `a.png [output]`.
    let name = name.split(" [").next().unwrap_or_default();
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// Which pictures of a folder, and how they become a batch.
pub(crate) struct Selection<'a> {
    /// The param that names the files.
    pub(crate) param: &'static str,
    pub(crate) files: &'a str,
    pub(crate) first: usize,
    pub(crate) count: usize,
    pub(crate) step: usize,
    pub(crate) resize: Sizes,
}

impl Selection<'_> {
    /// The names of the pictures to read.
    fn names(&self, call: &Call) -> Result<Vec<String>> {
        let mut names = call.list(self.files)?;
        // A pattern says what is wanted; a folder may have other files.
        if !self.files.contains(['*', '?', '#']) {
            names.retain(|name| has_extension(name));
        }
        let found = names.len();
        let most = if self.count == 0 { usize::MAX } else { self.count };
        let names: Vec<String> =
            names.into_iter().skip(self.first).step_by(self.step.max(1)).take(most).collect();
        if !names.is_empty() {
            return Ok(names);
        }
        let (files, first) = (self.files, self.first);
        Err(match found {
            0 => Error::content(format!("`{files}` has no pictures"))
                .hint("a picture is known by its extension, such as .png; a pattern takes files of any name")
                .at(self.param),
            _ => Error::content(format!("`{files}` has {found} pictures, so there is none at index {first}"))
                .hint("the first picture has index 0"),
        })
    }

    /// IMAGE, MASK and how many.
    pub(crate) fn load(&self, call: &Call) -> Result<Outputs> {
        let names = self.names(call)?;
        let count = names.len();
        let (mut rgb, mut masks) = (Vec::new(), Vec::new());
        let mut first: Option<(&str, (usize, usize))> = None;
        for (index, name) in names.iter().enumerate() {
            call.progress(index as u64, count as u64, "reading pictures")?;
            let picture = Picture::load(call, self.param, name, "")?;
            let size = (picture.width, picture.height);
            let wanted = match first {
                Some(wanted) => wanted,
                None => {
                    self.check_size(count, size)?;
                    rgb.reserve_exact(count * size.0 * size.1 * 3);
                    masks.reserve_exact(count * size.0 * size.1);
                    *first.insert((name, size))
                }
            };
            if size == wanted.1 {
                rgb.extend(picture.rgb);
                masks.extend(picture.mask);
                continue;
            }
            let tensor =
                |samples, channels| Tensor::from_vec(samples, (1, size.1, size.0, channels), &Device::Cpu);
            let fit = |samples, channels| {
                let fitted = self.resize.fit(call, (name, &tensor(samples, channels)?), wanted);
                crate::batch::samples(&fitted.map_err(|error| error.at(self.param))?)
            };
            rgb.extend(fit(picture.rgb, 3)?);
            masks.extend(fit(picture.mask, 1)?);
        }
        let (width, height) = first.map_or((0, 0), |(_, size)| size);
        let image = Tensor::from_vec(rgb, (count, height, width, 3), call.device())?;
        let mask = Tensor::from_vec(masks, (count, height, width), call.device())?;
        Ok(Outputs::new().tensor(image).tensor(mask).int(count as i64))
    }

    fn check_size(&self, count: usize, (width, height): (usize, usize)) -> Result<()> {
        let what = format!("the batch of `{}`", self.files);
        limits::check(&what, count as u64, width as u64, height as u64)
            .map_err(|error| error.hint("read fewer of them, or smaller ones").at(self.param))?;
        limits::check_memory(&what, (count * width * height) as u64 * 16)
    }
}

#[derive(Default)]
pub(crate) struct LoadImages;

impl Node for LoadImages {
    const KIND: Kind = Kind::new("LoadImages", 1).title("Load Images").category("image").outputs(&[
        port("IMAGE", "IMAGE").doc("The pictures, `[B,H,W,3]`."),
        port("MASK", "MASK").doc("The masks `1 - alpha`, `[B,H,W]`; zeros where a file has no alpha."),
        port("COUNT", "INT").doc("How many pictures there are, B."),
    ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let Params { images, first, count, step, resize } = params;
        Selection { param: "images", files: &images, first, count, step, resize }.load(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};
    use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};
    use std::io::Cursor;

    fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
        let mut png = Cursor::new(Vec::new());
        picture.into().write_to(&mut png, ImageFormat::Png).expect("encodes");
        png.into_inner()
    }

    fn grey(value: u8, (width, height): (u32, u32)) -> Vec<u8> {
        png(GrayImage::from_pixel(width, height, image::Luma([value])))
    }

    /// First samples of the pictures, in 255ths, and of the masks; the size.
    fn load(params: &str, files: &[(&str, Vec<u8>)]) -> Result<(Vec<u8>, Vec<u8>, Vec<usize>)> {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let ran = run_node::<LoadImages>(params, &[], &files)?;
        let of = |index: usize| -> Result<Vec<u8>> {
            let tensor = ran.outputs[index].tensor();
            let first = tensor.flatten_from(1)?.narrow(1, 0, 1)?.flatten_all()?.to_vec1::<f32>()?;
            Ok(first.into_iter().map(|v| (v * 255.0).round() as u8).collect())
        };
        let dims = ran.outputs[0].tensor().dims().to_vec();
        assert!(matches!(ran.outputs[2], Value::Int(count) if count as usize == dims[0]));
        assert_eq!(ran.outputs[1].tensor().dims(), &dims[..3]);
        Ok((of(0)?, of(1)?, dims))
    }

    fn refusal(params: &str, files: &[(&str, Vec<u8>)]) -> Error {
        load(params, files).expect_err("refused")
    }

    #[test]
    fn grey_colours_and_alpha_make_one_batch() {
        let files = [
            ("f", b"f/1.png\0f/2.PNG\0f/notes.txt\0f/10.png\0".to_vec()),
            ("f/1.png", grey(10, (3, 2))),
            ("f/2.PNG", png(RgbImage::from_pixel(3, 2, image::Rgb([20, 0, 0])))),
            ("f/10.png", png(RgbaImage::from_pixel(3, 2, image::Rgba([30, 0, 0, 204])))),
        ];
        let (firsts, masks, dims) = load(r#"{"images": "f"}"#, &files).expect("it loads");
        assert_eq!((firsts, masks, dims), (vec![10, 20, 30], vec![0, 0, 51], vec![3, 2, 3, 3]));
    }

    #[test]
    fn some_of_a_sequence() {
        let names: Vec<String> = (0..8).map(|n| format!("f/{n:04}.png")).collect();
        let list = names.iter().flat_map(|name| name.bytes().chain([0])).collect();
        let mut files = vec![("f/####.png", list)];
        files.extend(names.iter().zip(0..).map(|(name, n)| (name.as_str(), grey(n * 10, (1, 1)))));
        for (params, wanted) in [
            (r#"{"images": "f/####.png"}"#, &[0, 10, 20, 30, 40, 50, 60, 70][..]),
            (r#"{"images": "f/####.png", "first": 6}"#, &[60, 70]),
            (r#"{"images": "f/####.png", "first": 1, "step": 3}"#, &[10, 40, 70]),
            (r#"{"images": "f/####.png", "step": 2, "count": 2}"#, &[0, 20]),
        ] {
            assert_eq!(load(params, &files).expect(params).0, wanted, "{params}");
        }
        let error = refusal(r#"{"images": "f/####.png", "first": 8}"#, &files);
        assert!(
            error.to_string().starts_with("`f/####.png` has 8 pictures, so there is none at index 8"),
            "{error}"
        );
    }

    #[test]
    fn two_sizes_are_refused_by_name_or_resized() {
        let files = [
            ("f", b"f/a.png\0f/b.png\0".to_vec()),
            ("f/a.png", grey(10, (2, 2))),
            ("f/b.png", grey(40, (8, 4))),
        ];
        let error = refusal(r#"{"images": "f"}"#, &files);
        assert_eq!((error.status(), error.input()), (dreamwire_sdk::abi::E_INPUT, "images"));
        assert!(error.to_string().starts_with("`f/b.png` is 8x4, but `f/a.png` is 2x2"), "{error}");
        let (firsts, _, dims) = load(r#"{"images": "f", "resize": "first"}"#, &files).expect("resized");
        assert_eq!((firsts, dims), (vec![10, 40], vec![2, 2, 2, 3]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let broken = [("f", b"f/a.png\0".to_vec()), ("f/a.png", b"<html>404</html>".to_vec())];
        let error = refusal(r#"{"images": "f"}"#, &broken);
        assert!(error.to_string().starts_with("`f/a.png` is "), "{error}");
        assert_eq!(error.input(), "images");
        let error = refusal(r#"{"images": "f"}"#, &[("f", b"f/a.txt\0".to_vec())]);
        assert!(error.to_string().starts_with("`f` has no pictures"), "{error}");
        assert!(has_extension("a b.JPG [output]") && !has_extension("a.txt [output]"));
    }
}
