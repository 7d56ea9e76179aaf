use super::*;
#[test]
fn dump() {
    let (loader, problems) = dreamwire_loader::Loader::load(
        &dreamwire_loader::Search::new(&[std::path::PathBuf::from("/work/built")]),
        1,
        None,
        None,
    );
    let _ = problems;
    use dreamwire_engine::Nodes;
    let start = std::time::Instant::now();
    let all = Value::Object(definition::all(
        loader.kinds(),
        &Listing::of(std::path::Path::new("/work/h/catalogue/graphs")),
    ));
    let text = all.to_string();
    eprintln!("{} kinds {} bytes {:?}", loader.kinds().len(), text.len(), start.elapsed());
    std::fs::write("/tmp/catalogue-object-info.json", text).unwrap();
}
