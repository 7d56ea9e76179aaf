/* An output that says where it computes, of a plugin that claims to compute on a CUDA device of its own invention; or that tells
 * wrong things of devices, in one way that is chosen with -D. */
#define EXTENSION extension
#include "fixture.h"

#if defined(METAL)
static const int32_t types[] = { 8 };
#elif defined(CLAIMS_CPU)
static const int32_t types[] = { 2, 1 };
#else
static const int32_t types[] = { 2 };
#endif

static dw_status probe(const dw_call *call, DLDevice device, dw_device_info *info) {
#if defined(NO_CPU)
  if (device.device_type == 1) return refuse(call, DW_E_DEVICE, "", "the CPU is too hot");
#endif
  if (device.device_type == 1) return DW_OK; /* the host knows more of it */
#if !defined(TAKES_ALL)
  if (device.device_type != types[0]) {
#if defined(WORDLESS)
    return DW_E_UNSUPPORTED;
#else
    return refuse(call, DW_E_UNSUPPORTED, "", "this plugin was not built for that");
#endif
  }
#endif
  (void)call, (void)info;
#if defined(BROKEN)
  return refuse(call, DW_E_DEVICE, "", "there is no driver for the test GPU");
#elif defined(FULL)
  return refuse(call, DW_E_NOMEM, "", "the memory of the test GPU is used up: 1 MiB of 8 GiB are free");
#else
  if (device.device_id != 0) return refuse(call, DW_E_DEVICE, "", "there is no device of that number");
  dw_str name = TEXT("Test GPU");
  info->name = name;
  info->total = 8ull << 30;
  info->free = 6ull << 30;
  return DW_OK;
#endif
}

static const dw_devices devices = { sizeof(dw_devices), sizeof types / sizeof *types, types, probe };
static const void *extension(const char *id) { return strcmp(id, "dw.devices/1") ? NULL : &devices; }

/* An objective may be asked, on the device of this call: its value, and its gradient by a tape. */
static dw_status ask(const dw_call *call, dw_fn *fn) {
  int64_t shape[] = { 1, 8, 8, 3 };
  dw_owned x = new_tensor(4, shape), y = NULL, gx = NULL;
  if (!x) return DW_E_NOMEM;
  dw_view views[] = { &x->dl_tensor };
  dw_tape *tape = NULL;
  dw_status status = fn->vt->eval(fn, call, views, &y, 1, &tape);
  if (status == DW_OK && !tape) status = refuse(call, DW_E_FAILED, "objective", "there is no tape");
  if (status == DW_OK) {
    dw_view cotangents[] = { &y->dl_tensor };
    status = tape->vt->vjp(tape, call, cotangents, &gx);
  }
  if (tape) tape->vt->release(tape);
  if (y) y->deleter(y);
  if (gx) gx->deleter(gx);
  x->deleter(x);
  return status;
}

static dw_status run(dw_node *node, const dw_call *call, dw_str params, const dw_value *in, dw_value *out) {
  (void)node, (void)params;
  if (in[0].kind != DW_NONE && in[0].kind != DW_FUNCTION)
    return refuse(call, DW_E_ARG, "objective", "`objective` is not a function");
  if (in[0].kind == DW_FUNCTION) {
    dw_status status = ask(call, in[0].u.fn);
    if (status != DW_OK) return status;
  }
  return give_grey(out, call->device.device_type == 1 ? 0.0f : 1.0f);
}

static uint32_t deinit(void) { return 0; }
static const dw_port objective = { sizeof(dw_port), DW_PORT_OPTIONAL, TEXT("objective"), TEXT("is asked"), TEXT("OBJECTIVE") };
static const dw_port *const inputs[] = { &objective };
PLUGIN("Where", DW_KIND_PURE | DW_KIND_OUTPUT, 1, inputs, 1, fixture_outs, run, deinit);
