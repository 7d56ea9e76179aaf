use crate::{Cmd, Folder, Outcome, repository};

/// A graph of `graphs/` at a small size.
pub struct Example {
    /// The name of its file.
    pub graph: &'static str,
    /// The values of `--set` that make it small.
    pub sets: &'static [&'static str],
    /// The longest side of the largest picture that it publishes.
    pub longest: u32,
}

impl Example {
    /// Runs it in `folder` on a device with these variables, and publishes to `out` there.
    pub fn run(&self, folder: &Folder, out: &str, device: &str, variables: &[(&str, &str)]) -> Outcome {
        let graph = repository().join("graphs").join(self.graph);
        let sets = self.sets.iter().flat_map(|set| ["--set", set]);
        let run =
            Cmd::new(folder).args(["run"]).args([graph]).args(["--out", out, "--device", device]).args(sets);
        variables.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
    }
}

/// Every graph of `graphs/`; a missing one fails a test.
pub const EXAMPLES: &[Example] = &[
    // As ComfyUI exports it, without a param to make it smaller.
    Example { graph: "comfyui_export.json", sets: &[], longest: 672 },
    Example {
        graph: "dream.json",
        sets: &["size.width=64", "size.height=0", "dream.octaves=2", "dream.steps=2"],
        longest: 64,
    },
    Example {
        graph: "dream_from_noise.json",
        sets: &["noise.width=64", "noise.height=64", "dream.octaves=2", "dream.steps=2"],
        longest: 64,
    },
    Example {
        graph: "dream_sheet.json",
        sets: &["size.width=64", "size.height=0", "dream.octaves=2", "dream.steps=2"],
        longest: 4 * 64 + 5 * 8,
    },
    Example {
        graph: "dream_then_style.json",
        sets: &[
            "size.width=64",
            "size.height=0",
            "painting_size.width=64",
            "painting_size.height=0",
            "dream.octaves=2",
            "dream.steps=2",
            "style.refine=2",
        ],
        longest: 64,
    },
    Example {
        graph: "face_dream_paint.json",
        sets: &[
            "face.width=64",
            "painting_size.width=64",
            "dream.octaves=2",
            "dream.steps=2",
            "style.refine=2",
        ],
        longest: 64,
    },
    Example { graph: "latent_ascent.json", sets: &["climb.steps=2"], longest: 256 },
    Example {
        graph: "masked_dream.json",
        sets: &["size.width=64", "size.height=0", "dream.octaves=2", "dream.steps=2"],
        longest: 64,
    },
    Example {
        graph: "perceptual_match.json",
        sets: &["target.width=48", "target.height=32", "noise.width=48", "noise.height=32", "match.steps=3"],
        longest: 48,
    },
    Example {
        graph: "style_by_descent.json",
        sets: &["photo_size.width=64", "photo_size.height=0", "painting_size.width=64", "style.steps=3"],
        longest: 64,
    },
    // Two pictures of 16 px.
    Example {
        graph: "stylegan3_rotation.json",
        sets: &[
            "net.weights=random:3:16:stylegan3-r",
            "turn.count=2",
            "large.width=16",
            "strip.columns=2",
            "strip.gap=0",
        ],
        longest: 32,
    },
    Example {
        graph: "stylegan_blend.json",
        sets: &[
            "net.coarse=random:1:16",
            "net.fine=random:2:16",
            "net.from_resolution=8",
            "z.seeds=0",
            "sheet.columns=1",
            "sheet.gap=0",
        ],
        longest: 16,
    },
    Example {
        graph: "stylegan_choose.json",
        sets: &["z_many.seeds=0-3", "some.items=1,3", "z_others.seeds=9", "large.width=16", "sheet.gap=0"],
        longest: 48,
    },
    Example {
        graph: "stylegan_directions.json",
        sets: &["move.directions=0-1", "move.steps=3", "large.width=16", "sheet.columns=3", "sheet.gap=0"],
        longest: 48,
    },
    Example { graph: "stylegan_load.json", sets: &["large.width=16", "sheet.gap=0"], longest: 48 },
    // Three rows of four pictures of 160 px, 4 px apart.
    Example { graph: "stylegan_mix.json", sets: &[], longest: 660 },
    Example {
        graph: "stylegan_project.json",
        sets: &[
            "vgg.layers=relu1_2,relu2_2",
            "in_w.steps=3",
            "in_w.samples=300",
            "in_w_plus.steps=2",
            "in_w_plus.samples=300",
            "typical.samples=300",
            "large.width=64",
            "sheet.gap=0",
        ],
        longest: 192,
    },
    Example { graph: "stylegan_sample.json", sets: &["z.seeds=0-3", "large.width=64"], longest: 276 },
    Example {
        graph: "stylegan_then_dream.json",
        sets: &["picture.width=64", "dream.octaves=2", "dream.steps=2"],
        longest: 64,
    },
    Example { graph: "stylegan_truncation.json", sets: &["large.width=16", "sheet.gap=0"], longest: 160 },
    Example { graph: "stylegan_walk.json", sets: &["walk.frames=1"], longest: 786 },
    Example {
        graph: "zoom_dream.json",
        sets: &["size.width=64", "size.height=0", "dream.octaves=2", "dream.steps=2"],
        longest: 64,
    },
];
