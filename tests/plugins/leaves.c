/* A kind that leaves the working folder. */
#include "fixture.h"
#include <unistd.h>

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)call, (void)params, (void)in;
  return chdir("/") ? DW_E_FAILED : give_grey(out, 0.5f);
}

PLUGIN("Leaves", DW_KIND_PURE, 0, NULL, 1, fixture_outs, run, NULL);
