/* A plugin that cannot be started, or whose nodes cannot be made; the fault is chosen with -D. */
#include "fixture.h"

static const dw_node_vt no_functions = { sizeof(dw_node_vt), 0, NULL, NULL, NULL };
UNUSED static dw_node no_vtable = { NULL };
UNUSED static dw_node no_run = { &no_functions };

static dw_status init(const dw_host *host, const dw_call *call) {
  (void)host, (void)call;
#if defined(INIT_PANICS)
  return DW_E_PANIC;
#else
  return DW_OK;
#endif
}

static dw_status create(dw_str id, const dw_call *call, dw_node **out) {
  (void)id, (void)call, (void)out;
#if defined(CREATE_PANICS)
  return DW_E_PANIC;
#elif defined(NO_VTABLE)
  *out = &no_vtable;
#elif defined(NO_RUN)
  *out = &no_run;
#endif
  return DW_OK;
}

static const dw_kind kind = SOURCE_KIND("NoStart");
static const dw_kind *const kinds[] = { &kind };
const dw_entry dw_entry_v1 = { sizeof(dw_entry), DW_ABI_MAJOR, 0, 0, TEXT("org.example.no_start"), TEXT("1.0.0"),
                               TEXT("C"), init, NULL, 1, 0, kinds, create, NULL };
