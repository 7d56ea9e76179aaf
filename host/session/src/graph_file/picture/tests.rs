use super::*;

const GRAPH: &str = r#"{"photo": {"class_type": "LoadImage"}}"#;
const EDITORS: &str = r#"{"nodes": []}"#;

const DESCRIPTION: u16 = 0x010e;
const MAKE: u16 = 0x010f;
const MODEL: u16 = 0x0110;

fn graph(text: &str) -> Option<Carried> {
    Some(Carried::Graph(text.as_bytes().to_vec()))
}

/// A TIFF with these texts in its first directory, after an entry of another type.
fn exif(is_big: bool, texts: &[(u16, &[u8])]) -> Vec<u8> {
    let u16 = |v: u16| if is_big { v.to_be_bytes() } else { v.to_le_bytes() };
    let u32 = |v: usize| if is_big { (v as u32).to_be_bytes() } else { (v as u32).to_le_bytes() };
    let mut out = [if is_big { &b"MM\0*"[..] } else { b"II*\0" }, &u32(8)].concat();
    out.extend(u16(texts.len() as u16 + 1));
    // Width: a short of 1.
    out.extend([u16(0x0100), u16(3)].concat());
    out.extend([u32(1), [0; 4]].concat());
    let mut place = 8 + 2 + 12 * (texts.len() + 1) + 4;
    for (tag, text) in texts {
        out.extend([u16(*tag), u16(2)].concat());
        out.extend([u32(text.len()), u32(place)].concat());
        place += text.len();
    }
    out.extend([0; 4]);
    texts.iter().for_each(|(_, text)| out.extend(*text));
    out
}

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    [&[0xff, marker][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat()
}

fn jpeg(block: &[u8]) -> Vec<u8> {
    let jfif = segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let xmp = segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>");
    let exif = segment(0xe1, &[&b"Exif\0\0"[..], block].concat());
    [&b"\xff\xd8"[..], &jfif, &xmp, b"\xff", &exif, &segment(0xda, b"\x01"), b"pixels\xff\xd9"].concat()
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let pad = if data.len() % 2 == 1 { &b"\0"[..] } else { b"" };
    [&kind[..], &(data.len() as u32).to_le_bytes(), data, pad].concat()
}

fn webp(block: &[u8]) -> Vec<u8> {
    let body =
        [&b"WEBP"[..], &chunk(b"VP8X", &[0; 10]), &chunk(b"VP8L", b"odd"), &chunk(b"EXIF", block)].concat();
    chunk(b"RIFF", &body)
}

fn exr(attributes: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut out = b"\x76\x2f\x31\x01\x02\0\0\0".to_vec();
    for (name, kind, value) in attributes {
        out.extend([name.as_bytes(), b"\0", kind.as_bytes(), b"\0"].concat());
        out.extend((value.len() as u32).to_le_bytes());
        out.extend(*value);
    }
    out.push(0);
    out.extend(b"pixels");
    out
}

fn worded(word: &str, text: &str) -> Vec<u8> {
    format!("{word}:{text}\0").into_bytes()
}

/// Every file that EXIF can stand in.
fn files(texts: &[(u16, &[u8])]) -> Vec<Vec<u8>> {
    [false, true]
        .into_iter()
        .flat_map(|is_big| {
            let block = exif(is_big, texts);
            let with_name = [&b"Exif\0\0"[..], &block].concat();
            [jpeg(&block), webp(&block), webp(&with_name), block]
        })
        .collect()
}

#[test]
fn a_graph_is_found_in_exif_as_saveimage_and_comfyui_write_it() {
    let (prompt, workflow) = (worded("prompt", GRAPH), worded("workflow", EDITORS));
    let (prompt, workflow) = (prompt.as_slice(), workflow.as_slice());
    let capital = worded("Prompt", GRAPH);
    for texts in [
        &[(DESCRIPTION, prompt)][..],
        &[(MAKE, workflow), (MODEL, prompt)],
        &[(MODEL, prompt), (MAKE, workflow)],
        &[(MAKE, &b"Camera: one\0"[..]), (MODEL, &capital[..])],
        &[(DESCRIPTION, &prompt[..prompt.len() - 1])],
    ] {
        for file in files(texts) {
            assert_eq!(carried(&file), graph(GRAPH), "{texts:?}");
        }
    }
    for file in files(&[(MAKE, workflow)]) {
        assert_eq!(carried(&file), graph(EDITORS));
    }
}

#[test]
fn a_graph_is_found_in_attributes() {
    let window = ("dataWindow", "box2i", &[0; 16][..]);
    let (prompt, workflow) =
        (("prompt", "string", GRAPH.as_bytes()), ("workflow", "string", EDITORS.as_bytes()));
    assert_eq!(carried(&exr(&[window, prompt])), graph(GRAPH));
    assert_eq!(carried(&exr(&[workflow, window, prompt])), graph(GRAPH));
    assert_eq!(carried(&exr(&[workflow, window])), graph(EDITORS));
    let other = ("prompt", "stringvector", GRAPH.as_bytes());
    assert_eq!(carried(&exr(&[other, window])), Some(Carried::Nothing));
}

#[test]
fn other_texts_are_not_graphs() {
    for text in [
        worded("prompt", "a cat in space"),
        worded("comment", GRAPH),
        GRAPH.as_bytes().to_vec(),
        worded("prompt", ""),
        b"prompt".to_vec(),
        vec![],
    ] {
        for file in files(&[(DESCRIPTION, &text)]) {
            assert_eq!(carried(&file), Some(Carried::Nothing), "{text:?}");
        }
    }
    assert_eq!(carried(&exr(&[("prompt", "string", b"a cat")])), Some(Carried::Nothing));
    assert_eq!(carried(b"GIF89a"), None);
    assert_eq!(carried(b"{}"), None);
    assert_eq!(carried(b"RIFF\0\0\0\0WAVE"), None);
}

#[test]
fn latin1_and_utf8_are_both_read() {
    let latin1 = b"prompt:{\"\xf6\": {}}\0";
    for file in
        files(&[(MODEL, latin1)]).into_iter().chain(files(&[(MODEL, "prompt:{\"ö\": {}}\0".as_bytes())]))
    {
        assert_eq!(carried(&file), graph("{\"ö\": {}}"));
    }
}

#[test]
fn a_text_beyond_the_limit_is_too_large() {
    let large = worded("prompt", &format!("{{{}", " ".repeat(MAX_BYTES)));
    let block = exif(false, &[(MODEL, &large)]);
    assert_eq!(carried(&block), Some(Carried::TooLarge));
    assert_eq!(carried(&webp(&block)), Some(Carried::TooLarge));
    assert_eq!(carried(&exr(&[("prompt", "string", &large[7..])])), Some(Carried::TooLarge));
}

#[test]
fn damage_is_never_a_panic() {
    let prompt = worded("prompt", GRAPH);
    let mut whole = files(&[(MAKE, b"a camera\0"), (MODEL, &prompt)]);
    whole.push(exr(&[("owner", "string", b"me"), ("prompt", "string", GRAPH.as_bytes())]));
    for file in whole {
        for end in 0..file.len() {
            let found = carried(&file[..end]);
            // A text that is cut off does not lie in the file, so it is not half a graph.
            assert!(
                matches!(found, None | Some(Carried::Nothing)) || found == graph(GRAPH),
                "{end}: {found:?}"
            );
        }
        for at in 0..file.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = file.clone();
                bytes[at] = value;
                assert_ne!(carried(&bytes), Some(Carried::TooLarge), "{at} {value}");
            }
        }
    }
}
