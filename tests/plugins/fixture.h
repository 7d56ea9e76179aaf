/* What the bad plugins share, so that each file holds nothing but its own fault. */
#ifndef FIXTURE_H
#define FIXTURE_H
#include "dreamwire.h"
#include <stdlib.h>

#define TEXT(literal) { literal, sizeof(literal) - 1 }
#define UNUSED __attribute__((unused))

UNUSED static dw_str no_params(void) {
  static const char text[] = "{\"type\":\"object\",\"properties\":{},\"description\":\"A fixture.\"}";
  dw_str schema = { text, sizeof text - 1 };
  return schema;
}

static const dw_port fixture_out = { sizeof(dw_port), 0, TEXT("IMAGE"), TEXT("a picture"), TEXT("IMAGE") };
static const dw_port *const fixture_outs[] = { &fixture_out };

/* A kind without inputs and with one IMAGE. */
#define SOURCE_KIND(id) \
  { sizeof(dw_kind), DW_KIND_PURE, TEXT(id), 1, 0, 1, 0, NULL, fixture_outs, TEXT(id), TEXT("test"), no_params }

UNUSED static dw_status cannot_create(dw_str id, const dw_call *call, dw_node **out) {
  (void)id, (void)call, (void)out;
  return DW_E_UNSUPPORTED;
}
#endif
