//! Well-known kinds of ComfyUI that have no equal here, and the nearest of ours, for graphs that come from there.

/// Kinds, or what their names begin with if a `*` ends them, and what to say about them. The first one that fits is told.
pub const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["LoadImageOutput"],
        "the nearest kind is `LoadImage`: `\"image\": \"picture.png [output]\"` names a file of the output folder",
    ),
    (
        &["VHS_LoadVideo*", "GetVideoComponents"],
        "the nearest kind is `LoadVideo`, which gives the frames of a video as a batch",
    ),
    (
        &["VHS_LoadImages*", "LoadImageSetFromFolderNode"],
        "the nearest kind is `LoadImages`, which reads a folder as a batch; a run takes one picture after another \
         with --each",
    ),
    (
        &["ETN_LoadImage*", "BlenderInputLoadImage", "LoadImageFromUrl*", "LoadEXR", "LoadImageFromPath"],
        "the nearest kind is `LoadImage`, which reads a file below the folder of the graph or an input folder",
    ),
    (&["ETN_LoadMask*", "BlenderInputLoadMask"], "the nearest kind is `LoadImageMask`"),
    (&["SaveAnimatedWEBP", "SaveAnimatedPNG"], "the nearest kind is `SaveAnimation`"),
    (&["CreateVideo", "SaveWEBM", "VHS_VideoCombine"], "the nearest kind is `SaveVideo`"),
    (
        &["ETN_SendImage*", "SaveImageWebsocket", "BlenderOutputSaveImage", "SaveEXR", "Image Save"],
        "the nearest kind is `SaveImage`, which saves each picture of a batch as a file",
    ),
    (
        &[
            "ImageScaleToTotalPixels",
            "ImageScaleToMaxDimension",
            "ResizeImageMaskNode",
            "ResizeAndPadImage",
            "ImageResize*",
        ],
        "the nearest kind is `Resize`",
    ),
    (
        &["UpscaleModelLoader", "ImageUpscaleWithModel"],
        "there are no models for upscaling here; the nearest kind is `Resize`",
    ),
    (
        &["ImageQuantize", "Canny", "Morphology", "ImageRGBToYUV", "ImageYUVToRGB", "ImageMorphology"],
        "no kind here does that; a plugin can (`dreamwire new-plugin`)",
    ),
    (
        &["ImageStitch", "ImageConcat*"],
        "the nearest kind is `ImageBatch`, which makes a batch of two pictures",
    ),
    (
        &["BatchImagesNode", "RebatchImages", "ImageListToBatch*", "ImpactMakeImageBatch"],
        "the nearest kind is `ImageBatch`",
    ),
    (&["VHS_DuplicateImages"], "the nearest kind is `RepeatImageBatch`"),
    (&["VHS_SelectImages", "GetImageRangeFromBatch"], "the nearest kind is `BatchSelect`"),
    (&["PorterDuffImageComposite"], "the nearest kind is `ImageCompositeMasked`"),
    (&["ImageCompositeAbsolute", "ImageOverlay", "Image Blend*"], "the nearest kind is `Blend`"),
    (&["ImageCompare"], "the nearest kind is `Compare`"),
    (&["MaskPreview"], "the nearest kind is `PreviewMask`"),
    (&["PreviewAny", "easy showAnything"], "the nearest kind is `PreviewImage`"),
    (
        &["INTConstant", "easy int", "BlenderInputInt", "BlenderInputSeed", "Seed*"],
        "the nearest kind is `PrimitiveInt`",
    ),
    (&["FloatConstant", "easy float", "BlenderInputFloat"], "the nearest kind is `PrimitiveFloat`"),
    (
        &["StringConstant", "BlenderInputString*", "BlenderInputCombo"],
        "the nearest kind is `PrimitiveString`",
    ),
    (&["StringConstantMultiline"], "the nearest kind is `PrimitiveStringMultiline`"),
    (&["BOOLConstant", "BlenderInputBoolean"], "the nearest kind is `PrimitiveBoolean`"),
    (
        &["PrimitiveNode"],
        "it is a node of the editor alone; `PrimitiveInt`, `PrimitiveFloat`, `PrimitiveString` and `PrimitiveBoolean` \
         give one value to several nodes",
    ),
    (
        &["Reroute*"],
        "it is a node of the editor alone: link to the output that it passes on, or export the graph again with \
         `Export (API)`",
    ),
    (
        &["Note", "MarkdownNote", "Note Plus*"],
        "it is a node of the editor alone: remove it, or export the graph again with `Export (API)`, which leaves it \
         out",
    ),
    (
        &[
            "KSampler*",
            "SamplerCustom*",
            "BasicScheduler",
            "BasicGuider",
            "CFGGuider",
            "RandomNoise",
            "CheckpointLoader*",
            "ImageOnlyCheckpointLoader",
            "UNETLoader",
            "CLIPLoader",
            "DualCLIPLoader",
            "TripleCLIPLoader",
            "CLIPTextEncode*",
            "CLIPSetLastLayer",
            "CLIPVision*",
            "VAE*",
            "Lora*",
            "ControlNet*",
            "DiffControlNetLoader",
            "Conditioning*",
            "ModelSampling*",
            "ModelMerge*",
            "FluxGuidance",
            "EmptyLatentImage",
            "EmptySD3LatentImage",
            "Latent*",
            "SetLatentNoiseMask",
            "InpaintModelConditioning",
            "UnetLoaderGGUF",
            "IPAdapter*",
            "unCLIP*",
            "GLIGEN*",
            "FreeU*",
        ],
        "diffusion models are not supported; `GradientAscent`, `AdaIN` and `Synthesis` make pictures",
    ),
];

#[cfg(test)]
mod tests {
    use super::ELSEWHERE;
    use crate::KNOWN;

    fn ours(name: &str) -> bool {
        KNOWN.iter().any(|(kind, _)| *kind == name)
    }

    #[test]
    fn no_kind_of_ours_is_said_to_be_elsewhere() {
        for pattern in ELSEWHERE.iter().flat_map(|(names, _)| *names).filter(|name| !name.ends_with('*')) {
            assert!(!ours(pattern), "{pattern} is a kind of ours");
        }
    }

    #[test]
    fn the_kinds_that_are_recommended_exist() {
        for (names, hint) in ELSEWHERE {
            // A kind is one capitalised word in backticks; the rest are commands, inputs and menus.
            let quoted = hint.split('`').skip(1).step_by(2);
            for kind in quoted.filter(|text| text.starts_with(char::is_uppercase) && !text.contains(' ')) {
                assert!(ours(kind), "`{kind}`, recommended instead of {names:?}, is no kind of ours");
            }
        }
    }
}
