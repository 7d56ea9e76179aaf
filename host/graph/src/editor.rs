//! What ComfyUI writes beside the API form of a graph. It means nothing here, and is ignored.

/// Members beside the graph in an envelope, which may hold anything at all.
const BESIDE: [&str; 4] = ["extra_data", "extra_pnginfo", "is_changed", "workflow"];

/// Members whose value is a graph: of a request to its server, of what its editor makes of a graph, and of a picture's
/// metadata as a list of its texts.
pub(crate) const ENVELOPES: [&str; 3] = ["prompt", "output", "workflow"];

/// What a request has beside the graph, which some programs write among the nodes.
const REQUEST: [&str; 5] = ["client_id", "extra_data", "extra_pnginfo", "prompt_id", "workflow"];

/// Inputs that widgets of the editor add to nodes.
const INPUTS: [&str; 8] = [
    "upload",
    "control_after_generate",
    "control after generate",
    "control_before_generate",
    "control_filter_list",
    "audioUI",
    "videopreview",
    "speak_and_recognation",
];

/// Patterns of further such inputs, for the schema of graph files: `image_upload`, `choose file to upload`.
pub(crate) const INPUT_PATTERNS: [&str; 2] = ["_upload$", "^choose .+ to upload$"];

/// Fields that the server adds to nodes.
pub(crate) const FIELDS: [&str; 2] = ["is_changed", "override_display_id"];

/// Whether an input comes from a widget, if its kind does not have it.
pub(crate) fn is_input(name: &str) -> bool {
    INPUTS.contains(&name)
        || name.ends_with("_upload")
        || (name.starts_with("choose ") && name.ends_with(" to upload"))
}

/// The inputs that have no pattern.
pub(crate) fn inputs() -> impl Iterator<Item = &'static str> {
    INPUTS.into_iter()
}

/// Whether a field of a node comes from the server.
pub(crate) fn is_field(name: &str) -> bool {
    FIELDS.contains(&name)
}

/// Whether a member of a graph belongs to a request, if it is no node.
pub(crate) fn is_beside(name: &str) -> bool {
    REQUEST.contains(&name)
}

/// Whether the value of a member may be more than JSON: Python writes NaN.
pub(crate) fn may_hold_anything(name: &str) -> bool {
    BESIDE.contains(&name)
}
