use dreamwire_nets::optim::{octave_sizes, zoom};

use crate::reference::Reference;
use crate::tolerance::Tolerance;

/// SciPy's `nd.zoom(order=1)` as Google's notebook calls it between octaves.
#[test]
fn enlarging() {
    let reference = Reference::read("dream/google");
    let picture = |name| reference.tensor(name).permute((1, 2, 0)).unwrap().unsqueeze(0).unwrap();
    let (small, large) = (picture("nd_zoom_down"), picture("nd_zoom_up"));
    assert_eq!(octave_sizes(96, 128, 2, 1.4)[0], (69, 91));
    Tolerance::Close.check("zoom", &zoom(&small, 96, 128).unwrap(), &large);
}
