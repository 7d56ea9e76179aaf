use super::*;
use miniz_oxide::deflate::compress_to_vec_zlib;

const GRAPH: &str = r#"{"photo": {"class_type": "LoadImage"}}"#;

fn chunk_of(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checked = kind.to_vec();
    checked.extend_from_slice(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length[..], &checked, &crc(&checked).to_be_bytes()].concat()
}

fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    let head = chunk_of(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    [SIGNATURE, &head, &chunks.concat(), &chunk_of(b"IEND", b"")].concat()
}

fn text_of(kind: &[u8; 4], keyword: &str, text: &[u8]) -> Vec<u8> {
    let packed = compress_to_vec_zlib(text, 6);
    let data = match kind {
        b"tEXt" => [keyword.as_bytes(), b"\0", text].concat(),
        b"zTXt" => [keyword.as_bytes(), b"\0\0", &packed].concat(),
        _ => [keyword.as_bytes(), b"\0\0\0de\0Aufgabe\0", text].concat(),
    };
    chunk_of(kind, &data)
}

fn packed_itxt(text: &[u8]) -> Vec<u8> {
    chunk_of(b"iTXt", &[&b"prompt\0\x01\0\0\0"[..], &compress_to_vec_zlib(text, 6)].concat())
}

fn graph(text: &str) -> Carried {
    Carried::Graph(text.as_bytes().to_vec())
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    assert_eq!(crc(b"IEND"), 0xae42_6082);
}

#[test]
fn a_graph_is_found_in_each_kind_of_text_before_and_after_the_pixels() {
    let pixels = chunk_of(b"IDAT", b"whatever");
    for text in [
        text_of(b"tEXt", "prompt", GRAPH.as_bytes()),
        text_of(b"zTXt", "prompt", GRAPH.as_bytes()),
        text_of(b"iTXt", "prompt", GRAPH.as_bytes()),
        packed_itxt(GRAPH.as_bytes()),
    ] {
        assert_eq!(carried(&png(&[text.clone(), pixels.clone()])), graph(GRAPH));
        assert_eq!(carried(&png(&[pixels.clone(), text])), graph(GRAPH));
    }
}

#[test]
fn the_api_form_comes_before_the_editors_form() {
    let workflow = text_of(b"tEXt", "workflow", br#"{"nodes": []}"#);
    let prompt = text_of(b"tEXt", "prompt", GRAPH.as_bytes());
    assert_eq!(carried(&png(&[workflow.clone(), prompt])), graph(GRAPH));
    assert_eq!(carried(&png(&[workflow])), graph(r#"{"nodes": []}"#));
}

#[test]
fn latin1_and_utf8_are_both_read() {
    let text = "{\"ö\": {}}";
    assert_eq!(carried(&png(&[text_of(b"tEXt", "prompt", text.as_bytes())])), graph(text));
    assert_eq!(carried(&png(&[text_of(b"tEXt", "prompt", b"{\"\xf6\": {}}")])), graph(text));
    assert_eq!(carried(&png(&[text_of(b"zTXt", "prompt", b"{\"\xf6\": {}}")])), graph(text));
}

#[test]
fn other_texts_are_not_graphs() {
    for text in [
        text_of(b"tEXt", "prompt", b"a cat in space"),
        text_of(b"tEXt", "Comment", GRAPH.as_bytes()),
        text_of(b"tEXt", "prompt", b""),
        chunk_of(b"tEXt", b"prompt"),
        chunk_of(b"zTXt", b"prompt\0"),
        chunk_of(b"iTXt", b"prompt\0\0"),
        chunk_of(b"IDAT", &[b"prompt\0", GRAPH.as_bytes()].concat()),
    ] {
        assert_eq!(carried(&png(&[text])), Carried::Nothing);
    }
}

#[test]
fn what_unpacks_to_more_than_a_graph_is_refused() {
    let large = vec![b'{'; MAX_BYTES + 1];
    assert_eq!(carried(&png(&[text_of(b"zTXt", "prompt", &large)])), Carried::TooLarge);
    assert_eq!(carried(&png(&[packed_itxt(&large)])), Carried::TooLarge);
}

#[test]
fn damage_is_told_and_never_a_panic() {
    let whole = png(&[text_of(b"zTXt", "prompt", GRAPH.as_bytes())]);
    for end in SIGNATURE.len()..whole.len() {
        let found = carried(&whole[..end]);
        assert!(found == Carried::Nothing || found == graph(GRAPH), "{end}: {found:?}");
    }
    for at in SIGNATURE.len()..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let found = carried(&bytes);
        let harmless = matches!(found, Carried::Nothing | Carried::Damaged(_)) || found == graph(GRAPH);
        assert!(harmless, "{at}: {found:?}");
    }
    let broken = chunk_of(b"zTXt", b"prompt\0\0not packed");
    assert_eq!(carried(&png(&[broken])), Carried::Damaged("it cannot be unpacked"));
    let unknown = chunk_of(b"zTXt", b"prompt\0\x07x");
    assert_eq!(carried(&png(&[unknown])), Carried::Damaged("its compression is not known"));
}
