/* A plugin that does nothing: what one call across the ABI costs by itself. */
#include "dreamwire.h"
#include <string.h>
#define S(text) { text, sizeof(text) - 1 }

static dw_str schema(void) {
  dw_str s = S("{\"type\": \"object\", \"properties\": {}, \"description\": \"does nothing\"}");
  return s;
}
static const dw_port value = { sizeof(dw_port), 0, S("value"), S(""), S("INT") };
static const dw_port *const ports[] = { &value };
static const dw_kind noop = { sizeof(dw_kind), 0, S("Noop"), 1, 0, 1, 0, 0, ports, S("Noop"), S(""), schema };
static const dw_kind *const kinds[] = { &noop };

static void destroy(dw_node *node) { (void)node; }
static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node; (void)call; (void)params; (void)in;
  out[0].kind = DW_I64;
  out[0].u.i = 1;
  return DW_OK;
}
static const dw_node_vt vt = { sizeof(dw_node_vt), 0, destroy, run, 0 };
static dw_node the_node = { &vt };

static dw_status init(const dw_host *host, const dw_call *call) { (void)host; (void)call; return DW_OK; }
static uint32_t deinit(void) { return 0; }
static dw_status create(dw_str id, const dw_call *call, dw_node **out) { (void)id; (void)call; *out = &the_node; return DW_OK; }

DW_EXPORT const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, DW_ABI_MINOR, 0, S("org.example.noop"), S("1"), S("c"),
  init, deinit, 1, 0, kinds, create, 0 };
