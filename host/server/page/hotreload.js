// For ComfyUI's editor: what Dreamwire rebuilds or reloads shows up in the open page. Public globals only.
const { app } = window.comfyAPI.app;

// A new user begins with an empty canvas: the editor's own first graph needs nodes that no plugin has here.
const { defaultGraph, blankGraph } = window.comfyAPI.defaultGraph ?? {};
if (defaultGraph && blankGraph) Object.assign(defaultGraph, structuredClone(blankGraph));

app.registerExtension({
  name: "dreamwire.hotreload",
  setup() {
    app.api.addEventListener("dreamwire.nodes_changed", () => app.reloadNodeDefs());
    app.api.addEventListener("dreamwire.graph_changed", ({ detail }) => app.loadApiJson(detail.graph, detail.name));
  },
});
