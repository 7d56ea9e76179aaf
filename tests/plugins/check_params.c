/* A kind that judges its params, and keeps the contract, or breaks it in one way that is chosen with -D. */
#define SCHEMA grey_schema
#define CHECK check_params
#include "fixture.h"
#include <stdio.h>

/* By default a grey that the kind does not like. */
UNUSED static dw_str grey_schema(void) {
  static const char text[] =
      "{\"type\":\"object\",\"description\":\"A fixture.\",\"properties\":"
      "{\"grey\":{\"type\":\"integer\",\"default\":200,\"description\":\"Up to 100 is fine.\"}}}";
  dw_str schema = { text, sizeof text - 1 };
  return schema;
}

/* The number of `{"grey":7}`, or -1. */
static int grey_of(dw_str params) {
  char text[64] = "";
  int grey = -1;
  if (params.len < sizeof text) memcpy(text, params.ptr, params.len);
  return sscanf(text, "{\"grey\":%d}", &grey) == 1 ? grey : -1;
}

static dw_status judge(const dw_call *call, dw_str params) {
  int grey = grey_of(params);
  if (grey >= 0 && grey <= 100) return DW_OK;
#if defined(WORDLESS)
  return DW_E_ARG;
#elif defined(NAMELESS)
  return refuse_with(call, DW_E_ARG, "gray", "the grey is too light", "take 50");
#else
  return refuse_with(call, DW_E_ARG, "grey", "the grey is too light", "take 50");
#endif
}

static dw_status check_params(const dw_call *call, dw_str params) {
#if defined(FICKLE)
  static int times = 0;
  if (times++ % 3 == 2) return DW_OK;
#elif defined(READS)
  dw_str file = TEXT("grey.txt");
  dw_owned bytes = NULL;
  return call->read(call, file, &bytes);
#endif
  return judge(call, params);
}

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)in;
#if !defined(DISAGREES)
  dw_status status = judge(call, params);
  if (status != DW_OK) return status;
#endif
  return give_grey(out, (float)grey_of(params) / 255);
}

PLUGIN("Grey", DW_KIND_PURE, 0, NULL, 1, fixture_outs, run, NULL);
