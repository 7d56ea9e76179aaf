/* A library that ends its process as soon as it is opened. */
#include "fixture.h"

__attribute__((constructor)) static void open_and_die(void) { abort(); }

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)call, (void)params, (void)in;
  return give_grey(out, 0.5f);
}

PLUGIN("Dead", DW_KIND_PURE, 0, NULL, 1, fixture_outs, run, NULL);
