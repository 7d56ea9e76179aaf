// For ComfyUI's editor: what Dreamwire rebuilds or reloads shows up in the open page. Public globals only.
const { app } = window.comfyAPI.app;

app.registerExtension({
  name: "dreamwire.hotreload",
  setup() {
    app.api.addEventListener("dreamwire.nodes_changed", () => app.reloadNodeDefs());
    app.api.addEventListener("dreamwire.graph_changed", ({ detail }) => app.loadApiJson(detail.graph, detail.name));
  },
});
